#include "bench/timing.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(Summarize, GivesOrderStatistics) {
  std::vector<double> samples;
  for (int i = 100; i >= 0; --i) samples.push_back(i);
  const Latency latency = Summarize(samples);
  EXPECT_EQ(latency.runs, 101);
  EXPECT_EQ(latency.min_ms, 0);
  EXPECT_DOUBLE_EQ(latency.p10_ms, 10);
  EXPECT_DOUBLE_EQ(latency.median_ms, 50);
  EXPECT_DOUBLE_EQ(latency.p90_ms, 90);
}

TEST(Summarize, InterpolatesBetweenSamples) {
  EXPECT_DOUBLE_EQ(Summarize({1, 2}).median_ms, 1.5);
  EXPECT_DOUBLE_EQ(Summarize({7}).p90_ms, 7);
  EXPECT_EQ(Summarize({}).runs, 0);
}

}  // namespace
}  // namespace visavis
