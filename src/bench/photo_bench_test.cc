#include "bench/photo_bench.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/shared_data.h"

namespace visavis {
namespace {

constexpr char kPhoto[] = "data/photos/obama_family.jpg";

class PhotoBench : public ::testing::Test {
 protected:
  void SetUp() override {
    VISAVIS_REQUIRE_SHARED(kPhoto);
    setting_.detector.min_size_px = 40;
    setting_.choice = FaceChoice::kAll;
    setting_.seconds = 0;
    setting_.fetch.cache_dir = ::testing::TempDir() + "/photo_bench_cache";
    setting_.fetch.mirrors = {SharedPath("models")};
    setting_.fetch.allow_download = false;
  }
  PhotoBenchSetting setting_;
};

double Sum(const NetworkTimes& networks) {
  return std::accumulate(networks.begin(), networks.end(), 0.0,
                         [](double sum, const auto& entry) { return sum + entry.second; });
}

TEST_F(PhotoBench, DetectionNamesNetworksInTheirOrder) {
  const auto result = BenchDetection(SharedPath(kPhoto), setting_);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->faces, 4u);
  EXPECT_GE(result->latency.runs, 5);
  ASSERT_EQ(result->networks.size(), 4u);
  EXPECT_EQ(result->networks.front().first, "P-Net");
  EXPECT_EQ(result->networks.back().first, "L-Net");
  // Networks are a part of the whole on one thread.
  EXPECT_GT(Sum(result->networks), 0);
  EXPECT_LT(Sum(result->networks), result->mean_ms);
}

TEST_F(PhotoBench, StagesOfThePipelineAddUpToAPass) {
  const auto result = BenchPipeline({SharedPath(kPhoto)}, setting_);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->photos, 1u);
  EXPECT_EQ(result->failures, 0u);
  EXPECT_EQ(result->faces, 4u);
  const StageTimes& stages = result->stages;
  for (const double ms : {stages.decode_ms, stages.detect_ms, stages.align_ms, stages.embed_ms}) {
    EXPECT_GT(ms, 0);
  }
  EXPECT_LE(stages.decode_ms + stages.detect_ms + stages.align_ms + stages.embed_ms,
            result->pass.median_ms);
}

TEST_F(PhotoBench, UnreadablePhotosAreCountedByThePipeline) {
  const auto result = BenchPipeline({SharedPath(kPhoto), "missing.jpg"}, setting_);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->failures, 1u);
  EXPECT_FALSE(BenchDetection("missing.jpg", setting_));
}

}  // namespace
}  // namespace visavis
