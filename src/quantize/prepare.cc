#include "quantize/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "model/convert.h"
#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/shape_inference.h"
#include "quantize/layers.h"

namespace visavis {
namespace {

constexpr int kQdqOpset = 13;
constexpr int kQOperatorOpset = 11;

Status CheckFinite(const Graph& graph) {
  for (const Value& value : graph.values) {
    if (value.constant == nullptr || value.constant->dtype() != DType::kF32) continue;
    const auto numbers = value.constant->data<float>();
    const auto bad = std::ranges::find_if(numbers, [](float x) { return !std::isfinite(x); });
    if (bad != numbers.end()) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "constant '{}' holds {} at element {}, want finite weights", value.name,
                       *bad, bad - numbers.begin());
    }
  }
  return {};
}

bool IsQuantizedOperator(const Node& node) {
  return node.op_type.starts_with("QLinear") || node.op_type == "QuantizeLinear" ||
         node.op_type == "DequantizeLinear" || node.op_type.ends_with("Integer");
}

// The attribute list `name` becomes input 1, as operator set 13 has it.
void MoveAxesToInput(Graph& graph, Node& node, std::string_view name) {
  const auto found = node.attributes.find(name);
  if (found == node.attributes.end()) return;
  const auto* axes = std::get_if<std::vector<std::int64_t>>(&found->second);
  if (axes == nullptr) return;
  const Shape shape{static_cast<std::int64_t>(axes->size())};
  const ValueId id = graph.AddConstant(
      fmt::format("{}_{}", node.outputs.empty() ? "" : graph.value(node.outputs[0]).name, name),
      Tensor::From<std::int64_t>(shape, *axes));
  node.inputs.resize(1);
  node.inputs.push_back(id);
  node.attributes.erase(found);
}

// Softmax flattened its input to a matrix until operator set 13: the same for the last axis.
Status UpgradeSoftmax(const Graph& graph, Node& node, int rank) {
  std::int64_t axis = node.Int("axis", 1);
  if (axis < 0) axis += rank;
  if (rank == 0 || axis != rank - 1) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: over axis {} at operator set {}, want the last axis or operator set 13",
                     graph.Describe(node), axis, graph.opset);
  }
  node.attributes["axis"] = std::int64_t{-1};
  return {};
}

// Until operator set 11, Clip and Pad had attributes for what are inputs now.
Status UpgradeFromTen(Graph& graph, Node& node) {
  if (IsOnnx(node, "Clip")) {
    const float low = node.Float("min", std::numeric_limits<float>::lowest());
    const float high = node.Float("max", std::numeric_limits<float>::max());
    const std::string name = graph.value(node.outputs[0]).name;
    node.inputs.resize(1);
    node.inputs.push_back(
        graph.AddConstant(name + "_min", Tensor::From<float>(Shape{}, std::span(&low, 1))));
    node.inputs.push_back(
        graph.AddConstant(name + "_max", Tensor::From<float>(Shape{}, std::span(&high, 1))));
    node.attributes.clear();
    return {};
  }
  constexpr std::array<std::string_view, 6> kChanged{"Pad",      "Resize", "Slice",
                                                     "Upsample", "TopK",   "Scan"};
  if (node.domain.empty() && std::ranges::find(kChanged, node.op_type) != kChanged.end()) {
    return MakeError(ErrorCode::kUnsupported, "{}: of operator set {}, want 11 or newer",
                     graph.Describe(node), graph.opset);
  }
  return {};
}

Status Upgrade(Graph& graph, int opset) {
  if (graph.opset >= opset) return {};
  const std::vector<InferredValue> inferred = InferShapes(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    Node& node = graph.nodes[i];
    if (graph.opset < 11) VISAVIS_RETURN_IF_ERROR(UpgradeFromTen(graph, node));
    if (opset < 13) continue;
    if (IsOnnx(node, "Squeeze") || IsOnnx(node, "Unsqueeze") || IsOnnx(node, "ReduceSum")) {
      MoveAxesToInput(graph, node, "axes");
    }
    if (IsOnnx(node, "Split")) MoveAxesToInput(graph, node, "split");
    if (IsOnnx(node, "Softmax") || IsOnnx(node, "LogSoftmax")) {
      const auto& shape = inferred[static_cast<std::size_t>(node.inputs[0])].shape;
      VISAVIS_RETURN_IF_ERROR(
          UpgradeSoftmax(graph, node, shape ? static_cast<int>(shape->size()) : 0));
    }
  }
  graph.opset = opset;
  return {};
}

