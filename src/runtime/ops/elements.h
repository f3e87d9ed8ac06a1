// C++ types for tensor elements, and dispatch from a DType to code for its type.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "tensor/convert.h"
#include "visavis/tensor.h"

namespace visavis {

/// A float16 element; arithmetic happens in float.
struct Half {
  std::uint16_t bits;
  Half() = default;
  Half(float value) : bits(FloatToHalf(value)) {}       // NOLINT: a number like any other
  operator float() const { return HalfToFloat(bits); }  // NOLINT
};

/// A bfloat16 element; arithmetic happens in float.
struct BFloat16 {
  std::uint16_t bits;
  BFloat16() = default;
  BFloat16(float value) : bits(FloatToBFloat16(value)) {}   // NOLINT
  operator float() const { return BFloat16ToFloat(bits); }  // NOLINT
};

/// A bool element. A file may hold any byte: all but 0 are true.
struct Bool {
  std::uint8_t byte;
  Bool() = default;
  Bool(bool value) : byte(value ? 1 : 0) {}    // NOLINT
  operator bool() const { return byte != 0; }  // NOLINT
};

/// The type to compute in for elements of type T.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>, float,
                                std::conditional_t<std::is_same_v<T, Bool>, bool, T>>;

template <typename T>
struct ElementTag {
  using type = T;
};

/// Calls fn(ElementTag<T>) for the float types and returns its Status.
template <typename Fn>
Status VisitFloat(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kF32:
      return fn(ElementTag<float>{});
    case DType::kF64:
      return fn(ElementTag<double>{});
    case DType::kF16:
      return fn(ElementTag<Half>{});
    case DType::kBF16:
      return fn(ElementTag<BFloat16>{});
    default:
      return MakeError(ErrorCode::kUnsupported, "not implemented for {}", Name(dtype));
  }
}

/// The same for float and integer types.
template <typename Fn>
Status VisitNumber(DType dtype, Fn&& fn) {
  switch (dtype) {
    case DType::kU8:
      return fn(ElementTag<std::uint8_t>{});
    case DType::kI8:
      return fn(ElementTag<std::int8_t>{});
    case DType::kU16:
      return fn(ElementTag<std::uint16_t>{});
    case DType::kI16:
      return fn(ElementTag<std::int16_t>{});
    case DType::kI32:
      return fn(ElementTag<std::int32_t>{});
    case DType::kI64:
      return fn(ElementTag<std::int64_t>{});
    default:
      return VisitFloat(dtype, fn);
  }
}

/// VisitFloat or VisitNumber: for operators of which some kinds divide or take logarithms.
template <bool kFloatsOnly, typename Fn>
Status VisitFloatOrNumber(DType dtype, Fn&& fn) {
  if constexpr (kFloatsOnly) {
    return VisitFloat(dtype, fn);
  } else {
    return VisitNumber(dtype, fn);
  }
}

/// For all types.
template <typename Fn>
Status VisitElement(DType dtype, Fn&& fn) {
  return dtype == DType::kBool ? fn(ElementTag<Bool>{}) : VisitNumber(dtype, fn);
}

/// Calls fn(ElementTag<U>) with the unsigned type of SizeOf(dtype) bytes: for moving elements.
template <typename Fn>
void VisitBits(DType dtype, Fn&& fn) {
  switch (SizeOf(dtype)) {
    case 1:
      return fn(ElementTag<std::uint8_t>{});
    case 2:
      return fn(ElementTag<std::uint16_t>{});
    case 4:
      return fn(ElementTag<std::uint32_t>{});
    default:
      return fn(ElementTag<std::uint64_t>{});
  }
}

/// `value` as a To. Where C++ leaves it undefined: floats outside an integer's range saturate, NaN
/// becomes 0.
template <typename To, typename From>
To ConvertElement(From value) {
  using To_ = Wide<To>;
  if constexpr (std::is_same_v<To_, bool>) {
    return To(value != 0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To_>) {
    // Both bounds are exact in double: the lower is a power of two, the upper is one past it.
    constexpr double kLow = static_cast<double>(std::numeric_limits<To_>::min());
    constexpr double kPast = 2.0 * static_cast<double>(std::numeric_limits<To_>::max() / 2 + 1);
    const double wide = static_cast<double>(value);
    if (std::isnan(wide)) return 0;
    if (wide <= kLow) return std::numeric_limits<To_>::min();
    if (wide >= kPast) return std::numeric_limits<To_>::max();
    return static_cast<To_>(wide);
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace visavis
