// The sheet that shows two photos compared.
#include <algorithm>

#include "image/draw.h"
#include "image/paint.h"
#include "image/resize.h"

namespace visavis {
namespace {

// The sheet of a comparison, in pixels.
constexpr int kSheetWidth = 1200;
constexpr int kMargin = 24;
constexpr int kPhotoHeight = 460;
constexpr int kPhotoWidth = (kSheetWidth - 3 * kMargin) / 2;
constexpr double kMaxEnlargement = 2;  // small photos fill their half without blurring away
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
      FitInside(half.photo.width, half.photo.height, kPhotoWidth, kPhotoHeight, kMaxEnlargement);
  const Image drawn =
      DrawFaces(half.photo, half.faces, font, std::max(size.width, size.height), kMaxEnlargement);
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
