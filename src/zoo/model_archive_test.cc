#include "zoo/model_archive.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_folder.h"
#include "zoo/test_archive.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = R"({"runtime": "python", "license": "Apache 2.0",
  "model": {"modelName": "arcface", "modelVersion": "1.0", "handler": "service:handle",
            "description": "faces"},
  "modelServerVersion": "1.0", "engine": {"engineName": "MXNet"}})";

class ModelArchiveTest : public ScratchTest {
 protected:
  ModelArchiveTest() { path_ = dir_ + "/a.mar"; }

  std::string path_;
};

TEST_F(ModelArchiveTest, IsInspectedAndGivesItsModel) {
  WriteTestArchive(path_, "zip",
                   {{"MAR-INF/MANIFEST.json", kManifest},
                    {"resnet100.onnx", "the network"},
                    {"service.py", "import os"},
                    {"signature.json", "{}"}});
  const auto archive = ReadModelArchive(path_);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ(archive->model_name, "arcface");
  EXPECT_EQ(archive->model_version, "1.0");
  EXPECT_EQ(archive->handler, "service:handle");
  EXPECT_EQ(archive->licence, "Apache 2.0");
  EXPECT_EQ(archive->model_files, std::vector<std::string>{"resnet100.onnx"});
  EXPECT_EQ(archive->entries.size(), 4u);

  const auto files = ExtractModels(path_, dir_ + "/out", false);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(*files, std::vector<std::string>{dir_ + "/out/resnet100.onnx"});
  EXPECT_EQ(ReadText(files->front()), "the network");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ + "/out"), fs::directory_iterator()), 1)
      << "programs stay where they are";
  EXPECT_EQ(ExtractModels(path_, dir_ + "/out", false).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(ExtractModels(path_, dir_ + "/out", /*force=*/true));
}

TEST_F(ModelArchiveTest, RefusesWhatIsNone) {
  WriteTestArchive(path_, "zip", {{"model.onnx", "x"}});
  EXPECT_EQ(ReadModelArchive(path_).error().code, ErrorCode::kNotFound);
  for (const char* manifest : {"", "[]", "{\"model\": 7}", "{\"model\": {}}", "{"}) {
    WriteTestArchive(path_, "zip", {{"MAR-INF/MANIFEST.json", manifest}});
    EXPECT_EQ(ReadModelArchive(path_).error().code, ErrorCode::kCorruptData) << manifest;
  }
  WriteTestArchive(path_, "zip", {{"MAR-INF/MANIFEST.json", kManifest}, {"../x.onnx", "x"}});
  EXPECT_EQ(ExtractModels(path_, dir_ + "/out", false).error().code, ErrorCode::kCorruptData);
  EXPECT_FALSE(fs::exists(dir_ + "/x.onnx"));
  WriteTestArchive(path_, "zip", {{"MAR-INF/MANIFEST.json", kManifest}, {"notes.txt", "x"}});
  EXPECT_EQ(ExtractModels(path_, dir_ + "/out", false).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace visavis
