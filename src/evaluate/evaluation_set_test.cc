#include "evaluate/evaluation_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/npy.h"
#include "tests/scratch_folder.h"

namespace visavis {
namespace {

namespace stdfs = std::filesystem;

class EvaluationSetTest : public ScratchTest {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const stdfs::path path = stdfs::path(dir_) / name;
    stdfs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  Result<EvaluationSet> Load(const std::string& path, const LoadSetOptions& options = {}) {
    return LoadEvaluationSet(FileSystem::Real(), path, options);
  }
  static LoadSetOptions OnlyFold(int fold) {
    LoadSetOptions options;
    options.only_folds = {fold};
    return options;
  }
  static LoadSetOptions OfList(const std::string& path) {
    LoadSetOptions options;
    options.pairs = path;
    return options;
  }
  void WriteRows(const std::string& name, std::int64_t rows) {
    std::string text = NpyHeader(std::vector<std::int64_t>{rows, 2});
    for (std::int64_t i = 0; i < rows; ++i) {
      const float row[] = {1, static_cast<float>(i)};
      text.append(reinterpret_cast<const char*>(row), sizeof row);
    }
    Write(name, text);
  }
};

TEST_F(EvaluationSetTest, LfwFolderFindsImagesAndPeople) {
  Write("pairs.txt", "2 1\nAnn 1 2\nAnn 1 Bob 1\nBob 1 2\nBob 2 Ann 2\n");
  Write("aligned/Ann/Ann_0001.jpg", "x");
  const auto set = Load(dir_);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->facts.kind, "lfw");
  EXPECT_EQ(set->facts.pairs, 4);
  EXPECT_EQ(set->facts.genuine, 2);
  EXPECT_EQ(set->facts.people, 2);
  EXPECT_TRUE(set->people_from_folders);
  EXPECT_EQ(set->images[0].path, dir_ + "/aligned/Ann/Ann_0001.jpg");
  EXPECT_TRUE(set->HasFolds());
  EXPECT_EQ(set->FoldCount(), 2);
  const auto second = Load(dir_, OnlyFold(2));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->facts.pairs, 2);
  EXPECT_EQ(second->images[0].name, "Bob/Bob_0001.jpg");
  EXPECT_FALSE(Load(dir_, OnlyFold(3)));
}

TEST_F(EvaluationSetTest, PeopleComeFromPairsWhereFoldersDisagree) {
  const auto set = Load(Write("p.csv", "x/1.jpg,y/1.jpg,1\nx/1.jpg,x/2.jpg,0\ny/1.jpg,z.jpg,1\n"));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_FALSE(set->people_from_folders);
  EXPECT_EQ(set->people[0], set->people[1]);
  EXPECT_NE(set->people[0], set->people[2]);
  EXPECT_EQ(set->people[3], set->people[0]);
  EXPECT_EQ(set->facts.people, 2);
}

TEST_F(EvaluationSetTest, AgeDbListHasTenFolds) {
  std::string text;
  for (int i = 0; i < 20; ++i) {
    text += "a" + std::to_string(i) + ".jpg b" + std::to_string(i) + ".jpg " +
            (i % 2 == 0 ? "1" : "-1") + "\n";
  }
  const auto set = Load(Write("agedb_30_pair.txt", text));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->facts.kind, "agedb");
  EXPECT_EQ(set->FoldCount(), 10);
  EXPECT_EQ(set->facts.genuine, 10);
}

TEST_F(EvaluationSetTest, CfpProtocolFolder) {
  Write("Protocol/Pair_list_F.txt",
        "1 ../Data/Images/001/frontal/01.jpg\n2 ../Data/Images/002/frontal/01.jpg\n");
  Write("Protocol/Pair_list_P.txt", "1 ../Data/Images/001/profile/01.jpg\n");
  for (const char* kind : {"FF", "FP"}) {
    Write(std::string("Protocol/Split/") + kind + "/01/same.txt", "1,1\n");
    Write(std::string("Protocol/Split/") + kind + "/01/diff.txt",
          kind == std::string("FF") ? "1,2\n" : "2,1\n");
  }
  const auto fp = Load(dir_);
  ASSERT_TRUE(fp) << fp.error().message;
  EXPECT_EQ(fp->facts.kind, "cfp-fp");
  EXPECT_EQ(fp->images[1].path, dir_ + "/Data/Images/001/profile/01.jpg");
  EXPECT_TRUE(fp->people_from_folders);  // two levels up
  EXPECT_EQ(fp->facts.people, 2);
  LoadSetOptions frontal;
  frontal.protocol = "ff";
  const auto ff = Load(dir_ + "/Protocol", frontal);
  ASSERT_TRUE(ff) << ff.error().message;
  EXPECT_EQ(ff->facts.kind, "cfp-ff");
}

