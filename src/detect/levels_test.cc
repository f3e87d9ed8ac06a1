#include "detect/levels.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace visavis {
namespace {

TEST(Levels, SmallPhotosAreLookedAtOnceAsTheyAre) {
  for (const auto& [width, height] : {std::pair{112, 112}, {320, 240}, {1, 1}, {10, 300}}) {
    const std::vector<DetectionLevel> levels = PlanLevels(width, height, {});
    ASSERT_EQ(levels.size(), 1u);
    EXPECT_EQ(levels[0].width, width);
    EXPECT_EQ(levels[0].height, height);
    EXPECT_EQ(levels[0].least_px, 20);
  }
}

TEST(Levels, EverySizeOfFaceIsInRangeSomewhere) {
  for (const auto& [width, height] : {std::pair{321, 200},
                                      {640, 480},
                                      {1280, 886},
                                      {4844, 2022},
                                      {2400, 3000},
                                      {65500, 1},
                                      {1500, 65000}}) {
    for (const double min_size : {8.0, 20.0, 33.0, 100.0, 5000.0}) {
      LevelPlan plan;
      plan.min_size_px = min_size;
      const std::vector<DetectionLevel> levels = PlanLevels(width, height, plan);
      if (min_size <= 100) {
        EXPECT_NEAR(levels[0].least_px, 20, 1);
      }
      const double largest_face = std::max(width, height);
      const bool wide = width > height;
      for (double face = min_size; face <= largest_face; face *= 1.01) {
        const bool seen = std::ranges::any_of(levels, [&](const DetectionLevel& level) {
          const double scale = wide ? level.scale_x : level.scale_y;
          const double side = face * scale;
          return side >= level.least_px * 0.999 && side <= level.largest_px &&
                 side >= plan.range.smallest_px * 0.99 && side <= plan.range.largest_px * 1.01;
        });
        EXPECT_TRUE(seen) << face << " px in " << width << "x" << height << ", least " << min_size;
        if (!seen) break;
      }
    }
  }
}

TEST(Levels, LongestSideBoundsTheFinest) {
  LevelPlan plan;
  plan.longest_side_px = 640;
  const std::vector<DetectionLevel> levels = PlanLevels(4000, 3000, plan);
  EXPECT_EQ(levels[0].width, 640);
  EXPECT_EQ(levels[0].height, 480);
  EXPECT_EQ(levels.back().width, 320);
}

TEST(Levels, TilesShareOutEveryPointAndOverlap) {
  for (const int width : {1, 100, 640, 641, 1900, 5000}) {
    const std::vector<Tile> tiles = CutIntoTiles(width, 3000, 640, 700, 300);
    for (double x = -50; x < width + 50; x += 7.3) {
      for (const double y : {-3.0, 0.0, 350.5, 1777.0, 3010.0}) {
        int owners = 0;
        for (const Tile& t : tiles) {
          if (x < t.core_x1 || x >= t.core_x2 || y < t.core_y1 || y >= t.core_y2) continue;
          ++owners;
          // A face of 300 pixels around a point of the picture is whole in its tile, or ends where
          // the picture does.
          EXPECT_LE(t.x, std::max(0.0, x - 149));
          EXPECT_GE(t.x + t.width, std::min<double>(width, x + 149));
          EXPECT_LE(t.y, std::max(0.0, y - 149));
          EXPECT_GE(t.y + t.height, std::min<double>(3000, y + 149));
        }
        EXPECT_EQ(owners, 1) << x << "," << y;
      }
    }
    for (const Tile& t : tiles) {
      EXPECT_LE(t.width, 640);
      EXPECT_LE(t.height, 700);
      EXPECT_GE(t.x, 0);
      EXPECT_LE(t.x + t.width, width);
      EXPECT_LE(t.y + t.height, 3000);
    }
  }
}

}  // namespace
}  // namespace visavis
