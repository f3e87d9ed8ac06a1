#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kernels/kernels.h"
#include "kernels/resize.h"

namespace visavis {
namespace {

constexpr int kChannels = Image::kChannels;

// Where a result coordinate falls between two source coordinates.
struct Tap {
  int low = 0;            // in [-1, source - 1]
  float high_weight = 0;  // of low + 1
};

// Pixel centres coincide: source = (result + 0.5) x ratio - 0.5. Float and double as in OpenCV.
std::vector<Tap> MakeTaps(int source, int result) {
  const double ratio = 1.0 / (static_cast<double>(result) / source);
  std::vector<Tap> taps(static_cast<std::size_t>(result));
  for (int i = 0; i < result; ++i) {
    const auto position = static_cast<float>((i + 0.5) * ratio - 0.5);
    const float low = std::floor(position);
    taps[i] = {static_cast<int>(low), position - low};
  }
  return taps;
}

// Columns never mix in a neighbour that does not exist; rows repeat the border row instead, which
// rounds differently.
std::vector<Tap> MakeColumnTaps(int source, int result) {
  std::vector<Tap> taps = MakeTaps(source, result);
  for (Tap& tap : taps) {
    if (tap.low < 0) tap = {0, 0};
    if (tap.low >= source - 1) tap = {source - 1, 0};
  }
  return taps;
}

std::int16_t ToFixed(float weight) {
  return static_cast<std::int16_t>(std::lrintf(weight * (1 << kResizeWeightBits)));
}

// The columns of a resize as its kernels want them.
struct Columns {
  std::vector<std::int32_t> left;     // byte offsets
  std::vector<std::int16_t> weights;  // a pair for every sample
};

Columns MakeColumns(int source, int result) {
  Columns columns;
  columns.left.reserve(static_cast<std::size_t>(result));
  columns.weights.reserve(static_cast<std::size_t>(result) * kChannels * 2);
  for (const Tap& tap : MakeColumnTaps(source, result)) {
    std::int16_t low = ToFixed(1.0f - tap.high_weight);
    std::int16_t high = ToFixed(tap.high_weight);
    int left = tap.low;
    if (left == source - 1) {  // the last pixel alone, as the right one of its pair
      --left;
      std::swap(low, high);
    }
    columns.left.push_back(left * kChannels);
    for (int c = 0; c < kChannels; ++c) columns.weights.insert(columns.weights.end(), {low, high});
  }
  return columns;
}

bool IsHalf(ImageView image, int width, int height) {
  return image.width == std::int64_t{2} * width && image.height == std::int64_t{2} * height;
}

// OpenCV takes area averages at exactly half the size.
Image Halve(ImageView image) {
  Image half(image.width / 2, image.height / 2);
  for (int y = 0; y < half.height(); ++y) {
    const std::uint8_t* upper = image.row(2 * y);
    const std::uint8_t* lower = image.row(2 * y + 1);
    std::uint8_t* to = half.row(y);
    for (int x = 0; x < half.width(); ++x, upper += 2 * kChannels, lower += 2 * kChannels) {
      for (int c = 0; c < kChannels; ++c) {
        const int sum = upper[c] + upper[c + kChannels] + lower[c] + lower[c + kChannels];
        *to++ = static_cast<std::uint8_t>((sum + 2) >> 2);
      }
    }
  }
  return half;
}

// A picture one pixel wide with its column doubled, so that every pixel has a right neighbour.
Image DoubleColumn(ImageView image) {
  Image wide(2, image.height);
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.row(y), kChannels, wide.row(y));
    std::copy_n(image.row(y), kChannels, wide.row(y) + kChannels);
  }
  return wide;
}

// The two most recent source rows after a pass across: successive result rows share them.
template <typename Sample, typename Pass>
class RowPair {
 public:
  RowPair(std::size_t samples, Pass pass) : pass_(std::move(pass)) {
    for (auto& row : rows_) row.resize(samples);
  }
  // Rows `upper` and `lower` of the source; upper <= lower <= upper + 1, neither falling.
  std::pair<const Sample*, const Sample*> Get(int upper, int lower) {
    if (upper == sources_[1]) {
      rows_[0].swap(rows_[1]);
      std::swap(sources_[0], sources_[1]);
    }
    Fill(0, upper);
    if (lower == upper) return {rows_[0].data(), rows_[0].data()};
    Fill(1, lower);
    return {rows_[0].data(), rows_[1].data()};
  }

 private:
  void Fill(int slot, int source) {
    if (sources_[slot] == source) return;
    pass_(source, rows_[slot].data());
    sources_[slot] = source;
  }

  Pass pass_;
  std::vector<Sample> rows_[2];
  int sources_[2] = {-1, -1};
};

