#include "runtime/ops/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
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
    &QuantizeOperators,
    &QuantizedContribOperators,
    &QuantizedConvOperators,
    &QuantizedMatMulOperators,
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

const OperatorEntry* Find(std::string_view domain, std::string_view op_type, int opset) {
  if (domain == "ai.onnx") domain = {};
  for (const Family family : kFamilies) {
    for (const OperatorEntry& entry : family()) {
      if (entry.op_type == op_type && entry.domain == domain && opset >= entry.first_opset &&
          opset <= entry.last_opset) {
        return &entry;
      }
    }
  }
  return nullptr;
}

// What could stand in place of a node that is not supported.
std::string Wanted(const Node& node) {
  const std::string_view domain = node.domain == "ai.onnx" ? std::string_view() : node.domain;
  std::string sets;
  for (const OperatorEntry& entry : OperatorTable()) {
    if (entry.op_type != node.op_type || entry.domain != domain) continue;
    sets +=
        fmt::format("{}{} to {}", sets.empty() ? "" : ", ", entry.first_opset, entry.last_opset);
  }
  return sets.empty() ? "one of those that docs/operators.md lists" : "it of operator set " + sets;
}

}  // namespace

std::vector<OperatorEntry> OperatorTable() {
  std::vector<OperatorEntry> table;
  for (const Family family : kFamilies) {
    for (const OperatorEntry& entry : family()) table.push_back(entry);
  }
  std::ranges::sort(table, [](const OperatorEntry& a, const OperatorEntry& b) {
    return std::tie(a.domain, a.op_type, a.first_opset) <
           std::tie(b.domain, b.op_type, b.first_opset);
  });
  return table;
}

Result<std::unique_ptr<Operator>> CreateOperator(const OperatorArgs& args) {
  const Node& node = args.node;
  const OperatorEntry* entry = Find(node.domain, node.op_type, args.opset());
  if (entry == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: operator {}{}{} of operator set {} is not supported, want {}",
                     args.graph.Describe(node), node.domain, node.domain.empty() ? "" : ".",
                     node.op_type, args.opset(), Wanted(node));
  }
  Result<std::unique_ptr<Operator>> made = entry->make(args);
  if (!made.has_value()) {
    return MakeError(made.error().code, "{}: {}", args.graph.Describe(node), made.error().message);
  }
  return made;
}

}  // namespace visavis
