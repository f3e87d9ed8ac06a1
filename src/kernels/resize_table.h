// The contract of the picture kernels: bilinear resize of interleaved 8-bit RGB in fixed point.
//
// Per-ISA files include this header, <immintrin.h>, <cstddef> and <cstdint> and nothing else; see
// table.h for why. All instruction sets give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace visavis {

/// Bits of a bilinear weight; 1.0 is 1 << kResizeWeightBits.
inline constexpr int kResizeWeightBits = 11;

/// One instruction set's kernels for resizing. Source: the arithmetic is that of OpenCV's 8-bit
/// INTER_LINEAR (11-bit weights, 4 bits dropped between the passes), to which detectors are pinned.
struct ResizeKernels {
  const char* isa = nullptr;

  /// One row across: for each sample i = 3 x + c of `width` result pixels,
  ///   out[i] = (row[left[x] + c] * weights[2 i] + row[left[x] + 3 + c] * weights[2 i + 1]) >> 4.
  /// `left` are byte offsets with left[x] + 6 <= row_bytes; each pair of weights sums to 1.0.
  void (*across)(const std::uint8_t* row, std::size_t row_bytes, const std::int32_t* left,
                 const std::int16_t* weights, int width, std::int16_t* out);

  /// Two rows of `across` into one row of `count` samples:
  ///   out[i] = ((upper[i] * upper_weight >> 16) + (lower[i] * lower_weight >> 16) + 2) >> 2.
  void (*down)(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
               std::int16_t lower_weight, std::size_t count, std::uint8_t* out);
};

/// What each instruction set replaces in a copy of the next lower table.
void AddResizeScalar(ResizeKernels& kernels);
void AddResizeAvx2(ResizeKernels& kernels);

}  // namespace visavis
