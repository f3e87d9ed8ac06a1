#include "runtime/ops/quantization.h"

namespace visavis {

Status RequireByte(const InferContext& context, int i) {
  if (i < 0 || !context.has(i)) return {};
  const DType dtype = context.dtype(i);
  if (dtype == DType::kU8 || dtype == DType::kI8) return {};
  return MakeError(ErrorCode::kUnsupported, "input {} is {}, want uint8 or int8", i, Name(dtype));
}

Status CheckScaleAndZeroPoint(const InferContext& context, int scale, int zero_point, DType stored,
                              std::int64_t count) {
  const auto fits = [&](int i) {
    const std::int64_t elements = context.shape(i).elements();
    return elements == 1 || elements == count;
  };
  if (scale >= 0 && context.has(scale)) {
    VISAVIS_RETURN_IF_ERROR(RequireType(context, scale, DType::kF32));
    if (!fits(scale)) {
      return MakeError(ErrorCode::kInvalidArgument, "input {} has shape {}, want one scale or {}",
                       scale, context.shape(scale).ToString(), count);
    }
  }
  if (zero_point < 0 || !context.has(zero_point)) return {};
  if (context.dtype(zero_point) != stored) {
    return MakeError(ErrorCode::kInvalidArgument, "zero point {} is {}, want {}", zero_point,
                     Name(context.dtype(zero_point)), Name(stored));
  }
  if (!fits(zero_point)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "input {} has shape {}, want one zero point or {}", zero_point,
                     context.shape(zero_point).ToString(), count);
  }
  return {};
}

std::int32_t ZeroPointAt(const DenseContext& context, int input, std::int64_t k,
                         std::int32_t fallback) {
  if (!context.has(input)) return fallback;
  if (context.shape(input).elements() == 1) k = 0;
  switch (context.dtype(input)) {
    case DType::kU8:
      return context.in<std::uint8_t>(input)[k];
    case DType::kI8:
      return context.in<std::int8_t>(input)[k];
    case DType::kU16:
      return context.in<std::uint16_t>(input)[k];
    case DType::kI16:
      return context.in<std::int16_t>(input)[k];
    default:
      return context.in<std::int32_t>(input)[k];
  }
}

float ScaleAt(const DenseContext& context, int input, std::int64_t k) {
  return context.in<float>(input)[context.shape(input).elements() == 1 ? 0 : k];
}

}  // namespace visavis
