#include "model/rewrite/constants.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/graph/onnx_types.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/shape_inference.h"
#include "tensor/convert.h"

namespace visavis {
namespace {

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

// `output` of node `index` becomes `constant`, under its name.
void Replace(GraphEditor& editor, int index, ValueId output, Tensor constant) {
  const std::string name = editor.graph().value(output).name;
  editor.graph().value(output).name += "_computed";
  editor.Redirect(output, editor.AddConstant(name, std::move(constant)));
  editor.Erase(index);
}

}  // namespace

Graph FoldPlainConstants(Graph graph) {
  const std::vector<InferredValue> inferred = InferShapes(graph);
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    const Node& node = editor.node(i);
    if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) continue;
    const ValueId output = node.outputs[0];
    if (editor.is_output(output)) continue;
    auto constant = PlainConstant(editor.graph(), node, inferred[static_cast<std::size_t>(output)]);
    if (constant) Replace(editor, i, output, *std::move(constant));
  }
  return std::move(editor).Finish();
}

Graph WidenConstants(Graph graph, int* count) {
  const auto is_half = [](const Tensor* t) {
    return t != nullptr && (t->dtype() == DType::kF16 || t->dtype() == DType::kBF16);
  };
  if (count != nullptr) *count = 0;
  if (std::ranges::none_of(graph.values,
                           [&](const Value& v) { return is_half(v.constant.get()); })) {
    return graph;
  }
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    const Node& node = editor.node(i);
    if (!IsOnnx(node, "Cast") || node.Int("to", 0) != OnnxTypeOf(DType::kF32)) continue;
    const Tensor* half = editor.graph().constant(node.input(0));
    if (!is_half(half) || node.outputs.size() != 1 || editor.is_output(node.outputs[0])) continue;
    Replace(editor, i, node.outputs[0], ToFloat32(*half));
    if (count != nullptr) ++*count;
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
