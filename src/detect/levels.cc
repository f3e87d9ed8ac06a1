#include "detect/levels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace visavis {
namespace {

/// How much smaller one level may be than the last.
constexpr double kLargestStep = 4;
/// A level takes faces this much larger than reliable, and this much smaller than the next finer
/// one's largest: neighbours share the sizes in between.
constexpr double kSharedSizes = 1.25;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Span {
  int begin = 0;
  int size = 0;
  double core_begin = 0;
  double core_end = 0;
};

std::vector<Span> CutSide(int side, int max_size, int overlap) {
  const int stride = max_size - overlap;
  const int count = side <= max_size ? 1 : (side - overlap + stride - 1) / stride;
  const int size = (side + (count - 1) * overlap + count - 1) / count;
  std::vector<Span> spans;
  for (int i = 0; i < count; ++i) {
    const int begin =
        count == 1 ? 0 : static_cast<int>(static_cast<std::int64_t>(side - size) * i / (count - 1));
    spans.push_back({begin, size, -kInfinity, kInfinity});
  }
  for (std::size_t i = 1; i < spans.size(); ++i) {
    const double middle = (spans[i].begin + spans[i - 1].begin + spans[i - 1].size - 1) / 2.0;
    spans[i - 1].core_end = middle;
    spans[i].core_begin = middle;
  }
  return spans;
}

}  // namespace

std::vector<DetectionLevel> PlanLevels(int image_width, int image_height, const LevelPlan& plan) {
  const double longest = std::max(image_width, image_height);
  double finest = plan.range.smallest_px / plan.min_size_px;
  if (plan.longest_side_px > 0) finest = std::min(finest, plan.longest_side_px / longest);
  // A frame-filling face must be in range at the coarsest scale.
  const double coarsest = std::min(finest, plan.range.largest_px / longest);
  const int steps =
      static_cast<int>(std::ceil(std::log(finest / coarsest) / std::log(kLargestStep) - 1e-9));
  const double step = steps > 0 ? std::pow(finest / coarsest, 1.0 / steps) : 1;

  std::vector<DetectionLevel> levels;
  for (int i = 0; i <= steps; ++i) {
    const double scale = finest / std::pow(step, i);
    DetectionLevel level;
    level.width = std::max(1, static_cast<int>(std::lround(image_width * scale)));
    level.height = std::max(1, static_cast<int>(std::lround(image_height * scale)));
    level.scale_x = static_cast<double>(level.width) / image_width;
    level.scale_y = static_cast<double>(level.height) / image_height;
    level.least_px = i == 0 ? plan.min_size_px * std::min(level.scale_x, level.scale_y)
                            : plan.range.largest_px / (step * kSharedSizes);
    level.largest_px = i == steps ? kInfinity : plan.range.largest_px * kSharedSizes;
    levels.push_back(level);
  }
  return levels;
}

std::vector<Tile> CutIntoTiles(int width, int height, int max_width, int max_height, int overlap) {
  VISAVIS_CHECK(width >= 1 && height >= 1 && overlap >= 0 && overlap < max_width &&
                overlap < max_height);
  std::vector<Tile> tiles;
  const std::vector<Span> columns = CutSide(width, max_width, overlap);
  for (const Span& row : CutSide(height, max_height, overlap)) {
    for (const Span& column : columns) {
      tiles.push_back({column.begin, row.begin, column.size, row.size, column.core_begin,
                       row.core_begin, column.core_end, row.core_end});
    }
  }
  return tiles;
}

}  // namespace visavis
