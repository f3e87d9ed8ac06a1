#include "image/paint.h"

#include <algorithm>
#include <cmath>

namespace visavis {
namespace {

// Paints where distance(x, y), in pixels from a shape's edge and negative inside, says so. Only
// pixels within `bounds` are looked at.
template <typename Distance>
void PaintShape(const Box& bounds, Colour colour, Image* image, Distance&& distance) {
  const auto clip = [](float value, int size) {
    return static_cast<int>(std::clamp(value, 0.0f, static_cast<float>(size)));
  };
  const int x_end = clip(std::ceil(bounds.x2) + 1, image->width());
  const int y_end = clip(std::ceil(bounds.y2) + 1, image->height());
  for (int y = clip(std::floor(bounds.y1), image->height()); y < y_end; ++y) {
    for (int x = clip(std::floor(bounds.x1), image->width()); x < x_end; ++x) {
      const float coverage =
          std::clamp(0.5f - distance(static_cast<float>(x), static_cast<float>(y)), 0.0f, 1.0f);
      if (coverage > 0) BlendPixel(image->row(y) + x * Image::kChannels, colour, coverage);
    }
  }
}

// Signed distance to a rectangle with rounded corners.
float RoundedBoxDistance(const Box& box, float radius, float x, float y) {
  const float dx = std::fabs(x - (box.x1 + box.x2) / 2) - box.width() / 2 + radius;
  const float dy = std::fabs(y - (box.y1 + box.y2) / 2) - box.height() / 2 + radius;
  const float outside = std::hypot(std::max(dx, 0.0f), std::max(dy, 0.0f));
  return outside + std::min(std::max(dx, dy), 0.0f) - radius;
}

}  // namespace

Box Grown(const Box& box, float margin) {
  return {box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin};
}

void FillBox(const Box& box, float radius, Colour colour, Image* image) {
  PaintShape(Grown(box, 1), colour, image,
             [&](float x, float y) { return RoundedBoxDistance(box, radius, x, y); });
}

void StrokeBox(const Box& box, float radius, float thickness, Colour colour, Image* image) {
  PaintShape(Grown(box, thickness), colour, image, [&](float x, float y) {
    return std::fabs(RoundedBoxDistance(box, radius, x, y)) - thickness / 2;
  });
}

void FillDisc(Point centre, float radius, Colour colour, Image* image) {
  const Box point{centre.x, centre.y, centre.x, centre.y};
  PaintShape(Grown(point, radius + 1), colour, image,
             [&](float x, float y) { return std::hypot(x - centre.x, y - centre.y) - radius; });
}

void Paste(ImageView from, int x, int y, Image* to) {
  const int columns = std::min(from.width, to->width() - x);
  for (int row = 0; row < from.height && y + row < to->height(); ++row) {
    std::copy_n(from.row(row), columns * Image::kChannels, to->row(y + row) + x * Image::kChannels);
  }
}

}  // namespace visavis
