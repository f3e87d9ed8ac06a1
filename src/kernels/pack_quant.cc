// Packing of int8 weights.
#include <cstring>

#include "kernels/kernels.h"

namespace visavis {
namespace {

constexpr int kQuads = kQuantLanes / kQuantQuad;

// Where [out][in][tap] of one group of sixteen outputs goes: [in / 64][tap][16 quads][16 out][4].
std::size_t At(int in, int tap, int taps, int lane) {
  const int step = (in / kQuantLanes * taps + tap) * kQuads + in % kQuantLanes / kQuantQuad;
  return (static_cast<std::size_t>(step) * kLanes + static_cast<std::size_t>(lane)) * kQuantQuad +
         static_cast<std::size_t>(in % kQuantQuad);
}

}  // namespace

std::size_t PackedQuantConvSize(const ConvShape& shape) {
  return static_cast<std::size_t>(BlocksOf(shape.out_channels)) * kLanes *
         static_cast<std::size_t>(QuantBlocksOf(shape.in_channels)) * kQuantLanes *
         static_cast<std::size_t>(shape.kernel_h * shape.kernel_w);
}

void PackQuantConv(const std::int8_t* weights, const ConvShape& shape, std::int8_t* packed) {
  const int taps = shape.kernel_h * shape.kernel_w;
  std::memset(packed, 0, PackedQuantConvSize(shape));
  const std::size_t block = PackedQuantConvSize({kLanes, shape.in_channels, taps, 1});
  for (int o = 0; o < shape.out_channels; ++o) {
    std::int8_t* to = packed + static_cast<std::size_t>(o / kLanes) * block;
    for (int i = 0; i < shape.in_channels; ++i) {
      for (int tap = 0; tap < taps; ++tap) to[At(i, tap, taps, o % kLanes)] = *weights++;
    }
  }
}

std::size_t PackedQuantPictureSize(const ConvShape& shape) {
  return static_cast<std::size_t>(BlocksOf(shape.out_channels)) * kLanes * kQuantQuad *
         static_cast<std::size_t>(shape.kernel_h * shape.kernel_w);
}

void PackQuantPicture(const std::int8_t* weights, const ConvShape& shape, std::int8_t* packed) {
  const int taps = shape.kernel_h * shape.kernel_w;
  std::memset(packed, 0, PackedQuantPictureSize(shape));
  for (int o = 0; o < shape.out_channels; ++o) {
    for (int i = 0; i < shape.in_channels; ++i) {
      for (int tap = 0; tap < taps; ++tap) {
        packed[((o / kLanes * taps + tap) * kLanes + o % kLanes) * kQuantQuad + i] = *weights++;
      }
    }
  }
}

std::size_t PackedQuantDepthwiseSize(int channels, int kernel_h, int kernel_w) {
  return static_cast<std::size_t>(QuantBlocksOf(channels)) * kQuantLanes *
         static_cast<std::size_t>(kernel_w * QuadRowsOf(kernel_h)) * kQuantQuad;
}

int QuantDepthwiseLane(int channel) {
  const int lane = channel % kQuantLanes;
  return lane % 16 / 4 * 16 + lane / 16 * 4 + lane % 4;
}

void PackQuantDepthwise(const std::int8_t* weights, int channels, int kernel_h, int kernel_w,
                        std::int8_t* packed) {
  std::memset(packed, 0, PackedQuantDepthwiseSize(channels, kernel_h, kernel_w));
  const int quads = QuadRowsOf(kernel_h);
  for (int c = 0; c < channels; ++c) {
    for (int ky = 0; ky < kernel_h; ++ky) {
      for (int kx = 0; kx < kernel_w; ++kx) {
        const int step = (c / kQuantLanes * kernel_w + kx) * quads + ky / kQuantQuad;
        packed[(step * kQuantLanes + QuantDepthwiseLane(c)) * kQuantQuad + ky % kQuantQuad] =
            *weights++;
      }
    }
  }
}

}  // namespace visavis
