#include <algorithm>
#include <cstdint>
#include <limits>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"

namespace visavis {
namespace {

// No real network pads, strides or dilates by more; offsets then stay far inside int.
constexpr std::int64_t kMaxGeometry = 1024;

bool IsFloatConstant(const Graph& graph, ValueId id, int rank) {
  const Tensor* tensor = graph.constant(id);
  return tensor != nullptr && tensor->dtype() == DType::kF32 && tensor->shape().rank() == rank &&
         tensor->elements() > 0;
}

bool IsBias(const Graph& graph, ValueId id, std::int64_t channels) {
  if (id == kNoValue) return true;
  const Tensor* tensor = graph.constant(id);
  return tensor != nullptr && tensor->dtype() == DType::kF32 && tensor->elements() == channels;
}

// Attribute `name` as `count` integers in [lowest, kMaxGeometry]; `fallback` each when absent;
// empty if it is anything else.
std::vector<std::int64_t> GeometryInts(const Node& node, std::string_view name, std::size_t count,
                                       std::int64_t fallback, std::int64_t lowest) {
  if (!node.Has(name)) return std::vector<std::int64_t>(count, fallback);
  const auto* ints = node.Ints(name);
  if (ints == nullptr || ints->size() != count) return {};
  const bool sane =
      std::ranges::all_of(*ints, [&](std::int64_t v) { return v >= lowest && v <= kMaxGeometry; });
  return sane ? *ints : std::vector<std::int64_t>{};
}

bool CanFuseConv(const Graph& graph, const Node& node) {
  if (!IsOnnx(node, "Conv") || node.outputs.size() != 1 || node.inputs.size() < 2 ||
      node.inputs[0] == kNoValue || !IsFloatConstant(graph, node.inputs[1], 4)) {
    return false;
  }
  const Shape& weights = graph.constant(node.inputs[1])->shape();
  return CanFuseGeometry(node, weights) && IsBias(graph, node.input(2), weights[0]);
}

void MakeBiasDouble(GraphEditor& editor, int index, std::size_t slot) {
  const ValueId bias = editor.node(index).input(slot);
  if (bias == kNoValue) return;
  const std::vector<double> values = ConstantDoubles(editor.graph(), bias);
  editor.SetInput(index, slot, editor.AddDoubles(editor.graph().value(bias).name + "_f64", values));
}

void FuseConv(GraphEditor& editor, int index) {
  Node& node = editor.node(index);
  node.op_type = kFusedConv;
  node.domain = kFusedDomain;
  node.inputs.resize(kConvInputs, kNoValue);
  node.attributes.erase("kernel_shape");
  node.attributes.erase("auto_pad");
  node.attributes["activation"] = std::string("none");
  node.attributes["residual_first"] = std::int64_t{0};
  MakeBiasDouble(editor, index, kConvBias);
}

bool CanFuseGemm(const Graph& graph, const Node& node) {
  if (!IsOnnx(node, "Gemm") || node.outputs.size() != 1 || node.inputs.size() < 2 ||
      node.inputs[0] == kNoValue || graph.constant(node.inputs[0]) != nullptr ||
      !IsFloatConstant(graph, node.inputs[1], 2) || node.Int("transA", 0) != 0 ||
      node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1) {
    return false;
  }
  const Shape& weights = graph.constant(node.inputs[1])->shape();
  const std::int64_t channels = weights[node.Int("transB", 0) != 0 ? 0 : 1];
  if (!IsBias(graph, node.input(2), channels)) return false;
  const Tensor* bias = graph.constant(node.input(2));
  // [M] or [1,M]; a column [M,1] would broadcast along the batch.
  return bias == nullptr || bias->shape()[bias->shape().rank() - 1] == channels;
}

Tensor Transposed(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0];
  const std::int64_t columns = matrix.shape()[1];
  Tensor result(DType::kF32, Shape{columns, rows});
  const auto from = matrix.data<float>();
  const auto to = result.data<float>();
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      to[static_cast<std::size_t>(c * rows + r)] = from[static_cast<std::size_t>(r * columns + c)];
    }
  }
  return result;
}

