// The numbers by which ONNX calls element types.
#pragma once

#include <cstdint>
#include <optional>

#include "visavis/tensor.h"

namespace visavis {

/// The DType of a TensorProto.DataType number (attribute `to` of Cast, elem_type of a value);
/// nothing for types visavis does not store.
/// Source: onnx/onnx, onnx/onnx.proto, TensorProto.DataType.
std::optional<DType> DTypeOfOnnxType(std::int64_t number);
std::int32_t OnnxTypeOf(DType dtype);

}  // namespace visavis
