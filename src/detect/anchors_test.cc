#include "detect/anchors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace visavis {
namespace {

struct RandomMaps {
  std::vector<float> first, second, boxes, landmarks;

  RandomMaps(std::size_t anchors, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> unit(0, 1);
    std::uniform_real_distribution<float> offset(-2, 3);
    for (std::size_t i = 0; i < anchors; ++i) {
      first.push_back(unit(random));
      second.push_back(unit(random));
      for (int k = 0; k < 4; ++k) boxes.push_back(unit(random) * 4);
      for (int k = 0; k < 10; ++k) landmarks.push_back(offset(random));
    }
  }
};

// The papers' formulas in double precision, anchor by anchor.
std::vector<Face> PlainDecode(const AnchorGrid& grid, BoxCode code, const RandomMaps& maps,
                              double threshold) {
  std::vector<Face> faces;
  std::size_t i = 0;
  for (int row = 0; row < grid.rows; ++row) {
    for (int column = 0; column < grid.columns; ++column) {
      for (int a = 0; a < grid.per_cell; ++a, ++i) {
        const double x = column * grid.stride;
        const double y = row * grid.stride;
        const double s = grid.stride;
        const float* b = &maps.boxes[4 * i];
        Face face;
        double score = maps.first[i];
        if (code == BoxCode::kDistances) {
          face.box = {static_cast<float>(x - b[0] * s), static_cast<float>(y - b[1] * s),
                      static_cast<float>(x + b[2] * s), static_cast<float>(y + b[3] * s)};
        } else {
          score = std::sqrt(score * maps.second[i]);
          const double cx = x + b[0] * s, cy = y + b[1] * s;
          const double w = std::exp(double{b[2]}) * s, h = std::exp(double{b[3]}) * s;
          face.box = {static_cast<float>(cx - w / 2), static_cast<float>(cy - h / 2),
                      static_cast<float>(cx + w / 2), static_cast<float>(cy + h / 2)};
        }
        face.score = static_cast<float>(score);
        for (std::size_t k = 0; k < 5; ++k) {
          face.landmarks[k] = {static_cast<float>(x + maps.landmarks[10 * i + 2 * k] * s),
                               static_cast<float>(y + maps.landmarks[10 * i + 2 * k + 1] * s)};
        }
        if (score >= threshold) faces.push_back(face);
      }
    }
  }
  return faces;
}

AnchorMaps ViewOf(const RandomMaps& maps, BoxCode code) {
  AnchorMaps view;
  view.probabilities[0] = maps.first;
  if (code == BoxCode::kCentreAndSize) view.probabilities[1] = maps.second;
  view.boxes = maps.boxes;
  view.landmarks = maps.landmarks;
  return view;
}

TEST(Anchors, RandomMapsDecodeAsTheFormulasSay) {
  for (const BoxCode code : {BoxCode::kDistances, BoxCode::kCentreAndSize}) {
    for (const AnchorGrid& grid : {AnchorGrid{8, 7, 5, 2}, AnchorGrid{16, 1, 1, 1},
                                   AnchorGrid{32, 3, 11, 1}, AnchorGrid{8, 13, 2, 3}}) {
      const RandomMaps maps(grid.anchors(), static_cast<unsigned>(grid.columns));
      std::vector<Face> got;
      DecodeAnchors(grid, code, ViewOf(maps, code), 0.4f, got);
      const std::vector<Face> want = PlainDecode(grid, code, maps, 0.4);
      ASSERT_EQ(got.size(), want.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_NEAR(got[i].score, want[i].score, 1e-6);
        EXPECT_NEAR(got[i].box.x1, want[i].box.x1, 1e-3);
        EXPECT_NEAR(got[i].box.y1, want[i].box.y1, 1e-3);
        EXPECT_NEAR(got[i].box.x2, want[i].box.x2, 1e-3);
        EXPECT_NEAR(got[i].box.y2, want[i].box.y2, 1e-3);
        for (std::size_t k = 0; k < 5; ++k) {
          EXPECT_NEAR(got[i].landmarks[k].x, want[i].landmarks[k].x, 1e-4);
          EXPECT_NEAR(got[i].landmarks[k].y, want[i].landmarks[k].y, 1e-4);
        }
      }
    }
  }
}

TEST(Anchors, NumbersOfBrokenNetworksAreLeftOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const AnchorGrid grid{8, 1, 1, 1};
  for (const BoxCode code : {BoxCode::kDistances, BoxCode::kCentreAndSize}) {
    const auto found = [&](const RandomMaps& maps) {
      std::vector<Face> faces;
      DecodeAnchors(grid, code, ViewOf(maps, code), 0.1f, faces);
      return faces;
    };
    RandomMaps good(1, 3);
    good.first[0] = good.second[0] = 0.9f;
    ASSERT_EQ(found(good).size(), 1u);
    for (const float bad : {nan, inf, -inf, 1e30f}) {
      for (std::size_t k = 0; k < 4; ++k) {
        RandomMaps maps = good;
        maps.boxes[k] = bad;
        // A box of no width around a sane centre is odd, but a box.
        if (code == BoxCode::kCentreAndSize && k >= 2 && bad == -inf) continue;
        EXPECT_TRUE(found(maps).empty()) << bad << " in box " << k;
      }
      for (std::size_t k = 0; k < 10; ++k) {
        RandomMaps maps = good;
        maps.landmarks[k] = bad;
        EXPECT_TRUE(found(maps).empty()) << bad << " in landmark " << k;
      }
    }
    RandomMaps maps = good;
    maps.first[0] = nan;
    EXPECT_TRUE(found(maps).empty());
    maps = good;
    maps.first[0] = maps.second[0] = inf;
    ASSERT_EQ(found(maps).size(), 1u);
    EXPECT_EQ(found(maps)[0].score, 1.0f);
    if (code == BoxCode::kDistances) {
      maps = good;
      maps.boxes[0] = -100;  // the left side to the right of the right one
      EXPECT_TRUE(found(maps).empty());
    }
  }
}

}  // namespace
}  // namespace visavis
