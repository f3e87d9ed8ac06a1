// The operators each file brings to the registry.
#pragma once

#include <span>

#include "runtime/ops/registry.h"

namespace visavis {

std::span<const OperatorEntry> BatchNormalizationOperators();
std::span<const OperatorEntry> BinaryOperators();
std::span<const OperatorEntry> CastOperators();
std::span<const OperatorEntry> ClipOperators();
std::span<const OperatorEntry> CompareOperators();
std::span<const OperatorEntry> ConcatOperators();
std::span<const OperatorEntry> ConstantOperators();
std::span<const OperatorEntry> ConvOperators();
std::span<const OperatorEntry> ExpandOperators();
std::span<const OperatorEntry> GatherOperators();
std::span<const OperatorEntry> GemmOperators();
std::span<const OperatorEntry> NormalizationOperators();
std::span<const OperatorEntry> PadOperators();
std::span<const OperatorEntry> PoolOperators();
std::span<const OperatorEntry> PreluOperators();
std::span<const OperatorEntry> QuantizeOperators();
std::span<const OperatorEntry> QuantizedContribOperators();
std::span<const OperatorEntry> QuantizedConvOperators();
std::span<const OperatorEntry> QuantizedMatMulOperators();
std::span<const OperatorEntry> ReduceOperators();
std::span<const OperatorEntry> ReshapeOperators();
std::span<const OperatorEntry> ResizeOperators();
std::span<const OperatorEntry> ShapeOperators();
std::span<const OperatorEntry> SliceOperators();
std::span<const OperatorEntry> SoftmaxOperators();
std::span<const OperatorEntry> SplitOperators();
std::span<const OperatorEntry> TransposeOperators();
std::span<const OperatorEntry> UnaryOperators();
std::span<const OperatorEntry> VariadicOperators();
std::span<const OperatorEntry> WhereOperators();

}  // namespace visavis
