#include "model/convert.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"
#include "model/graph/shape_inference.h"

namespace visavis {
namespace {

constexpr const char* kBatch = "N";

bool OnlyReshapes(const Node& node) {
  constexpr std::array<std::string_view, 4> kReshaping{"Reshape", "Flatten", "Squeeze",
                                                       "Unsqueeze"};
  return node.domain.empty() && std::ranges::find(kReshaping, node.op_type) != kReshaping.end();
}

std::optional<Tensor> Reshaped(const Tensor& tensor, const InferredValue& result) {
  const std::optional<Shape> shape = result.StaticShape();
  if (!shape || shape->elements() != tensor.elements()) return std::nullopt;
  Tensor copy = Tensor::Uninitialized(tensor.dtype(), *shape);
  if (tensor.size_bytes() > 0) std::memcpy(copy.raw(), tensor.raw(), tensor.size_bytes());
  return copy;
}

// What `node` always puts out, if that takes no arithmetic.
std::optional<Tensor> PlainConstant(const Graph& graph, const Node& node,
                                    const InferredValue& result) {
  if (node.domain.empty() && node.op_type == "Constant") {
    const Tensor* value = node.TensorAttribute("value");
    return value == nullptr ? std::nullopt : std::optional(value->Clone());
  }
  const Tensor* data = graph.constant(node.input(0));
  if (data == nullptr || !OnlyReshapes(node)) return std::nullopt;
  return Reshaped(*data, result);
}

Graph FoldPlainConstants(Graph graph) {
  const std::vector<InferredValue> inferred = InferShapes(graph);
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    const Node& node = editor.node(i);
    if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) continue;
    const ValueId output = node.outputs[0];
    if (editor.is_output(output)) continue;
    auto constant = PlainConstant(editor.graph(), node, inferred[static_cast<std::size_t>(output)]);
    if (!constant) continue;
    const std::string name = editor.graph().value(output).name;
    editor.graph().value(output).name += "_computed";  // its name goes to the constant
    editor.Redirect(output, editor.AddConstant(name, *std::move(constant)));
    editor.Erase(i);
  }
  return std::move(editor).Finish();
}

bool HasSingleImageBatch(const Value& input) {
  return input.shape && input.shape->size() >= 2 && (*input.shape)[0].extent == 1;
}

// Opens the batch if every output follows it and keeps its other extents.
void OpenBatch(Graph& graph) {
  if (graph.inputs.size() != 1 || !HasSingleImageBatch(graph.value(graph.inputs[0]))) return;
  const std::vector<InferredValue> before = InferShapes(graph);
  Dim& batch = (*graph.value(graph.inputs[0]).shape)[0];
  batch = Dim{-1, kBatch};
  const std::vector<InferredValue> after = InferShapes(graph);
  const bool follows = std::ranges::all_of(graph.outputs, [&](ValueId id) {
    const auto& was = before[static_cast<std::size_t>(id)].shape;
    const auto& is = after[static_cast<std::size_t>(id)].shape;
    return was && is && !is->empty() && (*is)[0] == Dim{-1, kBatch} &&
           std::equal(was->begin() + 1, was->end(), is->begin() + 1, is->end());
  });
  if (!follows) {
    batch = Dim{1, ""};
    return;
  }
  for (const ValueId id : graph.outputs) {
    graph.value(id).shape = after[static_cast<std::size_t>(id)].shape;
  }
}

}  // namespace

Result<Graph> CleanGraph(const Graph& graph) {
  Graph clean = FoldPlainConstants(RemoveIdentities(graph));
  OpenBatch(clean);
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(clean, "cleaned model"));
  return clean;
}

Result<Model> Clean(const Model& model) {
  VISAVIS_ASSIGN_OR_RETURN(Graph graph, CleanGraph(model.graph()));
  return Model::FromGraph(std::move(graph));
}

}  // namespace visavis
