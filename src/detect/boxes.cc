#include "detect/boxes.h"

#include <algorithm>
#include <cmath>

namespace visavis {
namespace {

/// Farthest corner that later stages accept: integers of this size are exact and their sums fit in
/// an int. Images are far smaller (Limits::image_side_px).
constexpr double kFarthestCorner = 1 << 24;

bool Near(double v) { return std::abs(v) <= kFarthestCorner; }  // false for NaN

}  // namespace

void Calibrate(Candidate& box) {
  const double width = box.width();
  const double height = box.height();
  box.x1 += width * static_cast<double>(box.offsets[0]);
  box.y1 += height * static_cast<double>(box.offsets[1]);
  box.x2 += width * static_cast<double>(box.offsets[2]);
  box.y2 += height * static_cast<double>(box.offsets[3]);
}

void SquareAndRound(Candidate& box) {
  const double width = box.width();
  const double height = box.height();
  const double side = std::max(width, height);
  const double x1 = box.x1 + width * 0.5 - side * 0.5;
  const double y1 = box.y1 + height * 0.5 - side * 0.5;
  box.x2 = std::nearbyint(x1 + side - 1);
  box.y2 = std::nearbyint(y1 + side - 1);
  box.x1 = std::nearbyint(x1);
  box.y1 = std::nearbyint(y1);
}

void ClipToImage(int image_width, int image_height, Candidate& box) {
  box.x1 = std::max(box.x1, 0.0);
  box.y1 = std::max(box.y1, 0.0);
  box.x2 = std::min(box.x2, image_width - 1.0);
  box.y2 = std::min(box.y2, image_height - 1.0);
}

bool TouchesImage(int image_width, int image_height, const Candidate& box) {
  const bool finite = Near(box.x1) && Near(box.y1) && Near(box.x2) && Near(box.y2);
  return finite && box.x2 >= std::max(box.x1, 0.0) && box.y2 >= std::max(box.y1, 0.0) &&
         box.x1 <= image_width - 1.0 && box.y1 <= image_height - 1.0;
}

}  // namespace visavis
