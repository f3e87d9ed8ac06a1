#include "image/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "image/paint.h"
#include "image/resize.h"

namespace visavis {
namespace {

constexpr Colour kBoxColour{64, 220, 140};
constexpr Colour kPointColour{255, 214, 64};
constexpr Colour kInk{16, 20, 24};

Face Scaled(const Face& face, float scale) {
  // Pixel centres coincide, as in Resize.
  const auto map = [scale](float v) { return (v + 0.5f) * scale - 0.5f; };
  Face scaled = face;
  scaled.box = {map(face.box.x1), map(face.box.y1), map(face.box.x2), map(face.box.y2)};
  for (Point& p : scaled.landmarks) p = {map(p.x), map(p.y)};
  return scaled;
}

// The score on a tab that stands on the box, or hangs inside where the picture ends.
void DrawScore(const Face& face, float thickness, const Font& font, Image* image) {
  const std::string score = fmt::format("{:.3f}", face.score);
  const int size_px = std::clamp(static_cast<int>(face.box.width() / 6), 11, 28);
  const int width = font.Width(score, size_px);
  if (width == 0) return;
  const float pad = static_cast<float>(size_px) * 0.35f;
  const float height = static_cast<float>(size_px) + pad;
  const float left =
      std::clamp(face.box.x1 - thickness / 2, 0.0f,
                 std::max(0.0f, static_cast<float>(image->width() - width) - 2 * pad));
  const float above = face.box.y1 - height;
  const float top = above >= 0 ? above : std::max(0.0f, face.box.y1);
  FillBox({left, top, left + static_cast<float>(width) + 2 * pad, top + height}, pad, kBoxColour,
          image);
  font.Draw(score, size_px, static_cast<int>(left + pad),
            static_cast<int>(top + height - 0.75f * pad), kInk, image);
}

void DrawFace(const Face& face, const Font& font, Image* image) {
  const float side = std::min(face.box.width(), face.box.height());
  const float thickness = std::clamp(side / 50, 1.5f, 5.0f);
  StrokeBox(face.box, side / 20, thickness, kBoxColour, image);
  const float radius = std::min(thickness * 1.6f, side / 12);
  for (const Point& point : face.landmarks) {
    FillDisc(point, radius, kInk, image);
    FillDisc(point, radius * 0.7f, kPointColour, image);
  }
  DrawScore(face, thickness, font, image);
}

}  // namespace

PictureSize FitInside(int width, int height, int max_width, int max_height, double max_scale) {
  const double scale = std::min({max_scale, static_cast<double>(max_width) / width,
                                 static_cast<double>(max_height) / height});
  return {std::max(1, static_cast<int>(std::lround(width * scale))),
          std::max(1, static_cast<int>(std::lround(height * scale)))};
}

Image Rescale(ImageView image, int width, int height) {
  VISAVIS_CHECK(!image.empty() && width > 0 && height > 0);
  Image half;
  while (image.width >= 2 * width && image.height >= 2 * height) {
    image.width -= image.width % 2;
    image.height -= image.height % 2;
    half = Resize(image, image.width / 2, image.height / 2);
    image = half;
  }
  return Resize(image, width, height);
}

Image DrawFaces(ImageView photo, std::span<const Face> faces, const Font& font, int max_side_px,
                double max_scale) {
  const PictureSize size =
      FitInside(photo.width, photo.height, max_side_px, max_side_px, max_scale);
  Image drawn = Rescale(photo, size.width, size.height);
  const float scale = static_cast<float>(size.width) / static_cast<float>(photo.width);
  for (const Face& face : faces) DrawFace(Scaled(face, scale), font, &drawn);
  return drawn;
}

}  // namespace visavis
