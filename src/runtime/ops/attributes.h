// Reading axes and lists that ONNX keeps now in an attribute, now in an input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "model/graph/graph.h"
#include "runtime/op.h"
#include "runtime/ops/registry.h"

namespace visavis {

/// `axis` counted from the front. kInvalidArgument unless in [-rank, rank).
Result<int> NormalizedAxis(std::int64_t axis, int rank);

/// Axes counted from the front, in the given order. kInvalidArgument if one is out of range or
/// named twice.
Result<std::vector<int>> NormalizedAxes(const std::vector<std::int64_t>& axes, int rank);

/// A list of integers that old operator sets give as attribute `name`, and new ones as input
/// `input`.
struct IntsFrom {
  std::optional<std::vector<std::int64_t>> attribute;
  int input = 0;

  static IntsFrom Make(const Node& node, std::string_view name, int input);
  /// Empty optional when neither is given.
  Result<std::optional<std::vector<std::int64_t>>> Get(const InferContext& context) const;
};

/// kInvalidArgument unless inputs [0, count) are present.
Status RequireInputs(const InferContext& context, int count);
/// kUnsupported unless input `i` has this type.
Status RequireType(const InferContext& context, int i, DType dtype);
/// kInvalidArgument unless inputs 0 and `i` have the same type.
Status RequireSameType(const InferContext& context, int i);

/// A factory for operators whose constructor takes OperatorArgs and cannot fail.
template <typename Op>
Result<std::unique_ptr<Operator>> MakeOperator(const OperatorArgs& args) {
  return std::unique_ptr<Operator>(std::make_unique<Op>(args));
}

}  // namespace visavis
