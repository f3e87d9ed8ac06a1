// FetchAsset with the built-in registry and files from ../shared.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/sha256.h"
#include "tests/scratch_folder.h"
#include "tests/shared_data.h"
#include "visavis/zoo.h"
#include "zoo/cache.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

class FetchTest : public ScratchTest {
 protected:
  FetchTest() {
    options_.cache_dir = dir_ + "/cache";
    options_.mirrors = {SharedPath("models")};
    options_.allow_download = false;
  }

  FetchOptions options_;
};

TEST_F(FetchTest, CopiesFromAMirrorAndNeedsItOnlyOnce) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn");
  const auto folder = FetchAsset("mtcnn", options_);
  ASSERT_TRUE(folder) << folder.error().message;
  for (const AssetFile& file : FindAsset("mtcnn")->files) {
    EXPECT_EQ(HashFile(*folder + "/" + file.name).value(), file.sha256);
  }
  options_.mirrors = {dir_ + "/nothing"};
  EXPECT_TRUE(FetchAsset("mtcnn", options_));
}

TEST_F(FetchTest, AMirrorMayBeTheFolderItself) {
  VISAVIS_REQUIRE_SHARED("models/yunet");
  options_.mirrors = {SharedPath("models/yunet")};
  EXPECT_TRUE(FetchAsset("yunet-n", options_));
}

TEST_F(FetchTest, DamagedCacheIsRepairedAndAWrongMirrorIsNotBelieved) {
  VISAVIS_REQUIRE_SHARED("models/yunet");
  const std::string folder = FetchAsset("yunet-n", options_).value();
  const AssetFile& file = FindAsset("yunet-n")->files.front();
  std::fstream(folder + "/" + file.name, std::ios::in | std::ios::out | std::ios::binary) << "XX";
  ASSERT_TRUE(FetchAsset("yunet-n", options_));
  EXPECT_EQ(HashFile(folder + "/" + file.name).value(), file.sha256);

  const std::string wrong = dir_ + "/wrong/yunet";
  fs::create_directories(wrong);
  fs::copy_file(folder + "/" + file.name, wrong + "/" + file.name);
  std::fstream(wrong + "/" + file.name, std::ios::in | std::ios::out | std::ios::binary) << "XX";
  options_.mirrors = {dir_ + "/wrong"};
  options_.cache_dir = dir_ + "/cache2";
  const auto refused = FetchAsset("yunet-n", options_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kNotFound);
}

TEST_F(FetchTest, ErrorsNameTheModelAndWhatToDo) {
  options_.mirrors = {dir_ + "/nothing"};
  const auto unknown = FetchAsset("no-such-model", options_);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  const auto nowhere = FetchAsset("mobilefacenet-arcface", options_);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  EXPECT_NE(nowhere.error().message.find("VISAVIS_MIRROR"), std::string::npos);
  EXPECT_NE(nowhere.error().message.find("unpack"), std::string::npos);
}

TEST_F(FetchTest, TheLicenceIsShownOnce) {
  VISAVIS_REQUIRE_SHARED("models/yunet");
  int shown = 0;
  ASSERT_TRUE(FetchAsset("yunet-n", options_));  // by a library that shows nothing
  options_.show_licence = [&](const Asset& asset) {
    EXPECT_EQ(asset.name, "yunet-n");
    ++shown;
  };
  ASSERT_TRUE(FetchAsset("yunet-n", options_));
  ASSERT_TRUE(FetchAsset("yunet-n", options_));
  EXPECT_EQ(shown, 1);
}

TEST_F(FetchTest, ManyAtOnceAgree) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn");
  std::vector<std::thread> threads;
  std::atomic<int> succeeded{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { succeeded += FetchAsset("mtcnn", options_).has_value(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(succeeded, 4);
}

TEST_F(FetchTest, LoadsANetworkFromItsConversion) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn");
  const auto first = LoadAssetModel("mtcnn", "det1", options_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->path().ends_with(".onnx"));
  const auto written = fs::last_write_time(first->path());
  const auto second = LoadAssetModel("mtcnn", "det1", options_);
  ASSERT_TRUE(second);
  EXPECT_EQ(fs::last_write_time(second->path()), written) << "converted once";
  EXPECT_EQ(LoadAssetModel("mtcnn", "", options_).error().code, ErrorCode::kNotFound)
      << "there are four";
}

}  // namespace
}  // namespace visavis
