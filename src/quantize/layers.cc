#include "quantize/layers.h"

#include "base/check.h"
#include "model/graph/passes/fused_ops.h"
#include "tensor/convert.h"

namespace visavis {
namespace {

const Tensor* FloatConstant(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  return tensor != nullptr && tensor->dtype() == DType::kF32 ? tensor : nullptr;
}

bool HasPlainBias(const Graph& graph, const Node& node, std::int64_t out) {
  if (node.input(2) == kNoValue) return true;
  const Tensor* bias = FloatConstant(graph, node.inputs[2]);
  return bias != nullptr && bias->elements() == out && bias->shape().rank() <= 1;
}

}  // namespace

std::optional<Layer> LayerOf(const Graph& graph, int index) {
  const Node& node = graph.nodes[static_cast<std::size_t>(index)];
  const bool conv = IsOnnx(node, "Conv");
  if (!conv && !IsOnnx(node, "Gemm")) return std::nullopt;
  if (node.outputs.size() != 1 || graph.constant(node.input(0)) != nullptr) return std::nullopt;
  const Tensor* weights = FloatConstant(graph, node.input(1));
  if (weights == nullptr || weights->elements() == 0) return std::nullopt;
  const Shape& shape = weights->shape();
  Layer layer;
  layer.node = index;
  layer.name = node.name.empty() ? graph.value(node.outputs[0]).name : node.name;
  layer.conv = conv;
  layer.out = static_cast<int>(shape[0]);
  if (conv) {
    if (shape.rank() < 3) return std::nullopt;
    layer.groups = static_cast<int>(node.Int("group", 1));
    layer.per_group = static_cast<int>(shape[1]);
    layer.taps = static_cast<int>(shape.elements() / (shape[0] * shape[1]));
    if (layer.groups < 1 || layer.out % layer.groups != 0) return std::nullopt;
  } else {
    const bool plain = shape.rank() == 2 && node.Int("transA", 0) == 0 &&
                       node.Int("transB", 0) != 0 && node.Float("alpha", 1) == 1 &&
                       node.Float("beta", 1) == 1;
    if (!plain) return std::nullopt;
    layer.per_group = static_cast<int>(shape[1]);
  }
  if (!HasPlainBias(graph, node, layer.out)) return std::nullopt;
  return layer;
}

std::vector<Layer> FindLayers(const Graph& graph) {
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (auto layer = LayerOf(graph, static_cast<int>(i))) layers.push_back(*std::move(layer));
  }
  return layers;
}

std::span<const float> WeightsOf(const Graph& graph, const Layer& layer) {
  const Node& node = graph.nodes[static_cast<std::size_t>(layer.node)];
  return graph.constant(node.inputs[1])->data<float>();
}

std::vector<float> BiasOf(const Graph& graph, const Layer& layer) {
  const Node& node = graph.nodes[static_cast<std::size_t>(layer.node)];
  if (node.input(2) == kNoValue) return std::vector<float>(static_cast<std::size_t>(layer.out), 0);
  const std::span<const float> bias = graph.constant(node.inputs[2])->data<float>();
  return {bias.begin(), bias.end()};
}

void SetWeights(Graph& graph, const Layer& layer, std::span<const float> weights) {
  Node& node = graph.nodes[static_cast<std::size_t>(layer.node)];
  const Value& old = graph.value(node.inputs[1]);
  Tensor tensor = Tensor::From<float>(old.constant->shape(), weights);
  node.inputs[1] = graph.AddConstant(old.name, std::move(tensor));
}

void SetBias(Graph& graph, const Layer& layer, std::span<const float> bias) {
  Node& node = graph.nodes[static_cast<std::size_t>(layer.node)];
  const std::string name =
      node.input(2) == kNoValue ? layer.name + "_bias" : graph.value(node.inputs[2]).name;
  node.inputs.resize(3, kNoValue);
  node.inputs[2] =
      graph.AddConstant(name, Tensor::From<float>(Shape{std::int64_t{layer.out}}, bias));
}

}  // namespace visavis
