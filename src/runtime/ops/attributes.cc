#include "runtime/ops/attributes.h"

#include <algorithm>

namespace visavis {

Result<int> NormalizedAxis(std::int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    return MakeError(ErrorCode::kInvalidArgument, "axis {} for rank {}", axis, rank);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Result<std::vector<int>> NormalizedAxes(const std::vector<std::int64_t>& axes, int rank) {
  std::vector<int> normalized;
  for (const std::int64_t axis : axes) {
    VISAVIS_ASSIGN_OR_RETURN(const int a, NormalizedAxis(axis, rank));
    if (std::ranges::find(normalized, a) != normalized.end()) {
      return MakeError(ErrorCode::kInvalidArgument, "axis {} is named twice", axis);
    }
    normalized.push_back(a);
  }
  return normalized;
}

IntsFrom IntsFrom::Make(const Node& node, std::string_view name, int input) {
  IntsFrom from;
  if (const std::vector<std::int64_t>* ints = node.Ints(name)) from.attribute = *ints;
  from.input = input;
  return from;
}

Result<std::optional<std::vector<std::int64_t>>> IntsFrom::Get(const InferContext& context) const {
  if (attribute.has_value()) return attribute;
  if (!context.has(input)) return std::optional<std::vector<std::int64_t>>();
  VISAVIS_ASSIGN_OR_RETURN(std::vector<std::int64_t> ints, context.KnownInts(input));
  return std::optional(std::move(ints));
}

Status RequireInputs(const InferContext& context, int count) {
  for (int i = 0; i < count; ++i) {
    if (!context.has(i)) return MakeError(ErrorCode::kInvalidArgument, "input {} is missing", i);
  }
  return {};
}

Status RequireType(const InferContext& context, int i, DType dtype) {
  if (context.dtype(i) == dtype) return {};
  return MakeError(ErrorCode::kUnsupported, "input {} is {}, want {}", i, Name(context.dtype(i)),
                   Name(dtype));
}

Status RequireSameType(const InferContext& context, int i) {
  if (context.dtype(i) == context.dtype(0)) return {};
  return MakeError(ErrorCode::kInvalidArgument, "input {} is {}, want {} as input 0", i,
                   Name(context.dtype(i)), Name(context.dtype(0)));
}

}  // namespace visavis
