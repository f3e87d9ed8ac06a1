#include "detect/anchors.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace visavis {
namespace {

/// A box that reaches farther is a broken network's. Inputs are far smaller.
constexpr float kFarthest = 1 << 20;

float Probability(float value) { return std::clamp(value, 0.0f, 1.0f); }

/// NaN if an input is.
float Score(const AnchorMaps& maps, std::size_t anchor) {
  const float first = maps.probabilities[0][anchor];
  if (maps.probabilities[1].empty()) return std::min(first, 1.0f);
  const float second = maps.probabilities[1][anchor];
  return std::sqrt(Probability(first) * Probability(second));
}

Box DecodeBox(BoxCode code, const Point& anchor, float stride, std::span<const float> values) {
  if (code == BoxCode::kDistances) {
    return {anchor.x - values[0] * stride, anchor.y - values[1] * stride,
            anchor.x + values[2] * stride, anchor.y + values[3] * stride};
  }
  const Point centre{anchor.x + values[0] * stride, anchor.y + values[1] * stride};
  const float half_width = std::exp(values[2]) * stride / 2;
  const float half_height = std::exp(values[3]) * stride / 2;
  return {centre.x - half_width, centre.y - half_height, centre.x + half_width,
          centre.y + half_height};
}

bool Near(float v) { return std::abs(v) <= kFarthest; }  // false for NaN

bool IsSane(const Face& face) {
  const Box& box = face.box;
  return Near(box.x1) && Near(box.y1) && Near(box.x2) && Near(box.y2) && box.x1 <= box.x2 &&
         box.y1 <= box.y2 &&
         std::ranges::all_of(face.landmarks, [](const Point& p) { return Near(p.x) && Near(p.y); });
}

}  // namespace

void DecodeAnchors(const AnchorGrid& grid, BoxCode code, const AnchorMaps& maps, float threshold,
                   std::vector<Face>& faces) {
  VISAVIS_CHECK(maps.probabilities[0].size() == grid.anchors() &&
                maps.boxes.size() == 4 * grid.anchors() &&
                maps.landmarks.size() == 10 * grid.anchors());
  const auto per_cell = static_cast<std::size_t>(grid.per_cell);
  const auto columns = static_cast<std::size_t>(grid.columns);
  const auto stride = static_cast<float>(grid.stride);
  for (std::size_t i = 0; i < grid.anchors(); ++i) {
    Face face;
    face.score = Score(maps, i);
    if (!(face.score >= threshold)) continue;
    const std::size_t cell = i / per_cell;
    const Point anchor{static_cast<float>(cell % columns) * stride,
                       static_cast<float>(cell / columns) * stride};
    face.box = DecodeBox(code, anchor, stride, maps.boxes.subspan(4 * i, 4));
    for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
      face.landmarks[k] = {anchor.x + maps.landmarks[10 * i + 2 * k] * stride,
                           anchor.y + maps.landmarks[10 * i + 2 * k + 1] * stride};
    }
    if (IsSane(face)) faces.push_back(face);
  }
}

}  // namespace visavis
