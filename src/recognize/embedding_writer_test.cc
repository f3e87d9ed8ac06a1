#include "recognize/embedding_writer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/npy.h"
#include "tests/scratch_folder.h"

namespace visavis {
namespace {

class EmbeddingWriterTest : public ScratchTest {
 protected:
  EmbeddingWriterTest() { spec_ = {.path = dir_ + "/out.npy", .dimension = 2, .fingerprint = "f"}; }

  EmbeddingWriter Open() {
    auto writer = EmbeddingWriter::Open(FileSystem::Real(), spec_);
    if (!writer) ADD_FAILURE() << writer.error().message;
    return std::move(writer).value();
  }
  static std::vector<RecognizedFace> Faces(std::vector<Embedding> embeddings) {
    std::vector<RecognizedFace> faces(embeddings.size());
    for (std::size_t i = 0; i < faces.size(); ++i) {
      faces[i].face = {{1, 2.5, 3, 4}, 0.75f, {}};
      faces[i].embedding = std::move(embeddings[i]);
    }
    return faces;
  }
  static void AddThree(EmbeddingWriter& writer, int from) {
    if (from <= 0) {
      ASSERT_TRUE(writer.Add("a.jpg", Faces({{1, 2}})));
    }
    if (from <= 1) {
      ASSERT_TRUE(writer.AddFailure("b\t.jpg", "no_face", "no face found"));
    }
    ASSERT_TRUE(writer.Add("c,\".jpg", Faces({{3, 4}, {5, 0.1f}})));
  }
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::size_t FilesInDir() const {
    return std::distance(std::filesystem::directory_iterator(dir_), {});
  }
  void ExpectWhole() {
    const auto bytes = FileSystem::Real().ReadFile(Path("out.npy"), 1000).value();
    const auto rows = ParseNpy(bytes, "out.npy", 100);
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_EQ(rows->shape, (std::vector<std::int64_t>{3, 2}));
    EXPECT_EQ(rows->values, (std::vector<float>{1, 2, 3, 4, 5, 0.1f}));
    EXPECT_EQ(ReadText(Path("out.names.tsv")),
              "path\tface\tx1\ty1\tx2\ty2\tscore\n"
              "a.jpg\t0\t1.00\t2.50\t3.00\t4.00\t0.7500\n"
              "c,\".jpg\t0\t1.00\t2.50\t3.00\t4.00\t0.7500\n"
              "c,\".jpg\t1\t1.00\t2.50\t3.00\t4.00\t0.7500\n");
    EXPECT_EQ(ReadText(Path("out.failed.tsv")),
              "path\terror\tmessage\nb\\t.jpg\tno_face\tno face found\n");
    EXPECT_EQ(FilesInDir(), 3u);
  }

