// bfloat16 as the upper half of a float. For portable code only: per-ISA files have instructions.
#pragma once

#include <bit>
#include <cstdint>

namespace visavis {

constexpr float Bf16ToFloat(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

/// Round to nearest even; NaN stays NaN; subnormals become zero of the same sign, as VCVTNEPS2BF16
/// does.
constexpr std::uint16_t FloatToBf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  if (magnitude < 0x00800000u) return static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// What bf16 rounding leaves of a float, as bf16: the two add up to the float within 2^-17 of it.
/// Of a number that is infinite as bf16, or none, nothing is left.
constexpr std::uint16_t LowPartOf(float value) {
  const float high = Bf16ToFloat(FloatToBf16(value));
  const bool finite = high - high == 0;
  return finite ? FloatToBf16(value - high) : std::uint16_t{0};
}

}  // namespace visavis
