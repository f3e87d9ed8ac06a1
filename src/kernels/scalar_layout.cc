// Portable element-wise kernels, layout changes and borders.
#include <cmath>

#include "kernels/scalar.h"

namespace visavis {
namespace {

void Affine(const BlockedIn& in, const BlockedOut& out, int blocks, int rows, int width,
            const float* scale, const Epilogue& epilogue) {
  for (int block = 0; block < blocks; ++block) {
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
      for (std::ptrdiff_t x = 0; x < width; ++x) {
        Pixel pixel = LoadPixel(in, block * in.block + y * in.row + x * kLanes);
        if (scale != nullptr) {
          for (int i = 0; i < kLanes; ++i) pixel.lane[i] *= scale[block * kLanes + i];
        }
        Emit(epilogue, out, block, y, x, pixel);
      }
    }
  }
}

void Upsample2(const BlockedIn& in, const BlockedOut& out, int blocks, int rows, int width,
               const Epilogue& epilogue) {
  for (int block = 0; block < blocks; ++block) {
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
      for (std::ptrdiff_t x = 0; x < width; ++x) {
        Pixel pixel = LoadPixel(in, block * in.block + y / 2 * in.row + x / 2 * kLanes);
        Emit(epilogue, out, block, y, x, pixel);
      }
    }
  }
}

void Sigmoid(const float* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = 1 / (1 + std::exp(-in[i]));
}

void PlanarToBlocked(const PlanarIn& in, const BlockedOut& out, int channels, int rows, int width) {
  for (int block = 0; block * kLanes < channels; ++block) {
    const int lanes = channels - block * kLanes < kLanes ? channels - block * kLanes : kLanes;
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
      for (std::ptrdiff_t x = 0; x < width; ++x) {
        Pixel pixel;
        for (int i = 0; i < lanes; ++i) {
          pixel.lane[i] = in.data[(block * kLanes + i) * in.plane + y * in.row + x];
        }
        StorePixel(out, block * out.block + y * out.row + x * kLanes, pixel);
      }
    }
  }
}

void BlockedToPlanar(const BlockedIn& in, const PlanarOut& out, int channels, int rows, int width) {
  for (int channel = 0; channel < channels; ++channel) {
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
      for (std::ptrdiff_t x = 0; x < width; ++x) {
        const std::ptrdiff_t at =
            channel / kLanes * in.block + y * in.row + x * kLanes + channel % kLanes;
        out.data[channel * out.plane + y * out.row + x] = LoadElement(in.data, at, in.store);
      }
    }
  }
}

void RgbToPlanar(const std::uint8_t* rgb, std::ptrdiff_t row_bytes, const PlanarOut& out, int rows,
                 int width, const int* order, const float* mean, const float* scale) {
  for (int channel = 0; channel < 3; ++channel) {
    for (std::ptrdiff_t y = 0; y < rows; ++y) {
      for (std::ptrdiff_t x = 0; x < width; ++x) {
        const float value = rgb[y * row_bytes + 3 * x + order[channel]];
        out.data[channel * out.plane + y * out.row + x] = (value - mean[channel]) * scale[channel];
      }
    }
  }
}

/// Calls write(y, first x, x count) for every run of border pixels.
template <typename Write>
void ForEachBorderRun(int rows, int width, const Border& border, const Write& write) {
  for (int y = -border.top; y < rows + border.bottom; ++y) {
    if (y < 0 || y >= rows) {
      write(y, -border.left, border.left + width + border.right);
    } else {
      write(y, -border.left, border.left);
      write(y, width, border.right);
    }
  }
}

void FillBorderBlocked(const BlockedOut& inside, int blocks, int rows, int width,
                       const Border& border, const float* values) {
  for (int block = 0; block < blocks; ++block) {
    Pixel value;
    if (values != nullptr) {
      for (int i = 0; i < kLanes; ++i) value.lane[i] = values[block * kLanes + i];
    }
    ForEachBorderRun(rows, width, border, [&](std::ptrdiff_t y, std::ptrdiff_t x, int count) {
      for (; count > 0; --count, ++x) {
        StorePixel(inside, block * inside.block + y * inside.row + x * kLanes, value);
      }
    });
  }
}

void FillBorderPlanar(const PlanarOut& inside, int planes, int rows, int width,
                      const Border& border, const float* values) {
  for (int plane = 0; plane < planes; ++plane) {
    const float value = values != nullptr ? values[plane] : 0;
    ForEachBorderRun(rows, width, border, [&](std::ptrdiff_t y, std::ptrdiff_t x, int count) {
      float* run = inside.data + plane * inside.plane + y * inside.row + x;
      for (int i = 0; i < count; ++i) run[i] = value;
    });
  }
}

void F32ToBf16(const float* in, std::uint16_t* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = FloatToBf16(in[i]);
}

void Bf16ToF32(const std::uint16_t* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = Bf16ToFloat(in[i]);
}

std::uint64_t ReadMemory(const void* data, std::size_t bytes) {
  const auto* words = static_cast<const std::uint64_t*>(data);
  std::uint64_t mixed[8] = {};
  for (std::size_t i = 0; i < bytes / 8; i += 8) {
    for (int j = 0; j < 8; ++j) mixed[j] ^= words[i + static_cast<std::size_t>(j)];
  }
  std::uint64_t all = 0;
  for (const std::uint64_t m : mixed) all ^= m;
  return all;
}

std::int64_t PeakF32(std::int64_t iterations) {
  constexpr int kChains = 8;
  float sums[kChains][4] = {};
  float factor = 0.999f;
  for (std::int64_t n = 0; n < iterations; ++n) {
    for (auto& chain : sums) {
      for (float& sum : chain) sum = sum * factor + 1.0f;
    }
  }
  volatile float sink = 0;
  for (const auto& chain : sums) {
    for (const float sum : chain) sink = sink + sum;
  }
  return iterations * kChains * 4 * 2;
}

}  // namespace

void AddScalarLayout(KernelTable& table) {
  table.affine = Affine;
  table.upsample2 = Upsample2;
  table.sigmoid = Sigmoid;
  table.planar_to_blocked = PlanarToBlocked;
  table.blocked_to_planar = BlockedToPlanar;
  table.rgb_to_planar = RgbToPlanar;
  table.fill_border_blocked = FillBorderBlocked;
  table.fill_border_planar = FillBorderPlanar;
  table.f32_to_bf16 = F32ToBf16;
  table.bf16_to_f32 = Bf16ToF32;
  table.peak_f32 = PeakF32;
  table.read_memory = ReadMemory;
}

}  // namespace visavis
