// The elements of a tensor of any type, for comparisons.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/convert.h"
#include "visavis/tensor.h"

namespace visavis {

/// As doubles: exact, but for integers beyond 2^53.
inline std::vector<double> Numbers(const Tensor& tensor) {
  std::vector<double> numbers;
  const auto append = [&](auto elements) { numbers.assign(elements.begin(), elements.end()); };
  switch (tensor.dtype()) {
    case DType::kF64:
      append(tensor.data<double>());
      break;
    case DType::kU8:
      append(tensor.data<std::uint8_t>());
      break;
    case DType::kI8:
      append(tensor.data<std::int8_t>());
      break;
    case DType::kU16:
      append(tensor.data<std::uint16_t>());
      break;
    case DType::kI16:
      append(tensor.data<std::int16_t>());
      break;
    case DType::kI32:
      append(tensor.data<std::int32_t>());
      break;
    case DType::kI64:
      append(tensor.data<std::int64_t>());
      break;
    case DType::kBool:
      append(std::span(static_cast<const std::uint8_t*>(tensor.raw()),
                       static_cast<std::size_t>(tensor.elements())));
      break;
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16: {
      const Tensor floats = ToFloat32(tensor);
      append(floats.data<float>());
      break;
    }
  }
  return numbers;
}

}  // namespace visavis
