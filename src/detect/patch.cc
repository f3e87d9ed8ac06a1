#include "detect/patch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"

namespace visavis {
namespace {

/// The two source pixels of one output coordinate, and the weight of the second.
struct Tap {
  int first = 0;
  int second = 0;
  float weight = 0;
};

/// OpenCV's sampling positions: pixel centres coincide at the corners of both images, positions are
/// rounded to float.
Tap TapAt(int output, int source_side, int output_side) {
  const double step = 1.0 / (static_cast<double>(output_side) / source_side);
  const float position = static_cast<float>((output + 0.5) * step - 0.5);
  const int first = static_cast<int>(std::floor(position));
  return {first, first + 1, position - static_cast<float>(first)};
}

/// One output coordinate's source offsets and weights. A source outside the image has weight 0 and
/// a harmless offset, which is what reading black there means.
template <typename Weight>
struct AxisTap {
  std::ptrdiff_t offset[2];
  Weight weight[2];
};
template <typename Weight>
using Axis = std::array<AxisTap<Weight>, kMaxPatchSide>;

template <typename Weight>
Weight Quantise(float weight) {
  if constexpr (std::is_same_v<Weight, int>) {
    return static_cast<int>(std::nearbyint(weight * 2048));  // OpenCV: 11 fraction bits
  } else {
    return weight;
  }
}

enum class AtBorder {
  kOnePixel,   // columns: positions before the first or behind the last pixel read that one pixel
  kTwoWeights  // rows: both sources become the border row; its two products round separately
};

template <typename Weight>
Axis<Weight> MakeAxis(int origin, int patch_side, int side, int image_side, std::ptrdiff_t stride,
                      AtBorder at_border) {
  Axis<Weight> axis;
  for (int i = 0; i < side; ++i) {
    Tap tap = TapAt(i, patch_side, side);
    if (at_border == AtBorder::kOnePixel && (tap.first < 0 || tap.second >= patch_side)) {
      tap.weight = 0;
    }
    const int sources[2] = {std::clamp(tap.first, 0, patch_side - 1),
                            std::clamp(tap.second, 0, patch_side - 1)};
    const Weight weights[2] = {Quantise<Weight>(1.0f - tap.weight), Quantise<Weight>(tap.weight)};
    for (int k = 0; k < 2; ++k) {
      const int source = origin + sources[k];
      const bool inside = source >= 0 && source < image_side;
      axis[static_cast<std::size_t>(i)].offset[k] = inside ? source * stride : 0;
      axis[static_cast<std::size_t>(i)].weight[k] = inside ? weights[k] : Weight{0};
    }
  }
  return axis;
}

float Blend(const std::uint8_t* row0, const std::uint8_t* row1, const AxisTap<int>& x,
            const AxisTap<int>& y) {
  const int top = row0[x.offset[0]] * x.weight[0] + row0[x.offset[1]] * x.weight[1];
  const int bottom = row1[x.offset[0]] * x.weight[0] + row1[x.offset[1]] * x.weight[1];
  // The shifts are OpenCV's: products of 11 + 11 bits are cut to 16 + 2 and rounded once.
  const int top_part = (y.weight[0] * (top >> 4)) >> 16;
  const int bottom_part = (y.weight[1] * (bottom >> 4)) >> 16;
  return static_cast<float>((top_part + bottom_part + 2) >> 2);
}

float Blend(const std::uint8_t* row0, const std::uint8_t* row1, const AxisTap<float>& x,
            const AxisTap<float>& y) {
  const auto at = [](const std::uint8_t* row, std::ptrdiff_t offset) {
    return static_cast<float>(row[offset]);
  };
  const float top = at(row0, x.offset[0]) * x.weight[0] + at(row0, x.offset[1]) * x.weight[1];
  const float bottom = at(row1, x.offset[0]) * x.weight[0] + at(row1, x.offset[1]) * x.weight[1];
  return top * y.weight[0] + bottom * y.weight[1];
}

template <typename Weight>
void Sample(ImageView image, const Patch& patch, int side, std::span<float> planes) {
  const Axis<Weight> columns = MakeAxis<Weight>(patch.x, patch.width, side, image.width,
                                                Image::kChannels, AtBorder::kOnePixel);
  const Axis<Weight> rows = MakeAxis<Weight>(patch.y, patch.height, side, image.height,
                                             image.stride_bytes, AtBorder::kTwoWeights);
  const std::ptrdiff_t plane = static_cast<std::ptrdiff_t>(side) * side;
  for (int y = 0; y < side; ++y) {
    const AxisTap<Weight>& row = rows[static_cast<std::size_t>(y)];
    const std::uint8_t* row0 = image.data + row.offset[0];
    const std::uint8_t* row1 = image.data + row.offset[1];
    float* blue = planes.data() + y * side;
    float* green = blue + plane;
    float* red = green + plane;
    for (int x = 0; x < side; ++x) {
      const AxisTap<Weight>& column = columns[static_cast<std::size_t>(x)];
      red[x] = (Blend(row0, row1, column, row) - kMtcnnMean) * kMtcnnScale;
      green[x] = (Blend(row0 + 1, row1 + 1, column, row) - kMtcnnMean) * kMtcnnScale;
      blue[x] = (Blend(row0 + 2, row1 + 2, column, row) - kMtcnnMean) * kMtcnnScale;
    }
  }
}

}  // namespace

void SamplePatch(ImageView image, const Patch& patch, int side, PatchRounding rounding,
                 std::span<float> planes) {
  VISAVIS_CHECK(side >= 1 && side <= kMaxPatchSide && patch.width >= 1 && patch.height >= 1);
  VISAVIS_CHECK(planes.size() == static_cast<std::size_t>(Image::kChannels) * side * side);
  if (rounding == PatchRounding::kBytes) {
    Sample<int>(image, patch, side, planes);
  } else {
    Sample<float>(image, patch, side, planes);
  }
}

}  // namespace visavis
