#include "runtime/fold_constants.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "model/graph/passes/fused_ops.h"
#include "runtime/evaluate.h"
#include "runtime/ops/registry.h"

namespace visavis {
namespace {

// A folded result may need this much more memory than its inputs; beyond it (ConstantOfShape,
// Expand) the node is left to each run, so that a small file cannot make a large model.
constexpr std::size_t kFoldGrowthBytes = 1u << 20;

struct ConstantInputs {
  std::vector<const Tensor*> tensors;
  std::size_t bytes = 0;
};

// Null if an input is computed at run time.
std::optional<ConstantInputs> FindConstantInputs(const Graph& graph, const Node& node) {
  ConstantInputs found;
  for (const ValueId id : node.inputs) {
    const Tensor* constant = id == kNoValue ? nullptr : graph.constant(id);
    if (id != kNoValue && constant == nullptr) return std::nullopt;
    found.tensors.push_back(constant);
    if (constant != nullptr) found.bytes += constant->size_bytes();
  }
  return found;
}

// True if the node was replaced by constants.
Result<bool> Fold(Graph& graph, const Node& node, const ConstantInputs& inputs,
                  const CompileContext& context) {
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<Operator> op,
                           CreateOperator(OperatorArgs{graph, node, context}));
  Result<std::vector<Tensor>> results = Evaluate(*op, inputs.tensors, node.outputs.size(),
                                                 context.limits, inputs.bytes + kFoldGrowthBytes);
  if (!results.has_value()) {
    if (results.error().code == ErrorCode::kLimitExceeded) return false;
    return MakeError(results.error().code, "{}: {}", graph.Describe(node), results.error().message);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Value& value = graph.value(node.outputs[i]);
    Tensor& result = (*results)[i];
    value.dtype = result.dtype();
    value.shape.emplace();
    for (const std::int64_t extent : result.shape().dims()) {
      value.shape->push_back(Dim{extent, ""});
    }
    value.constant = std::make_shared<const Tensor>(std::move(result));
  }
  return true;
}

}  // namespace

Status FoldConstants(Graph& graph, const CompileContext& context, bool keep_quantized) {
  std::vector<bool> folded(graph.nodes.size(), false);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (keep_quantized && IsOnnx(graph.nodes[i], "DequantizeLinear")) continue;
    const std::optional<ConstantInputs> inputs = FindConstantInputs(graph, graph.nodes[i]);
    if (!inputs.has_value()) continue;
    VISAVIS_ASSIGN_OR_RETURN(folded[i], Fold(graph, graph.nodes[i], *inputs, context));
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (folded[i]) continue;
    if (kept != i) graph.nodes[kept] = std::move(graph.nodes[i]);
    ++kept;
  }
  graph.nodes.resize(kept);
  return {};
}

}  // namespace visavis
