#include "image/warp.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"

namespace visavis {
namespace {

constexpr int kPositionBits = 10;  // of the sums that make a position
constexpr int kSubpixelBits = 5;   // of the position used
constexpr int kSubpixels = 1 << kSubpixelBits;
constexpr int kWeightBits = 15;
constexpr std::int64_t kHalfSubpixel = 1 << (kPositionBits - kSubpixelBits - 1);

AffineTransform Invert(const AffineTransform& m) {
  const double determinant = m.xx * m.yy - m.xy * m.yx;
  const double d = determinant != 0 ? 1 / determinant : 0;
  AffineTransform inverse;
  inverse.xx = m.yy * d;
  inverse.xy = m.xy * -d;
  inverse.yx = m.yx * -d;
  inverse.yy = m.xx * d;
  inverse.x0 = -inverse.xx * m.x0 - inverse.xy * m.y0;
  inverse.y0 = -inverse.yx * m.x0 - inverse.yy * m.y0;
  return inverse;
}

// Rounds half to even; what is far outside any picture (or no number) becomes a far position.
std::int64_t ToFixed(double position) {
  constexpr double kFar = 1LL << 40;
  if (!(std::fabs(position) < kFar)) return position < 0 ? -(1LL << 40) : 1LL << 40;
  return std::llrint(position * (1 << kPositionBits));
}

// Source pixels that read as black outside.
class BlackBorder {
 public:
  explicit BlackBorder(ImageView image) : image_(image) {}

  // The four neighbours right and below of (x, y), blended by the subpixel position.
  void Blend(std::int64_t x, std::int64_t y, int sub_x, int sub_y, std::uint8_t* to) const {
    constexpr std::uint8_t kBlack[2 * Image::kChannels] = {};
    if (x < -1 || y < -1 || x >= image_.width || y >= image_.height) {
      std::copy_n(kBlack, Image::kChannels, to);
      return;
    }
    const std::uint8_t* corners[4] = {kBlack, kBlack, kBlack, kBlack};
    for (int i = 0; i < 4; ++i) {
      const std::int64_t corner_x = x + (i & 1);
      const std::int64_t corner_y = y + (i >> 1);
      if (corner_x >= 0 && corner_x < image_.width && corner_y >= 0 && corner_y < image_.height) {
        corners[i] = image_.row(static_cast<int>(corner_y)) + corner_x * Image::kChannels;
      }
    }
    constexpr int kUnit = 1 << (kWeightBits - 2 * kSubpixelBits);
    const int weights[4] = {(kSubpixels - sub_x) * (kSubpixels - sub_y) * kUnit,
                            sub_x * (kSubpixels - sub_y) * kUnit,
                            (kSubpixels - sub_x) * sub_y * kUnit, sub_x * sub_y * kUnit};
    for (int c = 0; c < Image::kChannels; ++c) {
      int sum = 1 << (kWeightBits - 1);
      for (int i = 0; i < 4; ++i) sum += corners[i][c] * weights[i];
      to[c] = static_cast<std::uint8_t>(sum >> kWeightBits);
    }
  }

 private:
  ImageView image_;
};

}  // namespace

Image WarpAffine(ImageView image, const AffineTransform& to_result, int width, int height) {
  VISAVIS_CHECK(!image.empty() && width > 0 && height > 0);
  const AffineTransform to_source = Invert(to_result);
  std::vector<std::int64_t> step_x(static_cast<std::size_t>(width));
  std::vector<std::int64_t> step_y(static_cast<std::size_t>(width));
  for (int x = 0; x < width; ++x) {
    step_x[x] = ToFixed(to_source.xx * x);
    step_y[x] = ToFixed(to_source.yx * x);
  }

  constexpr int kDropBits = kPositionBits - kSubpixelBits;
  const BlackBorder source(image);
  Image result(width, height);
  for (int y = 0; y < height; ++y) {
    const std::int64_t row_x = ToFixed(to_source.xy * y + to_source.x0) + kHalfSubpixel;
    const std::int64_t row_y = ToFixed(to_source.yy * y + to_source.y0) + kHalfSubpixel;
    std::uint8_t* to = result.row(y);
    for (int x = 0; x < width; ++x, to += Image::kChannels) {
      const std::int64_t at_x = (row_x + step_x[x]) >> kDropBits;
      const std::int64_t at_y = (row_y + step_y[x]) >> kDropBits;
      source.Blend(at_x >> kSubpixelBits, at_y >> kSubpixelBits,
                   static_cast<int>(at_x & (kSubpixels - 1)),
                   static_cast<int>(at_y & (kSubpixels - 1)), to);
    }
  }
  return result;
}

}  // namespace visavis