// Gemm weights [in][out] become [out][in]; alpha and beta go into weights and bias.
void NormalizeGemm(GraphEditor& editor, int index) {
  Node& node = editor.node(index);
  const Graph& graph = editor.graph();
  const Tensor* weights = graph.constant(node.input(1));
  if (!IsOnnx(node, "Gemm") || weights == nullptr || weights->dtype() != DType::kF32 ||
      weights->shape().rank() != 2 || node.Int("transA", 0) != 0) {
    return;
  }
  const Tensor* bias = graph.constant(node.input(2));
  const float alpha = node.Float("alpha", 1);
  const float beta = node.Float("beta", 1);
  if (beta != 1 && (bias == nullptr || bias->dtype() != DType::kF32)) return;
  const bool transposed = node.Int("transB", 0) != 0;
  if (transposed && alpha == 1 && beta == 1) return;
  const std::int64_t out = weights->shape()[transposed ? 0 : 1];
  const std::int64_t in = weights->shape()[transposed ? 1 : 0];
  Tensor turned(DType::kF32, Shape{out, in});
  const auto from = weights->data<float>();
  const auto to = turned.data<float>();
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      to[static_cast<std::size_t>(o * in + i)] =
          alpha * from[static_cast<std::size_t>(transposed ? o * in + i : i * out + o)];
    }
  }
  const std::string name = graph.value(node.inputs[1]).name;
  if (beta != 1) {
    Tensor scaled = bias->Clone();
    for (float& b : scaled.data<float>()) b *= beta;
    editor.SetInput(index, 2,
                    editor.AddConstant(graph.value(node.inputs[2]).name, std::move(scaled)));
  }
  editor.SetInput(index, 1, editor.AddConstant(name, std::move(turned)));
  Node& changed = editor.node(index);
  changed.attributes["transB"] = std::int64_t{1};
  changed.attributes.erase("alpha");
  changed.attributes.erase("beta");
}

// y = affine(layer(x)) as a layer with other weights and bias.
void FoldBehind(GraphEditor& editor, const Layer& layer, const ChannelAffine& affine) {
  Graph& graph = editor.graph();
  const std::span<const float> old = WeightsOf(graph, layer);
  std::vector<float> weights(old.begin(), old.end());
  std::vector<float> bias = BiasOf(graph, layer);
  const auto row = static_cast<std::size_t>(layer.row());
  for (std::size_t o = 0; o < bias.size(); ++o) {
    const double scale = affine.ScaleAt(o);
    for (std::size_t i = 0; i < row; ++i) {
      weights[o * row + i] = static_cast<float>(weights[o * row + i] * scale);
    }
    bias[o] = static_cast<float>(bias[o] * scale + affine.ShiftAt(o));
  }
  const Node& node = editor.node(layer.node);
  const std::string name = graph.value(node.inputs[1]).name;
  Tensor tensor =
      Tensor::From<float>(graph.constant(node.inputs[1])->shape(), std::span<const float>(weights));
  editor.SetInput(layer.node, 1, editor.AddConstant(name, std::move(tensor)));
  editor.SetInput(layer.node, 2, editor.AddFloats(layer.name + "_bias", bias));
}

Graph FoldAffines(Graph graph) {
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    if (editor.erased(i)) continue;
    NormalizeGemm(editor, i);
    while (auto layer = LayerOf(editor.graph(), i)) {
      const int next = editor.SoleReader(editor.node(i).outputs[0]);
      if (next < 0) break;
      const auto affine = AsChannelAffine(editor.graph(), editor.node(next), layer->conv ? 4 : 2);
      if (!affine || !affine->Fits(static_cast<std::size_t>(layer->out))) break;
      FoldBehind(editor, *layer, *affine);
      editor.Absorb(i, next);
    }
  }
  return std::move(editor).Finish();
}

}  // namespace

