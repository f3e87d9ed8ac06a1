#include "detect/pyramid.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(BuildPyramid, SizesAreRoundedUpAndShrinkByTheFactor) {
  // 250 * 12/20 = 150; 150, 106.35, 75.4, 53.5, 37.9, 26.9, 19.1, 13.5 are larger than 12.
  const std::vector<PyramidLevel> levels = BuildPyramid(500, 250, 20, 0.709);
  ASSERT_EQ(levels.size(), 8u);
  EXPECT_EQ(levels[0].width, 300);
  EXPECT_EQ(levels[0].height, 150);
  EXPECT_DOUBLE_EQ(levels[0].scale, 0.6);
  EXPECT_EQ(levels[1].width, 213);
  EXPECT_EQ(levels[1].height, 107);
  EXPECT_EQ(levels[7].height, 14);
}

TEST(BuildPyramid, ASideOfTheSmallestFaceIsTooSmall) {
  EXPECT_TRUE(BuildPyramid(500, 20, 20, 0.709).empty());
  EXPECT_EQ(BuildPyramid(500, 21, 20, 0.709).size(), 1u);
  EXPECT_TRUE(BuildPyramid(1, 5000, 20, 0.709).empty());
}

TEST(BuildPyramid, SmallestFacesBelowTheWindowEnlarge) {
  const std::vector<PyramidLevel> levels = BuildPyramid(40, 30, 6, 0.5);
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels[0].width, 80);
  EXPECT_EQ(levels[0].height, 60);
}

}  // namespace
}  // namespace visavis
