// Portable dense and depthwise convolution and fully connected layers.
#include "kernels/scalar.h"

namespace visavis {
namespace {

void ConvF32(const ConvArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  const auto* in = static_cast<const float*>(a.in.data);
  const std::ptrdiff_t depth = static_cast<std::ptrdiff_t>(a.in_blocks) * a.taps * kLanes;
  for (int group = group_begin; group < group_end; ++group) {
    const int width = BlocksInGroup(group, a.vectors, a.out_blocks);
    const float* weights =
        static_cast<const float*>(a.weights) + group * a.vectors * kLanes * depth;
    for (int v = 0; v < width; ++v) {
      for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
        for (std::ptrdiff_t x = 0; x < a.out_width; ++x) {
          Pixel sum;
          const float* w = weights + v * kLanes;
          for (int block = 0; block < a.in_blocks; ++block) {
            for (int tap = 0; tap < a.taps; ++tap) {
              const float* pixel = in + block * a.in.block + y * a.stride * a.in.row +
                                   x * a.stride * kLanes + a.tap_offsets[tap];
              for (int i = 0; i < kLanes; ++i, w += width * kLanes) {
                for (int o = 0; o < kLanes; ++o) sum.lane[o] += pixel[i] * w[o];
              }
            }
          }
          Emit(a.epilogue, a.out, group * a.vectors + v, y, x, sum);
        }
      }
    }
  }
}

// VDPBF16PS adds the odd product, then the even one. A product of two bf16 is exact in float, so
// rounding once or twice per step is the same.
void AddPair(const std::uint16_t* x, const std::uint16_t* w, Pixel& sum) {
  for (int o = 0; o < kLanes; ++o) {
    sum.lane[o] += Bf16ToFloat(x[1]) * Bf16ToFloat(w[2 * o + 1]);
    sum.lane[o] += Bf16ToFloat(x[0]) * Bf16ToFloat(w[2 * o]);
  }
}

void ConvBf16(const ConvArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  const auto* in = static_cast<const std::uint16_t*>(a.in.data);
  const std::ptrdiff_t depth = static_cast<std::ptrdiff_t>(a.in_blocks) * a.taps * kLanes;
  for (int group = group_begin; group < group_end; ++group) {
    const int width = BlocksInGroup(group, a.vectors, a.out_blocks);
    const std::uint16_t* weights =
        static_cast<const std::uint16_t*>(a.weights) + group * a.vectors * kLanes * depth;
    for (int v = 0; v < width; ++v) {
      for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
        for (std::ptrdiff_t x = 0; x < a.out_width; ++x) {
          Pixel sum;
          const std::uint16_t* w = weights + 2 * v * kLanes;
          for (int block = 0; block < a.in_blocks; ++block) {
            for (int tap = 0; tap < a.taps; ++tap) {
              const std::uint16_t* pixel = in + block * a.in.block + y * a.stride * a.in.row +
                                           x * a.stride * kLanes + a.tap_offsets[tap];
              for (int i = 0; i < kLanes; i += 2, w += 2 * width * kLanes) {
                AddPair(pixel + i, w, sum);
              }
            }
          }
          Emit(a.epilogue, a.out, group * a.vectors + v, y, x, sum);
        }
      }
    }
  }
}

void ConvStem(const PlanarConvArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  const int out_blocks = (a.out_channels + kLanes - 1) / kLanes;
  for (int group = group_begin; group < group_end; ++group) {
    const int width = BlocksInGroup(group, a.vectors, out_blocks);
    for (int v = 0; v < width; ++v) {
      for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
        for (std::ptrdiff_t x = 0; x < a.out_width; ++x) {
          Pixel sum;
          const float* w = a.weights +
                           static_cast<std::ptrdiff_t>(group) * a.vectors * kLanes * a.depth +
                           v * kLanes;
          const float* pixel = a.in + y * a.stride * a.in_row + x * a.stride;
          for (int k = 0; k < a.depth; ++k, w += width * kLanes) {
            for (int o = 0; o < kLanes; ++o) sum.lane[o] += pixel[a.offsets[k]] * w[o];
          }
          Emit(a.epilogue, a.blocked_out, group * a.vectors + v, y, x, sum);
        }
      }
    }
  }
}

