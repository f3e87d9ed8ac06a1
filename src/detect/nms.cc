#include "detect/nms.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

namespace visavis {
namespace {

/// Boxes by rising x1, column by column, so that the candidates for suppression by one box are one
/// contiguous range and the test of a range vectorises.
struct SortedBoxes {
  std::vector<double> x1, y1, x2, y2, area;
  std::vector<std::uint8_t> alive;
  std::vector<std::size_t> place_of;  // index in the input -> place in the columns

  explicit SortedBoxes(std::span<const Candidate> boxes) : place_of(boxes.size()) {
    std::vector<std::size_t> order(boxes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return boxes[a].x1 < boxes[b].x1; });
    for (std::vector<double>* column : {&x1, &y1, &x2, &y2, &area}) column->reserve(boxes.size());
    alive.assign(boxes.size(), 1);
    for (std::size_t place = 0; place < order.size(); ++place) {
      const Candidate& box = boxes[order[place]];
      x1.push_back(box.x1);
      y1.push_back(box.y1);
      x2.push_back(box.x2);
      y2.push_back(box.y2);
      area.push_back(box.width() * box.height());
      place_of[order[place]] = place;
    }
  }
};

/// The places that box `i` can suppress.
struct Range {
  std::size_t begin;
  std::size_t end;
};

/// If intersection / union > t, the boxes share more than t of the wider one's width, and no width
/// exceeds the other's by more than 1/t: so |x1 - x1'| < (1 - t) / t * width. The smaller box's
/// area bounds nothing of the kind: then only boxes that begin behind this one's end are left out.
Range Reachable(const SortedBoxes& boxes, std::size_t i, double threshold, Overlap overlap) {
  const double width = boxes.x2[i] - boxes.x1[i] + 1;
  const double reach = overlap == Overlap::kUnion ? (1 - threshold) / threshold * width
                                                  : std::numeric_limits<double>::infinity();
  const double last = overlap == Overlap::kUnion ? boxes.x1[i] + reach : boxes.x2[i];
  const auto begin = std::lower_bound(boxes.x1.begin(), boxes.x1.end(), boxes.x1[i] - reach);
  const auto end = std::upper_bound(begin, boxes.x1.end(), last);
  return {static_cast<std::size_t>(begin - boxes.x1.begin()),
          static_cast<std::size_t>(end - boxes.x1.begin())};
}

template <Overlap kOverlap>
void SuppressRange(SortedBoxes& boxes, std::size_t i, Range range, double threshold) {
  const double x1 = boxes.x1[i], y1 = boxes.y1[i], x2 = boxes.x2[i], y2 = boxes.y2[i];
  const double area = boxes.area[i];
  for (std::size_t j = range.begin; j < range.end; ++j) {
    const double w = std::max(0.0, std::min(x2, boxes.x2[j]) - std::max(x1, boxes.x1[j]) + 1);
    const double h = std::max(0.0, std::min(y2, boxes.y2[j]) - std::max(y1, boxes.y1[j]) + 1);
    const double shared = w * h;
    const double whole =
        kOverlap == Overlap::kUnion ? area + boxes.area[j] - shared : std::min(area, boxes.area[j]);
    // Divided, not multiplied out: whole-pixel boxes meet the threshold exactly, and the rounding
    // of this quotient decides.
    boxes.alive[j] &= static_cast<std::uint8_t>(!(shared / whole > threshold));
  }
}

}  // namespace

std::vector<std::size_t> SuppressNonMaxima(std::span<const Candidate> boxes, double threshold,
                                           Overlap overlap) {
  SortedBoxes sorted(boxes);
  std::vector<std::size_t> by_score(boxes.size());
  std::iota(by_score.begin(), by_score.end(), std::size_t{0});
  std::sort(by_score.begin(), by_score.end(), [&](std::size_t a, std::size_t b) {
    return boxes[a].score != boxes[b].score ? boxes[a].score > boxes[b].score : a > b;
  });

  std::vector<std::size_t> kept;
  for (const std::size_t index : by_score) {
    const std::size_t place = sorted.place_of[index];
    if (sorted.alive[place] == 0) continue;
    kept.push_back(index);
    const Range range = Reachable(sorted, place, threshold, overlap);
    if (overlap == Overlap::kUnion) {
      SuppressRange<Overlap::kUnion>(sorted, place, range, threshold);
    } else {
      SuppressRange<Overlap::kSmaller>(sorted, place, range, threshold);
    }
  }
  return kept;
}

std::vector<Candidate> KeepMaxima(std::span<const Candidate> boxes, double threshold,
                                  Overlap overlap) {
  std::vector<Candidate> kept;
  for (const std::size_t index : SuppressNonMaxima(boxes, threshold, overlap)) {
    kept.push_back(boxes[index]);
  }
  return kept;
}

}  // namespace visavis