  EmbeddingFileSpec spec_;
};

TEST_F(EmbeddingWriterTest, WritesRowsNamesAndFailures) {
  EmbeddingWriter writer = Open();
  AddThree(writer, 0);
  EXPECT_EQ(writer.rows(), 3);
  EXPECT_EQ(writer.failures(), 1);
  EXPECT_FALSE(std::filesystem::exists(Path("out.npy"))) << "nothing before Commit";
  ASSERT_TRUE(writer.Commit());
  ExpectWhole();
}

TEST_F(EmbeddingWriterTest, ContinuesWhereItWasSuspended) {
  {
    EmbeddingWriter writer = Open();
    ASSERT_TRUE(writer.Add("a.jpg", Faces({{1, 2}})));
    ASSERT_TRUE(writer.Suspend());
    // Written after the checkpoint and lost with the process: must not be there twice.
    ASSERT_TRUE(writer.AddFailure("b\t.jpg", "no_face", "no face found"));
  }
  EXPECT_FALSE(std::filesystem::exists(Path("out.npy")));
  spec_.resume = true;
  EmbeddingWriter writer = Open();
  EXPECT_EQ(writer.inputs_done(), 1);
  AddThree(writer, 1);
  ASSERT_TRUE(writer.Commit());
  ExpectWhole();
}

TEST_F(EmbeddingWriterTest, WithoutResumeItStartsAnew) {
  {
    EmbeddingWriter writer = Open();
    AddThree(writer, 0);
    ASSERT_TRUE(writer.Suspend());
  }
  EmbeddingWriter writer = Open();
  EXPECT_EQ(writer.inputs_done(), 0);
  AddThree(writer, 0);
  ASSERT_TRUE(writer.Commit());
  ExpectWhole();
}

TEST_F(EmbeddingWriterTest, WillNotContinueSomethingElse) {
  {
    EmbeddingWriter writer = Open();
    AddThree(writer, 0);
    ASSERT_TRUE(writer.Suspend());
  }
  spec_.resume = true;
  spec_.fingerprint = "g";
  EXPECT_EQ(EmbeddingWriter::Open(FileSystem::Real(), spec_).error().code,
            ErrorCode::kInvalidArgument);
  spec_.fingerprint = "f";
  std::filesystem::resize_file(Path("out.npy.partial"), 100);
  EXPECT_EQ(EmbeddingWriter::Open(FileSystem::Real(), spec_).error().code, ErrorCode::kCorruptData);
  std::ofstream(Path("out.npy.checkpoint")) << "rubbish";
  EXPECT_EQ(EmbeddingWriter::Open(FileSystem::Real(), spec_).error().code, ErrorCode::kCorruptData);
}

TEST_F(EmbeddingWriterTest, SuspendedBeforeTheFirstInputLeavesNothing) {
  EmbeddingWriter writer = Open();
  ASSERT_TRUE(writer.Suspend());
  EXPECT_EQ(FilesInDir(), 0u);
}

TEST_F(EmbeddingWriterTest, NoFailuresNoFailedFile) {
  std::ofstream(Path("out.failed.tsv")) << "of an earlier run";
  EmbeddingWriter writer = Open();
  ASSERT_TRUE(writer.Add("a.jpg", Faces({{1, 2}})));
  ASSERT_TRUE(writer.Commit());
  EXPECT_EQ(FilesInDir(), 2u);
}

TEST_F(EmbeddingWriterTest, JsonLinesAndCsv) {
  spec_.path = Path("out.jsonl");
  {
    EmbeddingWriter writer = Open();
    AddThree(writer, 0);
    ASSERT_TRUE(writer.Commit());
  }
  EXPECT_EQ(
      ReadText(spec_.path),
      R"({"path":"a.jpg","face":0,"box":[1.00,2.50,3.00,4.00],"score":0.7500,"embedding":[1,2]}
{"path":"c,\".jpg","face":0,"box":[1.00,2.50,3.00,4.00],"score":0.7500,"embedding":[3,4]}
{"path":"c,\".jpg","face":1,"box":[1.00,2.50,3.00,4.00],"score":0.7500,"embedding":[5,0.1]}
)");
  spec_.path = Path("out.csv");
  spec_.with_boxes = false;
  EmbeddingWriter writer = Open();
  AddThree(writer, 0);
  ASSERT_TRUE(writer.Commit());
  EXPECT_EQ(ReadText(spec_.path),
            "path,face,x1,y1,x2,y2,score,e0,e1\na.jpg,0,,,,,,1,2\n"
            "\"c,\"\".jpg\",0,,,,,,3,4\n\"c,\"\".jpg\",1,,,,,,5,0.1\n");
}

TEST_F(EmbeddingWriterTest, JsonLinesAreUtf8WhateverTheFileName) {
  spec_.path = Path("out.jsonl");
  spec_.with_boxes = false;
  EmbeddingWriter writer = Open();
  ASSERT_TRUE(writer.Add("a\xff\n\xc3\xa9.jpg", Faces({{1, 2}})));
  ASSERT_TRUE(writer.Commit());
  EXPECT_EQ(ReadText(spec_.path),
            "{\"path\":\"a\xef\xbf\xbd\\n\xc3\xa9.jpg\",\"face\":0,\"embedding\":[1,2]}\n");
}

TEST_F(EmbeddingWriterTest, RefusesOtherExtensions) {
  spec_.path = Path("out.txt");
  EXPECT_EQ(EmbeddingWriter::Open(FileSystem::Real(), spec_).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(FilesInDir(), 0u);
}

TEST_F(EmbeddingWriterTest, RefusesAFolderBeforeAnyWork) {
  spec_.path = Path("folder.npy");
  std::filesystem::create_directory(spec_.path);
  EXPECT_EQ(EmbeddingWriter::Open(FileSystem::Real(), spec_).error().message,
            spec_.path + ": is a directory, want a file");
  EXPECT_EQ(FilesInDir(), 1u);
}

}  // namespace
}  // namespace visavis
