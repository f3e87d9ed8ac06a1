#include "model/rewrite/weights.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "model/graph/onnx_types.h"
#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "tensor/convert.h"

namespace visavis {
namespace {

// A Conv or Gemm with constant float32 weights, one view for both.
struct Linear {
  int rank = 0;  // of its output
  std::size_t filters = 0;
  bool transposed = false;  // Gemm [K,M]
};

std::optional<Linear> AsLinear(const Graph& graph, const Node& node) {
  const Tensor* weights = graph.constant(node.input(1));
  if (weights == nullptr || weights->dtype() != DType::kF32 || node.outputs.size() != 1 ||
      weights->elements() == 0) {
    return std::nullopt;
  }
  Linear linear;
  if (IsOnnx(node, "Conv") && weights->shape().rank() == 4) {
    linear = {4, static_cast<std::size_t>(weights->shape()[0]), false};
  } else if (IsOnnx(node, "Gemm") && weights->shape().rank() == 2 && node.Int("transA", 0) == 0 &&
             node.Float("alpha", 1) == 1 && node.Float("beta", 1) == 1) {
    linear.rank = 2;
    linear.transposed = node.Int("transB", 0) == 0;
    linear.filters = static_cast<std::size_t>(weights->shape()[linear.transposed ? 1 : 0]);
  } else {
    return std::nullopt;
  }
  if (node.input(2) == kNoValue) return linear;
  const std::size_t bias = ConstantDoubles(graph, node.input(2)).size();
  const bool fits = bias == linear.filters || bias == 1;
  return fits ? std::optional(linear) : std::nullopt;
}

void SetWeights(GraphEditor& editor, int index, Tensor weights, const std::vector<double>& bias) {
  const std::string name = editor.graph().value(editor.node(index).inputs[1]).name;
  editor.SetInput(index, 1, editor.AddConstant(name + "_folded", std::move(weights)));
  editor.SetInput(
      index, 2,
      editor.AddFloats(name + "_folded_bias", std::vector<float>(bias.begin(), bias.end())));
}

std::vector<double> BiasOf(const GraphEditor& editor, const Node& node, const Graph& graph,
                           std::size_t filters) {
  (void)editor;
  std::vector<double> bias = ConstantDoubles(graph, node.input(2));
  if (bias.size() == 1) bias.resize(filters, bias[0]);
  bias.resize(filters, 0);
  return bias;
}

// y = affine(linear(x)); the affine node is erased.
bool FoldBehind(GraphEditor& editor, int index) {
  const auto linear = AsLinear(editor.graph(), editor.node(index));
  if (!linear) return false;
  const int next = editor.SoleReader(editor.node(index).outputs[0]);
  if (next < 0) return false;
  const auto affine = AsChannelAffine(editor.graph(), editor.node(next), linear->rank);
  if (!affine || affine->x != editor.node(index).outputs[0] || !affine->Fits(linear->filters)) {
    return false;
  }
  Tensor weights = editor.graph().constant(editor.node(index).inputs[1])->Clone();
  const auto w = weights.data<float>();
  const std::size_t columns = w.size() / linear->filters;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t filter = linear->transposed ? i % linear->filters : i / columns;
    w[i] = static_cast<float>(w[i] * affine->ScaleAt(filter));
  }
  std::vector<double> bias = BiasOf(editor, editor.node(index), editor.graph(), linear->filters);
  for (std::size_t m = 0; m < bias.size(); ++m) {
    bias[m] = bias[m] * affine->ScaleAt(m) + affine->ShiftAt(m);
  }
  SetWeights(editor, index, std::move(weights), bias);
  editor.Absorb(index, next);
  return true;
}

bool Pads(const Node& conv) {
  const auto* pads = conv.Ints("pads");
  return conv.String("auto_pad", "NOTSET") != "NOTSET" ||
         (pads != nullptr && std::ranges::any_of(*pads, [](std::int64_t p) { return p != 0; }));
}

// y = conv(affine(x)); the affine node loses its reader.
bool FoldBefore(GraphEditor& editor, int index) {
  const auto linear = AsLinear(editor.graph(), editor.node(index));
  if (!linear || linear->rank != 4 || Pads(editor.node(index))) return false;
  const ValueId x = editor.node(index).inputs[0];
  const int previous = editor.producer(x);
  if (previous < 0 || editor.SoleReader(x) != index) return false;
  const auto affine = AsChannelAffine(editor.graph(), editor.node(previous), 4);
  Tensor weights = editor.graph().constant(editor.node(index).inputs[1])->Clone();
  const auto group = static_cast<std::size_t>(editor.node(index).Int("group", 1));
  const auto columns = static_cast<std::size_t>(weights.shape()[1]);
  if (!affine || group == 0 || linear->filters % group != 0 || !affine->Fits(columns * group)) {
    return false;
  }
  std::vector<double> bias = BiasOf(editor, editor.node(index), editor.graph(), linear->filters);
  const auto w = weights.data<float>();
  const std::size_t taps = w.size() / linear->filters / columns;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t filter = i / taps / columns;
    const std::size_t channel = filter / (linear->filters / group) * columns + i / taps % columns;
    bias[filter] += w[i] * affine->ShiftAt(channel);
    w[i] = static_cast<float>(w[i] * affine->ScaleAt(channel));
  }
  SetWeights(editor, index, std::move(weights), bias);
  editor.SetInput(index, 0, affine->x);
  return true;
}

