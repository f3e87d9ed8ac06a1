#include "evaluate/bin_dataset.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "../../tests/shared_data.h"

namespace visavis {
namespace {

class BinDatasetTest : public testing::Test {
 protected:
  BinDatasetTest()
      : path_(testing::TempDir() + "bin_dataset_" + std::to_string(::getpid()) + ".bin") {}
  ~BinDatasetTest() override { std::filesystem::remove(path_); }
  std::string path_;
};

TEST_F(BinDatasetTest, ReadsWhatItWrote) {
  const std::vector<std::vector<std::uint8_t>> images = {{1, 2, 3}, {4}, {}};
  const std::vector<std::size_t> order = {0, 1, 1, 0, 2, 2};
  const std::vector<bool> same = {false, false, true};
  ASSERT_TRUE(WriteBinDataset(FileSystem::Real(), path_, images, order, same));
  const auto set = BinDataset::Read(FileSystem::Real(), path_);
  ASSERT_TRUE(set) << set.error().message;
  ASSERT_EQ(set->pairs(), 3u);
  ASSERT_EQ(set->images(), 3u);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto bytes = set->image(set->image_of(i / 2, static_cast<int>(i % 2)));
    EXPECT_EQ(std::vector<std::uint8_t>(bytes.begin(), bytes.end()), images[order[i]]);
  }
  for (std::size_t i = 0; i < same.size(); ++i) EXPECT_EQ(set->same(i), same[i]);
}

TEST_F(BinDatasetTest, ReadsTheRealFile) {
  VISAVIS_REQUIRE_SHARED("data/bin/small_lfw.bin");
  const auto set = BinDataset::Read(FileSystem::Real(), SharedPath("data/bin/small_lfw.bin"));
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->pairs(), 10u);
  EXPECT_EQ(set->images(), 17u);  // of 20 places
  for (std::size_t i = 0; i < set->images(); ++i) {
    ASSERT_GT(set->image(i).size(), 100u);
    EXPECT_EQ(set->image(i)[0], 0xFF);  // JPEG
    EXPECT_EQ(set->image(i)[1], 0xD8);
  }
}

TEST_F(BinDatasetTest, MutatedFilesGiveAnErrorOrADataset) {
  VISAVIS_REQUIRE_SHARED("data/bin/small_lfw.bin");
  const auto original =
      FileSystem::Real().ReadFile(SharedPath("data/bin/small_lfw.bin"), 1 << 20).value();
  std::mt19937 random(3);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto bytes = original;
    const std::size_t changes = 1 + random() % 4;
    for (std::size_t c = 0; c < changes; ++c) {
      // Mostly where the structure is: the first kilobyte and the labels at the end.
      const std::size_t at = random() % 3 == 0   ? random() % bytes.size()
                             : random() % 2 == 0 ? random() % 400
                                                 : bytes.size() - 1 - random() % 60;
      bytes[at] = static_cast<std::uint8_t>(random());
    }
    if (random() % 5 == 0) bytes.resize(random() % bytes.size());
    const auto set = BinDataset::Parse(std::move(bytes), "mutated");
    if (!set) {
      ++refused;
      EXPECT_NE(set.error().message.find("mutated"), std::string::npos);
    }
  }
  EXPECT_GT(refused, 500);
}

TEST_F(BinDatasetTest, RefusesListsThatDoNotFit) {
  EXPECT_FALSE(WriteBinDataset(FileSystem::Real(), path_, {}, {}, {true}));
  const std::vector<std::size_t> outside = {0, 1};
  EXPECT_FALSE(WriteBinDataset(FileSystem::Real(), path_, {}, outside, {true}));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace visavis
