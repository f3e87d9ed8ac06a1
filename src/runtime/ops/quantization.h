// Affine quantization, real = scale * (stored - zero point): what its operators share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "runtime/op.h"
#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"

namespace visavis {

/// `x` (already divided by the scale) rounded half to even, plus the zero point, saturated: ONNX's
/// saturate(round(x) + zero_point). NaN becomes the lowest value.
template <typename Q>
Q RoundAndSaturate(float x, std::int32_t zero_point) {
  static_assert(sizeof(Q) <= 2, "bounds and rounding are exact up to 2^22");
  // The bounds are integers, so clamping first gives the same; then adding 1.5 * 2^23 leaves no
  // bits for a fraction. Unlike nearbyint, this is no call and compilers use vectors.
  constexpr float kShift = 12582912.0f;
  const auto low = static_cast<float>(std::numeric_limits<Q>::min() - zero_point);
  const auto high = static_cast<float>(std::numeric_limits<Q>::max() - zero_point);
  const float clamped = std::min(high, std::max(low, x));
  return static_cast<Q>(static_cast<std::int32_t>((clamped + kShift) - kShift) + zero_point);
}

/// Calls fn(ElementTag<T>) for u8 and s8.
template <typename Fn>
Status VisitByte(DType dtype, Fn&& fn) {
  if (dtype == DType::kU8) return fn(ElementTag<std::uint8_t>{});
  if (dtype == DType::kI8) return fn(ElementTag<std::int8_t>{});
  return MakeError(ErrorCode::kUnsupported, "not implemented for {}, want uint8 or int8",
                   Name(dtype));
}

/// The same for u8, s8, u16 and s16.
template <typename Fn>
Status VisitQuantized(DType dtype, Fn&& fn) {
  if (dtype == DType::kU16) return fn(ElementTag<std::uint16_t>{});
  if (dtype == DType::kI16) return fn(ElementTag<std::int16_t>{});
  return VisitByte(dtype, fn);
}

/// How the elements of a tensor map to scales and zero points: element [outer][k][inner] has
/// number k.
struct QuantizedAxis {
  std::int64_t outer = 1;
  std::int64_t extent = 1;
  std::int64_t inner = 1;
};

/// kUnsupported unless input `i`, if given, is uint8 or int8. Here and below an input of -1 is one
/// that the operator does not have.
Status RequireByte(const InferContext& context, int i);
/// Input `scale` is float32 of `count` elements, or of one; so is `zero_point` if given, of the
/// type `stored`. kInvalidArgument or kUnsupported otherwise.
Status CheckScaleAndZeroPoint(const InferContext& context, int scale, int zero_point, DType stored,
                              std::int64_t count = 1);

/// Element `k` of a list input, or its only one. `fallback` where the input is left out.
std::int32_t ZeroPointAt(const DenseContext& context, int input, std::int64_t k = 0,
                         std::int32_t fallback = 0);
float ScaleAt(const DenseContext& context, int input, std::int64_t k = 0);

/// Sums of a product as stored bytes: out[i] = saturate(round(sums[i] * multiplier) + zero_point).
/// multiplier = a_scale * b_scale / y_scale, each step rounded to float32.
template <typename Q>
void Requantize(const std::int32_t* sums, std::int64_t count, float multiplier,
                std::int32_t zero_point, Q* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    out[i] = RoundAndSaturate<Q>(static_cast<float>(sums[i]) * multiplier, zero_point);
  }
}

/// out[i] = in[i] - zero_point; exact for bytes.
template <typename Q>
void SubtractZeroPoint(const Q* in, std::int64_t count, std::int32_t zero_point,
                       std::int16_t* out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<std::int16_t>(in[i] - zero_point);
}

/// The domain of ONNX Runtime's own operators.
inline constexpr std::string_view kMicrosoftDomain = "com.microsoft";

}  // namespace visavis