TEST_F(EvaluationSetTest, IdentityFolderAllSampledAndCounted) {
  for (const char* name : {"a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg"})
    Write(name, "x");
  const auto all = Load(dir_);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->facts.kind, "folder");
  EXPECT_EQ(all->pairs.size(), 15u);
  EXPECT_EQ(all->facts.genuine, 4);
  EXPECT_EQ(all->facts.people, 3);
  LoadSetOptions three;
  three.sample_pairs = 3;
  three.seed = 5;
  const auto sampled = Load(dir_, three);
  ASSERT_TRUE(sampled);
  EXPECT_EQ(sampled->facts.genuine, 3);
  EXPECT_EQ(sampled->facts.impostor, 3);
  std::set<std::pair<std::size_t, std::size_t>> distinct;
  for (const LabelledPair& pair : sampled->pairs) distinct.insert({pair.a, pair.b});
  EXPECT_EQ(distinct.size(), 6u);
  LoadSetOptions few;
  few.most_listed = 10;
  const auto counted = Load(dir_, few);
  ASSERT_TRUE(counted);
  EXPECT_TRUE(counted->every_pair);
  EXPECT_EQ(counted->facts.pairs, 15);
  EXPECT_EQ(counted->facts.genuine, 4);
  Write("loose.jpg", "x");
  EXPECT_EQ(Load(dir_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(EvaluationSetTest, StoredEmbeddingsByNames) {
  WriteRows("e.npy", 3);
  Write("e.names.tsv", "path\tface\na/1.jpg\t0\na/2.jpg\t0\nb\\\\1.jpg\t0\n");
  const auto people = Load(dir_ + "/e.npy");
  ASSERT_TRUE(people) << people.error().message;
  EXPECT_EQ(people->images[2].name, "b\\1.jpg");
  EXPECT_EQ(people->facts.genuine, 1);
  const auto listed =
      Load(dir_ + "/e.npy", OfList(Write("p.csv", "a/2.jpg,a/1.jpg,1\na/2.jpg,b\\1.jpg,0\n")));
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_EQ(listed->rows->values, (std::vector<float>{1, 1, 1, 0, 1, 2}));  // in the pairs' order
  EXPECT_EQ(Load(dir_ + "/e.npy", OfList(Write("q.csv", "a/9.jpg,a/1.jpg,1\n"))).error().code,
            ErrorCode::kNotFound);
  Write("e.names.tsv", "path\na/1.jpg\n");
  EXPECT_EQ(Load(dir_ + "/e.npy").error().code, ErrorCode::kCorruptData);
}

TEST_F(EvaluationSetTest, IjbMetaFolder) {
  Write("IJBB/meta/ijbb_face_tid_mid.txt", "1.jpg 1 10\n2.jpg 1 10\n3.jpg 2 11\n");
  std::string images;
  for (int i = 1; i <= 3; ++i) images += std::to_string(i) + ".jpg 1 2 3 4 5 6 7 8 9 10 0.5\n";
  Write("IJBB/meta/ijbb_name_5pts_score.txt", images);
  Write("IJBB/meta/ijbb_template_pair_label.txt", "1 2 0\n1 1 1\n");
  const auto set = Load(dir_ + "/IJBB");
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->facts.kind, "ijb");
  EXPECT_EQ(set->facts.pairs, 2);
  EXPECT_EQ(set->images[2].path, dir_ + "/IJBB/loose_crop/3.jpg");
  EXPECT_EQ((*set->images[0].landmarks)[4].y, 10);
  Write("IJBB/meta/ijbb_name_5pts_score.txt", "../etc/x.jpg 1 2 3 4 5 6 7 8 9 10 0.5\n");
  EXPECT_EQ(Load(dir_ + "/IJBB").error().code, ErrorCode::kCorruptData);
}

TEST_F(EvaluationSetTest, SaysWhatIsMissing) {
  EXPECT_EQ(Load(dir_ + "/none.xyz").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Load(Write("a.xyz", "")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Load(Write("a.csv", "")).error().code, ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace visavis