void FuseGemm(GraphEditor& editor, int index) {
  const bool transposed = editor.node(index).Int("transB", 0) != 0;
  Node& node = editor.node(index);
  node.op_type = kFusedGemm;
  node.domain = kFusedDomain;
  node.inputs.resize(kGemmInputs, kNoValue);
  node.attributes.clear();
  node.attributes["activation"] = std::string("none");
  if (!transposed) {
    const ValueId weights = node.inputs[kGemmWeights];
    const std::string name = editor.graph().value(weights).name + "_transposed";
    editor.SetInput(index, kGemmWeights,
                    editor.AddConstant(name, Transposed(*editor.graph().constant(weights))));
  }
  MakeBiasDouble(editor, index, kGemmBias);

  const std::int64_t depth =
      editor.graph().constant(editor.node(index).inputs[kGemmWeights])->shape()[1];
  const int producer = editor.producer(editor.node(index).inputs[kGemmX]);
  if (producer >= 0 && FlattensTo(editor.graph(), editor.node(producer), depth)) {
    editor.SetInput(index, kGemmX, editor.node(producer).inputs[0]);
  }
}

}  // namespace

bool CanFuseGeometry(const Node& node, const Shape& weights) {
  const auto pads = GeometryInts(node, "pads", 4, 0, 0);
  const auto strides = GeometryInts(node, "strides", 2, 1, 1);
  const auto dilations = GeometryInts(node, "dilations", 2, 1, 1);
  if (weights.rank() != 4 || pads.empty() || strides.empty() || dilations.empty()) return false;
  if (node.String("auto_pad", "NOTSET") != "NOTSET") return false;
  if (const auto* kernel = node.Ints("kernel_shape");
      kernel != nullptr &&
      (kernel->size() != 2 || (*kernel)[0] != weights[2] || (*kernel)[1] != weights[3])) {
    return false;
  }
  if (weights[2] > kMaxGeometry || weights[3] > kMaxGeometry || strides[0] != strides[1]) {
    return false;
  }
  const std::int64_t group = node.Int("group", 1);
  const bool dense = group == 1 && strides[0] <= 2;
  const bool depthwise =
      group == weights[0] && weights[1] == 1 && dilations[0] == 1 && dilations[1] == 1;
  return dense || depthwise;
}

bool FlattensTo(const Graph& graph, const Node& node, std::int64_t depth) {
  if (node.inputs.empty() || node.inputs[0] == kNoValue) return false;
  if (IsOnnx(node, "Flatten")) return node.Int("axis", 1) == 1;
  if (!IsOnnx(node, "Reshape") || node.Int("allowzero", 0) != 0) return false;
  const Tensor* shape = graph.constant(node.input(1));
  if (shape == nullptr || shape->dtype() != DType::kI64 || shape->elements() != 2) return false;
  const auto extents = shape->data<std::int64_t>();
  return extents[1] == depth || (extents[1] == -1 && (extents[0] == 0 || extents[0] == 1));
}

bool IsQuantized(const Graph& graph, const Node& fused) {
  const Tensor* weights = graph.constant(fused.input(kConvWeights));
  return weights != nullptr && weights->dtype() == DType::kI8;
}

ConvGeometry GeometryOf(const Node& node) {
  ConvGeometry geometry;
  if (const auto* strides = node.Ints("strides")) geometry.stride = static_cast<int>((*strides)[0]);
  if (const auto* dilations = node.Ints("dilations")) {
    for (std::size_t i = 0; i < 2; ++i) geometry.dilation[i] = static_cast<int>((*dilations)[i]);
  }
  if (const auto* pads = node.Ints("pads")) {
    for (std::size_t i = 0; i < 4; ++i) geometry.pad[i] = static_cast<int>((*pads)[i]);
  }
  geometry.group = static_cast<int>(node.Int("group", 1));
  return geometry;
}

Graph FuseLinear(Graph graph) {
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    if (CanFuseConv(editor.graph(), editor.node(i))) {
      FuseConv(editor, i);
    } else if (CanFuseGemm(editor.graph(), editor.node(i))) {
      FuseGemm(editor, i);
    }
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
