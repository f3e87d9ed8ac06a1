#include "tensor/convert.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace visavis {
namespace {

template <typename From, typename Fn>
void ConvertEach(const Tensor& tensor, std::span<float> out, Fn&& convert) {
  const auto* from = static_cast<const From*>(tensor.raw());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = convert(from[i]);
}

}  // namespace

float HalfToFloat(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fu;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  }
  constexpr float kSubnormalUnit = 1.0f / (1 << 24);
  const float magnitude = static_cast<float>(mantissa) * kSubnormalUnit;
  return sign != 0 ? -magnitude : magnitude;
}

float BFloat16ToFloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t FloatToHalf(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // >= 65520
  if (magnitude < 0x38800000u) {
    // Below 2^-14: adding 0.5 aligns the mantissa to units of 2^-24, rounding in hardware.
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(aligned) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

std::uint16_t FloatToBFloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const std::uint32_t rounded = nan ? bits | 0x400000u : bits + 0x7fffu + ((bits >> 16) & 1u);
  return static_cast<std::uint16_t>(rounded >> 16);
}

bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kF16 ||
         dtype == DType::kBF16;
}

Tensor ToFloat32(const Tensor& tensor) {
  VISAVIS_CHECK(IsFloat(tensor.dtype()));
  Tensor converted = Tensor::Uninitialized(DType::kF32, tensor.shape());
  const std::span<float> out = converted.data<float>();
  switch (tensor.dtype()) {
    case DType::kF64:
      ConvertEach<double>(tensor, out, [](double v) { return static_cast<float>(v); });
      break;
    case DType::kF16:
      ConvertEach<std::uint16_t>(tensor, out, HalfToFloat);
      break;
    case DType::kBF16:
      ConvertEach<std::uint16_t>(tensor, out, BFloat16ToFloat);
      break;
    default:
      ConvertEach<float>(tensor, out, [](float v) { return v; });
  }
  return converted;
}

}  // namespace visavis