Result<Graph> PrepareForQuantization(const Graph& graph, bool for_qoperator) {
  VISAVIS_RETURN_IF_ERROR(CheckFinite(graph));
  if (const auto node = std::ranges::find_if(graph.nodes, IsQuantizedOperator);
      node != graph.nodes.end()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: the network is quantized already",
                     graph.Describe(*node));
  }
  VISAVIS_ASSIGN_OR_RETURN(Graph prepared, CleanGraph(graph));
  VISAVIS_RETURN_IF_ERROR(Upgrade(prepared, for_qoperator ? kQOperatorOpset : kQdqOpset));
  prepared = FoldAffines(std::move(prepared));
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(prepared, "prepared model"));
  if (FindLayers(prepared).empty()) {
    return MakeError(ErrorCode::kUnsupported,
                     "no Conv or Gemm with constant weights, so nothing to quantize");
  }
  return prepared;
}

std::optional<PixelGrid> CentrePixels(Graph& graph, const PixelGrid& input) {
  if (graph.inputs.size() != 1) return std::nullopt;
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  // value = (pixel - mean) * scale along the chain.
  PixelGrid grid = input;
  ValueId value = graph.inputs[0];
  int subtraction = -1;  // the node of the chain that subtracts a constant
  double scale_before_subtraction = 1;
  for (;;) {
    const std::vector<int>& readers = consumers[static_cast<std::size_t>(value)];
    if (readers.size() != 1) return std::nullopt;
    const Node& node = graph.nodes[static_cast<std::size_t>(readers[0])];
    if (LayerOf(graph, readers[0])) break;
    const auto affine = AsChannelAffine(graph, node, 4);
    if (!affine || affine->scale.size() != 1 || affine->shift.size() != 1) return std::nullopt;
    const double scale = affine->scale[0];
    if (scale <= 0) return std::nullopt;
    if (IsOnnx(node, "Sub") && graph.constant(node.inputs[1]) != nullptr) {
      subtraction = readers[0];
      scale_before_subtraction = grid.scale;
    }
    grid.scale *= scale;
    grid.mean -= affine->shift[0] / grid.scale;
    value = node.outputs[0];
  }
  const Layer layer = *LayerOf(graph, consumers[static_cast<std::size_t>(value)][0]);
  const double whole = std::floor(grid.mean + 0.5);
  if (whole < 0 || whole > 255) return std::nullopt;
  const double moved = whole - grid.mean;
  if (moved == 0) return grid;
  if (subtraction < 0) {
    // Normalised outside: a whole mean below keeps "Sub" from the network's own nodes, by which
    // insightface's rule tells that it normalises by itself.
    Node add;
    add.name = "centre_pixels";
    add.op_type = "Add";
    const auto shift = static_cast<float>(-moved * grid.scale);
    add.inputs = {value, graph.AddConstant("centre_pixels_shift",
                                           Tensor::From<float>(Shape{}, std::span(&shift, 1)))};
    add.outputs = {graph.AddValue("centred_pixels")};
    graph.nodes[static_cast<std::size_t>(layer.node)].inputs[0] = add.outputs[0];
    graph.nodes.insert(graph.nodes.begin() + layer.node, std::move(add));
  } else {
    Node& node = graph.nodes[static_cast<std::size_t>(subtraction)];
    const Tensor& old = *graph.constant(node.inputs[1]);
    const float constant =
        old.data<float>()[0] + static_cast<float>(moved * scale_before_subtraction);
    node.inputs[1] = graph.AddConstant(graph.value(node.inputs[1]).name,
                                       Tensor::From<float>(old.shape(), std::span(&constant, 1)));
  }
  const Layer shifted = *LayerOf(graph, subtraction < 0 ? layer.node + 1 : layer.node);
  const std::span<const float> weights = WeightsOf(graph, shifted);
  std::vector<float> bias = BiasOf(graph, shifted);
  const auto row = static_cast<std::size_t>(shifted.row());
  for (std::size_t o = 0; o < bias.size(); ++o) {
    double sum = 0;
    for (std::size_t i = 0; i < row; ++i) sum += double{weights[o * row + i]};
    bias[o] = static_cast<float>(bias[o] + moved * grid.scale * sum);
  }
  SetBias(graph, shifted, bias);
  grid.mean = whole;
  return grid;
}

}  // namespace visavis