std::string NameOf(const Graph& graph, const Node& node) {
  return node.name.empty() && !node.outputs.empty() && node.outputs[0] != kNoValue
             ? graph.value(node.outputs[0]).name
             : node.name;
}

}  // namespace

Graph FoldBatchNorm(Graph graph, std::vector<std::string>* folded) {
  GraphEditor editor(std::move(graph));
  const auto note = [&](std::string name) {
    if (folded != nullptr) folded->push_back(std::move(name));
  };
  for (int i = 0; i < editor.node_count(); ++i) {
    if (editor.erased(i)) continue;
    for (;;) {
      const int next = editor.node(i).outputs.size() == 1 && editor.node(i).outputs[0] != kNoValue
                           ? editor.SoleReader(editor.node(i).outputs[0])
                           : -1;
      const std::string name = next < 0 ? "" : NameOf(editor.graph(), editor.node(next));
      if (!FoldBehind(editor, i)) break;
      note(name);
    }
  }
  for (int i = 0; i < editor.node_count(); ++i) {
    if (editor.erased(i) || editor.node(i).inputs.empty()) continue;
    const int previous = editor.producer(editor.node(i).inputs[0]);
    const std::string name = previous < 0 ? "" : NameOf(editor.graph(), editor.node(previous));
    // The normalisation of pixels is not a layer: FoldNormalization treats it.
    if (previous < 0 || !IsOnnx(editor.node(previous), "BatchNormalization")) continue;
    if (FoldBefore(editor, i)) note(name);
  }
  return std::move(editor).Finish();
}

Result<Graph> StoreWeightsAs(Graph graph, DType half, std::vector<std::string>* stored,
                             std::vector<std::string>* kept) {
  if (half == DType::kBF16 && graph.opset < 13) {
    return MakeError(ErrorCode::kUnsupported,
                     "bf16: operator set {} has no bfloat16, want 13 or higher (--opset)",
                     graph.opset);
  }
  constexpr float kLargestHalf = 65504;
  std::vector<Node> casts;
  std::vector<ValueId> widened(graph.values.size(), kNoValue);
  const std::size_t count = graph.values.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::shared_ptr<const Tensor> weights = graph.values[i].constant;
    if (weights == nullptr || weights->dtype() != DType::kF32 || weights->shape().rank() < 2 ||
        weights->elements() < 2) {
      continue;
    }
    const std::string name = graph.values[i].name;
    const auto values = weights->data<float>();
    const bool fits = half == DType::kBF16 || std::ranges::all_of(values, [](float v) {
                        return std::abs(v) <= kLargestHalf;
                      });
    if (!fits) {
      if (kept != nullptr) kept->push_back(name);
      continue;
    }
    Tensor narrow = Tensor::Uninitialized(half, weights->shape());
    auto* bits = static_cast<std::uint16_t*>(narrow.raw());
    for (std::size_t k = 0; k < values.size(); ++k) {
      bits[k] = half == DType::kF16 ? FloatToHalf(values[k]) : FloatToBFloat16(values[k]);
    }
    const ValueId constant = graph.AddConstant(name + "_16", std::move(narrow));
    widened[i] = graph.AddValue(name + "_32");
    casts.push_back(Node{name + "_widen",
                         "Cast",
                         "",
                         {constant},
                         {widened[i]},
                         {{"to", std::int64_t{OnnxTypeOf(DType::kF32)}}}});
    if (stored != nullptr) stored->push_back(name);
  }
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) {
      if (id != kNoValue && static_cast<std::size_t>(id) < count &&
          widened[static_cast<std::size_t>(id)] != kNoValue) {
        id = widened[static_cast<std::size_t>(id)];
      }
    }
  }
  graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(casts.begin()),
                     std::make_move_iterator(casts.end()));
  return GraphEditor(std::move(graph)).Finish();
}

Result<Graph> CutAt(Graph graph, const std::vector<std::string>& names) {
  const std::vector<int> producers = Producers(graph);
  std::vector<ValueId> outputs;
  for (const std::string& name : names) {
    ValueId id = graph.FindValue(name);
    if (id == kNoValue || producers[static_cast<std::size_t>(id)] < 0) {
      const auto node = std::ranges::find(graph.nodes, name, &Node::name);
      if (!name.empty() && node != graph.nodes.end() && !node->outputs.empty()) {
        id = node->outputs[0];
      }
    }
    if (id == kNoValue) {
      std::string some;
      for (std::size_t i = 0, shown = 0; i < graph.nodes.size() && shown < 5; ++i) {
        const Node& node = graph.nodes[graph.nodes.size() - 1 - i];
        if (node.outputs.empty() || node.outputs[0] == kNoValue) continue;
        some += (shown++ > 0 ? ", " : "") + graph.value(node.outputs[0]).name;
      }
      return MakeError(ErrorCode::kNotFound, "output: no node or value '{}'; the last are {}", name,
                       some);
    }
    if (producers[static_cast<std::size_t>(id)] < 0) {
      return MakeError(ErrorCode::kInvalidArgument, "output: '{}' is not computed by a node", name);
    }
    if (std::ranges::find(outputs, id) == outputs.end()) outputs.push_back(id);
  }
  if (outputs.empty()) return MakeError(ErrorCode::kInvalidArgument, "output: want a name");
  graph.outputs = std::move(outputs);
  return GraphEditor(std::move(graph)).Finish();
}

}  // namespace visavis
