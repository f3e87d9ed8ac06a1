// The portable int8 kernels: what every vector kernel must equal bit by bit.
#include <cmath>

#include "kernels/kernels.h"
#include "kernels/scalar.h"

namespace visavis {
namespace {

constexpr int kQuads = kQuantLanes / kQuantQuad;

// Byte offset of sixteen channels `block` at pixel (y, x).
std::ptrdiff_t ByteAt(std::ptrdiff_t block_stride, std::ptrdiff_t row_stride, int block, int y,
                      int x) {
  return block / 4 * block_stride + y * row_stride + std::ptrdiff_t{x} * kQuantLanes +
         block % 4 * kLanes;
}

// Round to nearest even, as an integer between -65535 and 65535: further out every zero point
// saturates. Not-a-number counts as -65535.
int RoundNear(float v) {
  v = v > -65535.0f ? v : -65535.0f;
  v = v < 65535.0f ? v : 65535.0f;
  return static_cast<int>(std::nearbyint(v));
}

int Clamp255(int q) { return q < 0 ? 0 : q > 255 ? 255 : q; }

float ActivateQuant(const QuantEpilogue& e, int channel, float v) {
  switch (e.activation) {
    case Activation::kNone:
      return v;
    case Activation::kRelu:
    case Activation::kPrelu:
      return v < 0 ? v * e.slope[channel] : v;
    case Activation::kClip:
      v = v > e.lo ? v : e.lo;
      return v < e.hi ? v : e.hi;
  }
  return v;
}

float AddResidual(const QuantEpilogue& e, int block, int y, int x, int lane, float v) {
  if (e.addend.data != nullptr) {
    const int r = e.addend.data[ByteAt(e.addend.block, e.addend.row, block, y, x) + lane];
    return std::fma(static_cast<float>(r - e.addend_zero), e.addend_scale, v);
  }
  const BlockedIn& in = *e.float_addend;
  const std::ptrdiff_t at = block * in.block + y * in.row + std::ptrdiff_t{x} * kLanes + lane;
  return std::fma(LoadElement(in.data, at, in.store), e.addend_scale, v);
}

void EmitQuant(const QuantEpilogue& e, int block, int y, int x, const float* sums) {
  Pixel pixel;
  for (int lane = 0; lane < kLanes; ++lane) {
    const int channel = block * kLanes + lane;
    float v = std::fma(sums[lane], e.scale[channel], e.shift[channel]);
    if (e.residual == Residual::kBeforeActivation) v = AddResidual(e, block, y, x, lane, v);
    v = ActivateQuant(e, channel, v);
    if (e.residual == Residual::kAfterActivation) v = AddResidual(e, block, y, x, lane, v);
    pixel.lane[lane] = v;
    float u = v;
    if (e.out.data != nullptr) {
      const int q = Clamp255(RoundNear(v) + e.zero);
      e.out.data[ByteAt(e.out.block, e.out.row, block, y, x) + lane] = static_cast<std::uint8_t>(q);
      u = static_cast<float>(q - e.zero);
    }
    if (e.copy.data != nullptr) {
      const int q = Clamp255(RoundNear(std::fma(u, e.copy_scale[channel], e.copy_shift[channel])) +
                             e.copy_zero);
      e.copy.data[ByteAt(e.copy.block, e.copy.row, block, y, x) + lane] =
          static_cast<std::uint8_t>(q);
    }
  }
  if (e.out.data == nullptr) {
    StorePixel(*e.float_out,
               block * e.float_out->block + y * e.float_out->row + std::ptrdiff_t{x} * kLanes,
               pixel);
  }
}

// Products of `quads` quads of sixteen outputs.
void AddQuads(const std::uint8_t* x, const std::int8_t* w, int quads, std::int32_t* sums) {
  for (int quad = 0; quad < quads; ++quad) {
    for (int lane = 0; lane < kLanes; ++lane) {
      for (int i = 0; i < kQuantQuad; ++i) {
        sums[lane] +=
            int{x[quad * kQuantQuad + i]} * int{w[(quad * kLanes + lane) * kQuantQuad + i]};
      }
    }
  }
}

void ToFloats(const std::int32_t* sums, float* floats) {
  for (int lane = 0; lane < kLanes; ++lane) floats[lane] = static_cast<float>(sums[lane]);
}

void Conv(const QuantConvArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  const int pixel = a.picture ? kQuantPicturePixel : kQuantLanes;
  const int step_quads = a.picture ? 1 : kQuads;
  const std::ptrdiff_t step_bytes = std::ptrdiff_t{step_quads} * kLanes * kQuantQuad;
  const int block_end =
      group_end * kQuantGroup < a.out_blocks ? group_end * kQuantGroup : a.out_blocks;
  for (int block = group_begin * kQuantGroup; block < block_end; ++block) {
    for (int y = y_begin; y < y_end; ++y) {
      for (int x = 0; x < a.out_width; ++x) {
        std::int32_t sums[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) sums[lane] = a.start[block * kLanes + lane];
        const std::uint8_t* in =
            a.in.data + y * a.stride * a.in.row + std::ptrdiff_t{x} * a.stride * pixel;
        const std::int8_t* w = a.weights + block * a.in_blocks * a.taps * step_bytes;
        for (int i = 0; i < a.in_blocks; ++i, in += a.in.block) {
          const int quads = i + 1 < a.in_blocks ? step_quads : a.last_quads;
          for (int tap = 0; tap < a.taps; ++tap, w += step_bytes) {
            AddQuads(in + a.tap_offsets[tap], w, quads, sums);
          }
        }
        float floats[kLanes];
        ToFloats(sums, floats);
        EmitQuant(a.epilogue, block, y, x, floats);
      }
    }
  }
}

void Depthwise(const QuantDepthwiseArgs& a, int block_begin, int block_end, int y_begin,
               int y_end) {
  const int quads = QuadRowsOf(a.kernel_h);
  const int last = block_end * 4 < a.out_blocks ? block_end * 4 : a.out_blocks;
  for (int block = block_begin * 4; block < last; ++block) {
    for (int y = y_begin; y < y_end; ++y) {
      for (int x = 0; x < a.out_width; ++x) {
        std::int32_t sums[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
          const int channel = block * kLanes + lane;
          std::int32_t sum = a.start[channel];
          for (int ky = 0; ky < a.kernel_h; ++ky) {
            for (int kx = 0; kx < a.kernel_w; ++kx) {
              const int step = (channel / kQuantLanes * a.kernel_w + kx) * quads + ky / kQuantQuad;
              const int weight =
                  a.weights[(step * kQuantLanes + QuantDepthwiseLane(channel)) * kQuantQuad +
                            ky % kQuantQuad];
              sum += weight * int{a.in.data[ByteAt(a.in.block, a.in.row, block, y * a.stride + ky,
                                                   x * a.stride + kx) +
                                            lane]};
            }
          }
          sums[lane] = sum;
        }
        float floats[kLanes];
        ToFloats(sums, floats);
        EmitQuant(a.epilogue, block, y, x, floats);
      }
    }
  }
}

void Map(const QuantMapArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  const int last = group_end * kQuantGroup < a.blocks ? group_end * kQuantGroup : a.blocks;
  for (int block = group_begin * kQuantGroup; block < last; ++block) {
    for (int y = y_begin; y < y_end; ++y) {
      for (int x = 0; x < a.width; ++x) {
        float floats[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
          if (a.in.data != nullptr) {
            const int q = a.in.data[ByteAt(a.in.block, a.in.row, block, y, x) + lane];
            floats[lane] = static_cast<float>(q - a.zero);
          } else {
            const BlockedIn& in = *a.float_in;
            floats[lane] = LoadElement(
                in.data, block * in.block + y * in.row + std::ptrdiff_t{x} * kLanes + lane,
                in.store);
          }
        }
        EmitQuant(a.epilogue, block, y, x, floats);
      }
    }
  }
}

void Picture(const float* in, std::ptrdiff_t plane, int channels, int width, const float* factor,
             const float* term, float scale, int zero, std::uint8_t* out) {
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < kQuantPicturePixel; ++c) {
      int q = zero;
      if (c < channels) {
        q = Clamp255(RoundNear(std::fma(in[c * plane + x], factor[c], term[c]) / scale) + zero);
      }
      out[x * kQuantPicturePixel + c] = static_cast<std::uint8_t>(q);
    }
  }
}

}  // namespace

void AddScalarQuant(KernelTable& table) { table.quant = {Conv, Conv, Depthwise, Map, Picture}; }

}  // namespace visavis
