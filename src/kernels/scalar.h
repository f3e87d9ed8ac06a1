// The portable kernels: the reference the vector kernels are tested against, plain loops over the
// 16 lanes of a block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/table.h"

namespace visavis {

void AddScalarConv(KernelTable& table);
void AddScalarTiles(KernelTable& table);
void AddScalarWinograd(KernelTable& table);
void AddScalarLayout(KernelTable& table);
void AddScalarPool(KernelTable& table);

/// The 16 channels of one pixel as floats.
struct Pixel {
  float lane[kLanes] = {};
};

inline float LoadElement(const void* data, std::ptrdiff_t at, Store store) {
  return store == Store::kF32 ? static_cast<const float*>(data)[at]
                              : Bf16ToFloat(static_cast<const std::uint16_t*>(data)[at]);
}

inline Pixel LoadPixel(const BlockedIn& in, std::ptrdiff_t at) {
  Pixel pixel;
  for (int i = 0; i < kLanes; ++i) pixel.lane[i] = LoadElement(in.data, at + i, in.store);
  return pixel;
}

inline void StorePixel(const BlockedOut& out, std::ptrdiff_t at, const Pixel& pixel) {
  for (int i = 0; i < kLanes; ++i) {
    if (out.store == Store::kF32) {
      static_cast<float*>(out.data)[at + i] = pixel.lane[i];
    } else {
      static_cast<std::uint16_t*>(out.data)[at + i] = FloatToBf16(pixel.lane[i]);
    }
  }
}

inline float Activate(const Epilogue& epilogue, int channel, float x) {
  switch (epilogue.activation) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kPrelu:
      return x < 0 ? epilogue.slope[channel] * x : x;
    case Activation::kClip:
      return x < epilogue.lo ? epilogue.lo : x > epilogue.hi ? epilogue.hi : x;
  }
  return x;
}

/// Bias, activation and residual of one pixel of `block`; `addend_at` is the residual's element.
inline void Finish(const Epilogue& epilogue, int block, std::ptrdiff_t addend_at, Pixel& pixel) {
  for (int i = 0; i < kLanes; ++i) {
    const int channel = block * kLanes + i;
    float x = pixel.lane[i];
    if (epilogue.bias != nullptr) x += epilogue.bias[channel];
    float addend = 0;
    if (epilogue.residual != Residual::kNone) {
      addend = LoadElement(epilogue.addend.data, addend_at + i, epilogue.addend.store);
    }
    if (epilogue.residual == Residual::kBeforeActivation) x += addend;
    x = Activate(epilogue, channel, x);
    if (epilogue.residual == Residual::kAfterActivation) x += addend;
    pixel.lane[i] = x;
  }
}

/// Finishes and stores output pixel (y, x) of `block`.
inline void Emit(const Epilogue& epilogue, const BlockedOut& out, int block, std::ptrdiff_t y,
                 std::ptrdiff_t x, Pixel& pixel) {
  const BlockedIn& addend = epilogue.addend;
  Finish(epilogue, block, block * addend.block + y * addend.row + x * kLanes, pixel);
  StorePixel(out, block * out.block + y * out.row + x * kLanes, pixel);
}

/// Blocks in `group`: the last group may be narrower than the others.
inline int BlocksInGroup(int group, int vectors, int blocks) {
  const int left = blocks - group * vectors;
  return left < vectors ? left : vectors;
}

}  // namespace visavis
