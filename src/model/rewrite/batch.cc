#include "model/rewrite/batch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/shape_inference.h"

namespace visavis {
namespace {

bool HasBatch(const Value& input) { return input.shape && input.shape->size() >= 2; }

std::string ToText(const std::optional<std::vector<Dim>>& shape) {
  if (!shape) return "?";
  std::string text = "[";
  for (const Dim& dim : *shape) {
    if (text.size() > 1) text += ",";
    text += dim.known() ? std::to_string(dim.extent) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return text + "]";
}

// Reshape targets [old batch, ...] of values that carry the open batch become [0, ...].
// An extent that they leave open (-1) becomes the one it was: next to an open batch it could not be
// inferred.
bool FreeReshapes(Graph& graph, const std::vector<InferredValue>& before,
                  const std::vector<InferredValue>& inferred, std::int64_t old) {
  bool changed = false;
  for (Node& node : graph.nodes) {
    if (!IsOnnx(node, "Reshape") || node.input(0) == kNoValue) continue;
    const Tensor* target = graph.constant(node.input(1));
    const auto& data = inferred[static_cast<std::size_t>(node.inputs[0])].shape;
    if (target == nullptr || target->dtype() != DType::kI64 || target->elements() < 1 ||
        target->data<std::int64_t>()[0] != old || node.Int("allowzero", 0) != 0 || !data ||
        data->empty() || (*data)[0].symbol != kOpenBatch) {
      continue;
    }
    Tensor freed = target->Clone();
    const auto extents = freed.data<std::int64_t>();
    extents[0] = 0;
    const auto& was = before[static_cast<std::size_t>(node.outputs[0])].shape;
    if (was && was->size() == extents.size()) {
      for (std::size_t i = 1; i < extents.size(); ++i) {
        if ((*was)[i].known()) extents[i] = (*was)[i].extent;
      }
    }
    node.inputs[1] =
        graph.AddConstant(graph.value(node.inputs[1]).name + "_any_batch", std::move(freed));
    changed = true;
  }
  return changed;
}

}  // namespace

std::optional<std::int64_t> FixedBatch(const Graph& graph) {
  std::optional<std::int64_t> batch;
  for (const ValueId id : graph.inputs) {
    if (!HasBatch(graph.value(id))) continue;
    const Dim& first = (*graph.value(id).shape)[0];
    if (!first.known() || (batch && *batch != first.extent)) return std::nullopt;
    batch = first.extent;
  }
  return batch;
}

Result<Graph> SetBatch(Graph graph, const Dim& batch) {
  const std::optional<std::int64_t> old = FixedBatch(graph);
  const std::vector<InferredValue> before = InferShapes(graph);
  // Opened first in any case: what does not follow an open batch does not follow another number.
  const Dim open{-1, std::string(kOpenBatch)};
  bool any = false;
  for (const ValueId id : graph.inputs) {
    if (!HasBatch(graph.value(id))) continue;
    (*graph.value(id).shape)[0] = open;
    any = true;
  }
  if (!any) {
    return MakeError(ErrorCode::kUnsupported, "batch: no input has a batch (rank 2 or more)");
  }
  for (const ValueId id : graph.outputs) graph.value(id).shape.reset();
  std::vector<InferredValue> after = InferShapes(graph);
  while (old && FreeReshapes(graph, before, after, *old)) after = InferShapes(graph);

  for (const ValueId id : graph.outputs) {
    const auto& was = before[static_cast<std::size_t>(id)].shape;
    const auto& is = after[static_cast<std::size_t>(id)].shape;
    const bool follows = was && is && !is->empty() && was->size() == is->size() &&
                         (*is)[0] == open &&
                         std::equal(was->begin() + 1, was->end(), is->begin() + 1);
    if (!follows) {
      return MakeError(ErrorCode::kUnsupported,
                       "batch: output '{}' does not follow the batch of the input: {} becomes {}",
                       graph.value(id).name, ToText(was), ToText(is));
    }
  }
  for (const ValueId id : graph.inputs) {
    if (HasBatch(graph.value(id))) (*graph.value(id).shape)[0] = batch;
  }
  for (const ValueId id : graph.outputs) {
    graph.value(id).shape = after[static_cast<std::size_t>(id)].shape;
    (*graph.value(id).shape)[0] = batch;
  }
  // What exporters declared in between holds for the old batch.
  const std::vector<int> producers = Producers(graph);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (producers[i] >= 0 && std::ranges::find(graph.outputs, id) == graph.outputs.end()) {
      graph.values[i].shape.reset();
    }
  }
  return graph;
}

}  // namespace visavis
