#include "image/draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "image/resize.h"
#include "image/transform.h"

namespace visavis {
namespace {

constexpr Colour kBoxColour{64, 220, 140};
constexpr Colour kPointColour{255, 214, 64};
constexpr Colour kInk{16, 20, 24};

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

Box Grown(const Box& box, float margin) {
  return {box.x1 - margin, box.y1 - margin, box.x2 + margin, box.y2 + margin};
}

// Signed distance to a rectangle with rounded corners.
float RoundedBoxDistance(const Box& box, float radius, float x, float y) {
  const float dx = std::fabs(x - (box.x1 + box.x2) / 2) - box.width() / 2 + radius;
  const float dy = std::fabs(y - (box.y1 + box.y2) / 2) - box.height() / 2 + radius;
  const float outside = std::hypot(std::max(dx, 0.0f), std::max(dy, 0.0f));
  return outside + std::min(std::max(dx, dy), 0.0f) - radius;
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

// Copies `from` to (x, y) of `to`, clipped.
void Paste(ImageView from, int x, int y, Image* to) {
  const int columns = std::min(from.width, to->width() - x);
  for (int row = 0; row < from.height && y + row < to->height(); ++row) {
    std::copy_n(from.row(row), columns * Image::kChannels, to->row(y + row) + x * Image::kChannels);
  }
}

}  // namespace

PictureSize FitInside(int width, int height, int max_width, int max_height) {
  const double scale = std::min(
      {1.0, static_cast<double>(max_width) / width, static_cast<double>(max_height) / height});
  return {std::max(1, static_cast<int>(std::lround(width * scale))),
          std::max(1, static_cast<int>(std::lround(height * scale)))};
}

Image Shrink(ImageView image, int width, int height) {
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

Image DrawFaces(ImageView photo, std::span<const Face> faces, const Font& font, int max_side_px) {
  const PictureSize size = FitInside(photo.width, photo.height, max_side_px, max_side_px);
  Image drawn = Shrink(photo, size.width, size.height);
  const float scale = static_cast<float>(size.width) / static_cast<float>(photo.width);
  for (const Face& face : faces) DrawFace(Scaled(face, scale), font, &drawn);
  return drawn;
}

namespace {

// The sheet of a comparison, in pixels.
constexpr int kSheetWidth = 1200;
constexpr int kMargin = 24;
constexpr int kPhotoHeight = 460;
constexpr int kPhotoWidth = (kSheetWidth - 3 * kMargin) / 2;
constexpr int kCropSide = 168;
constexpr int kCaptionSize = 17;
constexpr int kVerdictSize = 36;
constexpr int kDetailSize = 19;
constexpr Colour kPaper{24, 27, 33};
constexpr Colour kText{232, 235, 240};
constexpr Colour kQuietText{150, 158, 170};
constexpr Colour kSame{64, 220, 140};
constexpr Colour kDifferent{244, 110, 96};

void DrawCentred(const std::string& text, int size_px, int centre, int baseline, Colour colour,
                 const Font& font, Image* sheet) {
  font.Draw(text, size_px, centre - font.Width(text, size_px) / 2, baseline, colour, sheet);
}

// A photo with its faces, centred in its half above its caption.
void DrawHalf(const ComparedPhoto& half, int left, const Font& font, Image* sheet) {
  const PictureSize size =
      FitInside(half.photo.width, half.photo.height, kPhotoWidth, kPhotoHeight);
  const Image drawn = DrawFaces(half.photo, half.faces, font, std::max(size.width, size.height));
  Paste(drawn, left + (kPhotoWidth - drawn.width()) / 2,
        kMargin + (kPhotoHeight - drawn.height()) / 2, sheet);
  DrawCentred(half.caption, kCaptionSize, left + kPhotoWidth / 2,
              kMargin + kPhotoHeight + kCaptionSize + 10, kQuietText, font, sheet);
}

void DrawCrop(ImageView crop, int left, int top, Colour frame, Image* sheet) {
  if (crop.empty()) return;
  const auto x = static_cast<float>(left);
  const auto y = static_cast<float>(top);
  FillBox({x - 4, y - 4, x + kCropSide + 3, y + kCropSide + 3}, 4, frame, sheet);
  Paste(Resize(crop, kCropSide, kCropSide), left, top, sheet);
}

}  // namespace

Image DrawComparison(const ComparedPhoto& left, const ComparedPhoto& right,
                     const ComparisonText& text, const Font& font) {
  constexpr int kCropTop = kMargin + kPhotoHeight + kCaptionSize + 2 * kMargin;
  constexpr int kCentre = kSheetWidth / 2;
  constexpr int kCropDistance = 220;  // from the centre to a crop: room for the verdict
  Image sheet(kSheetWidth, kCropTop + kCropSide + kMargin);
  const Box everything{0, 0, kSheetWidth, static_cast<float>(sheet.height())};
  FillBox(Grown(everything, 2), 0, kPaper, &sheet);

  DrawHalf(left, kMargin, font, &sheet);
  DrawHalf(right, 2 * kMargin + kPhotoWidth, font, &sheet);
  const Colour colour = text.same ? kSame : kDifferent;
  DrawCrop(left.crop, kCentre - kCropDistance - kCropSide, kCropTop, colour, &sheet);
  DrawCrop(right.crop, kCentre + kCropDistance, kCropTop, colour, &sheet);
  DrawCentred(text.verdict, kVerdictSize, kCentre, kCropTop + kCropSide / 2, colour, font, &sheet);
  DrawCentred(text.detail, kDetailSize, kCentre, kCropTop + kCropSide / 2 + 36, kText, font,
              &sheet);
  return sheet;
}

}  // namespace visavis