template <typename Sample, typename Pass>
RowPair<Sample, Pass> MakeRowPair(std::size_t samples, Pass pass) {
  return RowPair<Sample, Pass>(samples, std::move(pass));
}

// Puts one row of interleaved samples where a network wants it.
void StorePlanarRow(const float* row, int width, const PixelScale& pixels, std::size_t plane,
                    float* to) {
  for (int c = 0; c < kChannels; ++c, to += plane) {
    const float* from = row + (pixels.reverse_channels ? kChannels - 1 - c : c);
    for (int x = 0; x < width; ++x) to[x] = (from[x * kChannels] - pixels.mean) * pixels.scale;
  }
}

// The row y of an exact halving, in float: sums of four bytes are exact.
void HalveRow(ImageView image, int y, int width, float* out) {
  const std::uint8_t* upper = image.row(2 * y);
  const std::uint8_t* lower = image.row(2 * y + 1);
  for (int x = 0; x < width; ++x, upper += 2 * kChannels, lower += 2 * kChannels) {
    for (int c = 0; c < kChannels; ++c) {
      const int sum = upper[c] + upper[c + kChannels] + lower[c] + lower[c + kChannels];
      *out++ = static_cast<float>(sum) * 0.25f;
    }
  }
}

}  // namespace

Image Resize(ImageView image, int width, int height) {
  static const ResizeKernels& kernels = *FindResizeKernels(BestIsa());
  return Resize(image, width, height, kernels);
}

Image Resize(ImageView image, int width, int height, const ResizeKernels& kernels) {
  VISAVIS_CHECK(!image.empty() && width > 0 && height > 0);
  if (IsHalf(image, width, height)) return Halve(image);
  if (image.width == 1) return Resize(DoubleColumn(image), width, height, kernels);

  const Columns columns = MakeColumns(image.width, width);
  const std::size_t samples = static_cast<std::size_t>(width) * kChannels;
  auto rows = MakeRowPair<std::int16_t>(samples, [&](int y, std::int16_t* out) {
    kernels.across(image.row(y), static_cast<std::size_t>(image.width) * kChannels,
                   columns.left.data(), columns.weights.data(), width, out);
  });
  const std::vector<Tap> taps = MakeTaps(image.height, height);
  Image result(width, height);
  for (int y = 0; y < height; ++y) {
    const Tap& tap = taps[y];
    const auto [upper, lower] =
        rows.Get(std::max(tap.low, 0), std::min(tap.low + 1, image.height - 1));
    kernels.down(upper, lower, ToFixed(1.0f - tap.high_weight), ToFixed(tap.high_weight), samples,
                 result.row(y));
  }
  return result;
}

void ResizeToPlanarFloat(ImageView image, int width, int height, const PixelScale& pixels,
                         std::span<float> planes) {
  VISAVIS_CHECK(!image.empty() && width > 0 && height > 0);
  const std::size_t samples = static_cast<std::size_t>(width) * kChannels;
  const std::size_t plane = static_cast<std::size_t>(width) * height;
  VISAVIS_CHECK(planes.size() == plane * kChannels);
  std::vector<float> blended(samples);
  if (IsHalf(image, width, height)) {
    for (int y = 0; y < height; ++y) {
      HalveRow(image, y, width, blended.data());
      StorePlanarRow(blended.data(), width, pixels, plane, planes.data() + std::size_t(y) * width);
    }
    return;
  }

  const std::vector<Tap> columns = MakeColumnTaps(image.width, width);
  auto rows = MakeRowPair<float>(samples, [&](int y, float* out) {
    const std::uint8_t* row = image.row(y);
    for (const Tap& tap : columns) {
      const std::uint8_t* low = row + tap.low * kChannels;
      const std::uint8_t* high = tap.low + 1 < image.width ? low + kChannels : low;
      for (int c = 0; c < kChannels; ++c) {
        *out++ = low[c] * (1.0f - tap.high_weight) + high[c] * tap.high_weight;
      }
    }
  });
  const std::vector<Tap> taps = MakeTaps(image.height, height);
  for (int y = 0; y < height; ++y) {
    const Tap& tap = taps[y];
    const auto [upper, lower] =
        rows.Get(std::max(tap.low, 0), std::min(tap.low + 1, image.height - 1));
    const float low_weight = 1.0f - tap.high_weight;
    for (std::size_t i = 0; i < samples; ++i) {
      blended[i] = upper[i] * low_weight + lower[i] * tap.high_weight;
    }
    StorePlanarRow(blended.data(), width, pixels, plane, planes.data() + std::size_t(y) * width);
  }
}

}  // namespace visavis
