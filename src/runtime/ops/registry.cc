#include "runtime/ops/registry.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "runtime/ops/families.h"

namespace visavis {
namespace {

using Family = std::span<const OperatorEntry> (*)();
constexpr std::array kFamilies = {
    &BatchNormalizationOperators,
    &BinaryOperators,
    &CastOperators,
    &ClipOperators,
    &CompareOperators,
    &ConcatOperators,
    &ConstantOperators,
    &ConvOperators,
    &ExpandOperators,
    &GatherOperators,
    &GemmOperators,
    &NormalizationOperators,
    &PadOperators,
    &PoolOperators,
    &PreluOperators,
    &ReduceOperators,
    &ReshapeOperators,
    &ResizeOperators,
    &ShapeOperators,
    &SliceOperators,
    &SoftmaxOperators,
    &SplitOperators,
    &TransposeOperators,
    &UnaryOperators,
    &VariadicOperators,
    &WhereOperators,
};

bool IsOnnxDomain(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

const OperatorEntry* Find(std::string_view op_type, int opset) {
  for (const Family family : kFamilies) {
    for (const OperatorEntry& entry : family()) {
      if (entry.op_type == op_type && opset >= entry.first_opset && opset <= entry.last_opset) {
        return &entry;
      }
    }
  }
  return nullptr;
}

}  // namespace

std::vector<OperatorEntry> OperatorTable() {
  std::vector<OperatorEntry> table;
  for (const Family family : kFamilies) {
    for (const OperatorEntry& entry : family()) table.push_back(entry);
  }
  std::ranges::sort(table, [](const OperatorEntry& a, const OperatorEntry& b) {
    return std::tie(a.op_type, a.first_opset) < std::tie(b.op_type, b.first_opset);
  });
  return table;
}

Result<std::unique_ptr<Operator>> CreateOperator(const OperatorArgs& args) {
  const Node& node = args.node;
  const OperatorEntry* entry =
      IsOnnxDomain(node.domain) ? Find(node.op_type, args.opset()) : nullptr;
  if (entry == nullptr) {
    return MakeError(ErrorCode::kUnsupported, "{}: operator {}{}{} of operator set {}",
                     args.graph.Describe(node), node.domain, node.domain.empty() ? "" : ".",
                     node.op_type, args.opset());
  }
  Result<std::unique_ptr<Operator>> made = entry->make(args);
  if (!made.has_value()) {
    return MakeError(made.error().code, "{}: {}", args.graph.Describe(node), made.error().message);
  }
  return made;
}

}  // namespace visavis
