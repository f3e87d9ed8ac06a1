// Element type conversion between floating-point types.
#pragma once

#include <cstdint>

#include "visavis/tensor.h"

namespace visavis {

/// IEEE 754 binary16 to binary32, exact. Subnormals, infinities and NaNs keep their meaning.
float HalfToFloat(std::uint16_t half);
/// bfloat16 to binary32, exact.
float BFloat16ToFloat(std::uint16_t bits);

/// The nearest binary16, ties to even; too large becomes infinity, NaN stays NaN.
std::uint16_t FloatToHalf(float value);
/// The nearest bfloat16, ties to even; NaN stays NaN.
std::uint16_t FloatToBFloat16(float value);

/// Whether elements of `dtype` are floating-point numbers.
bool IsFloat(DType dtype);

/// The same values as float32; `tensor` must hold a floating-point type. float64 is rounded to
/// nearest, the others are exact.
Tensor ToFloat32(const Tensor& tensor);

}  // namespace visavis