void ConvPlanar(const PlanarConvArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  const int channel_end =
      group_end * kPlanarGroup < a.out_channels ? group_end * kPlanarGroup : a.out_channels;
  for (int channel = group_begin * kPlanarGroup; channel < channel_end; ++channel) {
    const float* w = a.weights +
                     static_cast<std::ptrdiff_t>(channel / kPlanarGroup) * kPlanarGroup * a.depth +
                     channel % kPlanarGroup;
    for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
      for (std::ptrdiff_t x = 0; x < a.out_width; ++x) {
        const float* pixel = a.in + y * a.stride * a.in_row + x * a.stride;
        float sum = 0;
        for (int k = 0; k < a.depth; ++k) sum += pixel[a.offsets[k]] * w[k * kPlanarGroup];
        if (a.epilogue.bias != nullptr) sum += a.epilogue.bias[channel];
        a.planar_out.data[channel * a.planar_out.plane + y * a.planar_out.row + x] =
            Activate(a.epilogue, channel, sum);
      }
    }
  }
}

void Depthwise(const DepthwiseArgs& a, int block_begin, int block_end, int y_begin, int y_end) {
  for (int block = block_begin; block < block_end; ++block) {
    for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
      for (std::ptrdiff_t x = 0; x < a.out_width; ++x) {
        Pixel sum;
        const float* w =
            a.weights + static_cast<std::ptrdiff_t>(block) * a.kernel_h * a.kernel_w * kLanes;
        for (int ky = 0; ky < a.kernel_h; ++ky) {
          for (int kx = 0; kx < a.kernel_w; ++kx, w += kLanes) {
            const Pixel pixel =
                LoadPixel(a.in, block * a.in.block + (y * a.stride + ky) * a.in.row +
                                    (x * a.stride + kx) * kLanes);
            for (int i = 0; i < kLanes; ++i) sum.lane[i] += pixel.lane[i] * w[i];
          }
        }
        Emit(a.epilogue, a.out, block, y, x, sum);
      }
    }
  }
}

void FinishFc(const FcArgs& a, int row, int channel, float sum) {
  if (a.epilogue.bias != nullptr) sum += a.epilogue.bias[channel];
  a.out[row * a.out_row + channel] = Activate(a.epilogue, channel, sum);
}

template <typename RowSum>
void ForEachFcOutput(const FcArgs& a, int group_begin, int group_end, const RowSum& row_sum) {
  for (int group = group_begin; group < group_end; ++group) {
    for (int row = 0; row < a.batch; ++row) {
      for (int o = 0; o < kFcGroup && group * kFcGroup + o < a.out_channels; ++o) {
        FinishFc(a, row, group * kFcGroup + o, row_sum(group, row, o));
      }
    }
  }
}

void FcF32(const FcArgs& a, int group_begin, int group_end) {
  ForEachFcOutput(a, group_begin, group_end, [&a](int group, int row, int o) {
    const float* in = static_cast<const float*>(a.in) + row * a.in_row;
    const float* w = static_cast<const float*>(a.weights) +
                     static_cast<std::ptrdiff_t>(group) * a.depth * kFcGroup + o;
    double sum = 0;  // a chain of 25,088 float additions would lose three digits
    for (std::ptrdiff_t k = 0; k < a.depth; ++k) sum += double{in[k]} * double{w[k * kFcGroup]};
    return static_cast<float>(sum);
  });
}

void FcBf16(const FcArgs& a, int group_begin, int group_end) {
  ForEachFcOutput(a, group_begin, group_end, [&a](int group, int row, int o) {
    const auto* in = static_cast<const std::uint16_t*>(a.in) + row * a.in_row;
    const auto* w = static_cast<const std::uint16_t*>(a.weights) +
                    static_cast<std::ptrdiff_t>(group) * a.depth * kFcGroup + 2 * o;
    double sum = 0;
    for (std::ptrdiff_t k = 0; k < a.depth; ++k) {
      const std::uint16_t weight = w[k / 2 * 2 * kFcGroup + k % 2];
      sum += double{Bf16ToFloat(in[k])} * double{Bf16ToFloat(weight)};
    }
    return static_cast<float>(sum);
  });
}

}  // namespace

void AddScalarConv(KernelTable& table) {
  table.conv_f32 = ConvF32;
  table.conv_bf16 = ConvBf16;
  table.conv_stem = ConvStem;
  table.conv_planar = ConvPlanar;
  table.depthwise = Depthwise;
  table.fc_f32 = FcF32;
  table.fc_bf16 = FcBf16;
}

}  // namespace visavis
