#include "quantize/insert.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "model/graph/passes/fused_ops.h"

namespace visavis {
namespace {

bool IsActivation(const Node& node) {
  return IsOnnx(node, "Relu") || IsOnnx(node, "PRelu") || IsOnnx(node, "LeakyRelu") ||
         IsOnnx(node, "Clip");
}

// Follows values through a graph.
class Flow {
 public:
  explicit Flow(const Graph& graph)
      : graph_(graph), producers_(Producers(graph)), consumers_(Consumers(graph)) {}

  const Node* producer(ValueId id) const {
    const int index = producers_[static_cast<std::size_t>(id)];
    return index < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(index)];
  }
  int producer_index(ValueId id) const { return producers_[static_cast<std::size_t>(id)]; }
  bool is_output(ValueId id) const {
    return std::ranges::find(graph_.outputs, id) != graph_.outputs.end();
  }
  const Node* sole_reader(ValueId id) const {
    const std::vector<int>& readers = consumers_[static_cast<std::size_t>(id)];
    return is_output(id) || readers.size() != 1
               ? nullptr
               : &graph_.nodes[static_cast<std::size_t>(readers[0])];
  }
  // The node whose sum `id` is, seen through activations that have no other reader.
  int source(ValueId id) const {
    for (;;) {
      const Node* node = producer(id);
      if (node == nullptr || !IsActivation(*node) || sole_reader(node->inputs[0]) == nullptr) {
        return producer_index(id);
      }
      id = node->inputs[0];
    }
  }
  // What a kernel stores that computes `id`: behind the activations that follow.
  ValueId stored(ValueId id) const {
    for (;;) {
      const Node* next = sole_reader(id);
      if (next == nullptr || !IsActivation(*next) || next->inputs[0] != id) return id;
      id = next->outputs[0];
    }
  }

 private:
  const Graph& graph_;
  const std::vector<int> producers_;
  const std::vector<std::vector<int>> consumers_;
};

bool IsResidualAdd(const Graph& graph, const Node& node) {
  return IsOnnx(node, "Add") && node.inputs.size() == 2 &&
         graph.constant(node.inputs[0]) == nullptr && graph.constant(node.inputs[1]) == nullptr;
}

class Chooser {
 public:
  Chooser(const Graph& graph, const Recipe& recipe)
      : graph_(graph), recipe_(recipe), flow_(graph) {}

  QuantizedValues Run() {
    const std::vector<Layer> all = FindLayers(graph_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool kept = (recipe_.first_float && i == 0) ||
                        (recipe_.last_float && i + 1 == all.size()) ||
                        recipe_.float_layers.contains(all[i].name) ||
                        (recipe_.format == QuantFormat::kQOperator && EndsInOutput(all[i]));
      if (!kept) chosen_.layers.push_back(all[i]);
    }
    for (const Layer& layer : chosen_.layers) {
      Add(node(layer).inputs[0]);
      if (recipe_.format == QuantFormat::kQOperator) AddResult(node(layer));
    }
    for (const Node& node : graph_.nodes) {
      if (IsResidualAdd(graph_, node)) AddResidual(node);
    }
    ShareThroughMaxPool();
    if (recipe_.float_residual && recipe_.format == QuantFormat::kQdq) KeepFloats();
    return std::move(chosen_);
  }

 private:
  const Node& node(const Layer& layer) const {
    return graph_.nodes[static_cast<std::size_t>(layer.node)];
  }
  void Add(ValueId id) { chosen_.values.insert(id); }

  // QLinearConv puts out bytes, and the graph's outputs are floats.
  bool EndsInOutput(const Layer& layer) const {
    return layer.conv && flow_.is_output(flow_.stored(node(layer).outputs[0]));
  }

  bool IsChosenLayer(int node) const {
    return std::ranges::any_of(chosen_.layers, [&](const Layer& l) { return l.node == node; });
  }

  // ReLU goes into the operator's own saturation; another activation is a node of its own.
  void AddResult(const Node& layer) {
    const ValueId y = layer.outputs[0];
    const Node* next = flow_.sole_reader(y);
    if (next != nullptr && IsOnnx(*next, "Relu")) return Add(next->outputs[0]);
    if (!flow_.is_output(y)) Add(y);
  }

  void AddResidual(const Node& add) {
    const int a = flow_.source(add.inputs[0]);
    const int b = flow_.source(add.inputs[1]);
    if (!IsChosenLayer(a) && !IsChosenLayer(b)) return;
    if (recipe_.format == QuantFormat::kQOperator) {
      Add(add.inputs[0]);
      Add(add.inputs[1]);
      AddResult(add);
      return;
    }
    if (recipe_.float_residual) return;
    // The later of the two layers is being computed when the sum is.
    const bool second_is_computed = IsChosenLayer(b) && (b > a || !IsChosenLayer(a)) &&
                                    flow_.sole_reader(add.inputs[1]) != nullptr;
    Add(add.inputs[second_is_computed ? 0 : 1]);
  }

  void ShareThroughMaxPool() {
    for (const ValueId id : std::vector<ValueId>(chosen_.values.begin(), chosen_.values.end())) {
      const Node* pool = flow_.producer(id);
      if (pool == nullptr || !IsOnnx(*pool, "MaxPool") || pool->outputs.size() != 1) continue;
      const ValueId in = pool->inputs[0];
      if (flow_.producer(in) == nullptr || chosen_.values.contains(in)) continue;
      Add(in);
      chosen_.shared[in] = id;
    }
  }

  // Where a sum is read by layers and by other nodes, the other nodes read the float.
  void KeepFloats() {
    for (const ValueId id : chosen_.values) {
      const Node* from = flow_.producer(id);
      if (from != nullptr && IsResidualAdd(graph_, *from)) chosen_.for_layers_only.insert(id);
    }
  }

  const Graph& graph_;
  const Recipe& recipe_;
  const Flow flow_;
  QuantizedValues chosen_;
};

template <typename T>
Tensor Scalar(T value) {
  return Tensor::From<T>(Shape{}, std::span<const T>(&value, 1));
}

class Inserter {
 public:
  Inserter(const Graph& graph, const QuantizedValues& chosen,
           const std::map<ValueId, ActivationScale>& scales, const Recipe& recipe)
      : out_(graph), chosen_(chosen), scales_(scales), recipe_(recipe) {}

  Graph Run(const std::vector<QuantizedWeights>& weights,
            const std::vector<std::vector<float>>& biases) {
    std::vector<Node> nodes = std::move(out_.nodes);
    out_.nodes.clear();
    for (const ValueId id : out_.inputs) QuantizeValue(id);
    std::size_t next_layer = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      Node node = std::move(nodes[i]);
      const bool layer = next_layer < chosen_.layers.size() &&
                         chosen_.layers[next_layer].node == static_cast<int>(i);
      const ValueId x = node.input(0);
      for (ValueId& input : node.inputs) input = Read(input, layer);
      if (layer) {
        QuantizeLayer(node, chosen_.layers[next_layer], x, weights[next_layer], biases[next_layer]);
        ++next_layer;
      }
      const std::vector<ValueId> outputs = node.outputs;
      out_.nodes.push_back(std::move(node));
      for (const ValueId id : outputs) QuantizeValue(id);
    }
    return std::move(out_);
  }

 private:
  ValueId Read(ValueId id, bool by_layer) const {
    const auto found = dequantized_.find(id);
    if (found == dequantized_.end() || (!by_layer && chosen_.for_layers_only.contains(id))) {
      return id;
    }
    return found->second;
  }

  ValueId Constant(const std::string& name, Tensor tensor) {
    return out_.AddConstant(name, std::move(tensor));
  }

  // Names are short: a hundred of each go into a file whose weights are bytes.
  ValueId AddNode(const char* op_type, std::vector<ValueId> inputs, const std::string& name,
                  DType dtype) {
    Node node;
    node.op_type = op_type;
    node.inputs = std::move(inputs);
    const ValueId y = out_.AddValue(name, dtype);
    node.outputs = {y};
    out_.nodes.push_back(std::move(node));
    return y;
  }

  void QuantizeValue(ValueId id) {
    if (id == kNoValue || !chosen_.values.contains(id)) return;
    const std::string name = out_.value(id).name;
    const ActivationScale& scale = scales_.at(id);
    const ValueId step = Constant(name + "_s", Scalar(scale.scale));
    const ValueId zero =
        recipe_.signed_activations
            ? Constant(name + "_z", Scalar(static_cast<std::int8_t>(scale.zero_point)))
            : Constant(name + "_z", Scalar(static_cast<std::uint8_t>(scale.zero_point)));
    const DType type = recipe_.signed_activations ? DType::kI8 : DType::kU8;
    const ValueId stored = AddNode("QuantizeLinear", {id, step, zero}, name + "_q", type);
    dequantized_[id] = AddNode("DequantizeLinear", {stored, step, zero}, name + "_d", DType::kF32);
  }

  void QuantizeLayer(Node& node, const Layer& layer, ValueId x, const QuantizedWeights& weights,
                     std::span<const float> bias) {
    const std::string name = out_.value(node.inputs[1]).name;
    const Shape shape = out_.constant(node.inputs[1])->shape();
    const Shape channels{std::int64_t{layer.out}};
    const ValueId stored = Constant(name + "_q", Tensor::From<std::int8_t>(shape, weights.values));
    const ValueId steps = Constant(name + "_s", Tensor::From<float>(channels, weights.scales));
    node.inputs[1] = AddNode("DequantizeLinear", {stored, steps}, name + "_d", DType::kF32);
    out_.nodes.back().attributes["axis"] = std::int64_t{0};

    const bool none = std::ranges::all_of(bias, [](float b) { return b == 0; });
    if (none && node.input(2) == kNoValue) return;
    node.inputs.resize(3, kNoValue);
    const std::string bias_name = name + "_b";
    const float x_scale = scales_.at(x).scale;
    if (recipe_.int32_bias || recipe_.format == QuantFormat::kQOperator) {
      std::vector<std::int32_t> whole(bias.size());
      std::vector<float> units(bias.size());
      for (std::size_t o = 0; o < bias.size(); ++o) {
        units[o] = x_scale * weights.scales[o];
        constexpr double kLargest = std::numeric_limits<std::int32_t>::max();
        whole[o] = static_cast<std::int32_t>(
            std::clamp(std::nearbyint(double{bias[o]} / double{units[o]}), -kLargest, kLargest));
      }
      const ValueId from = Constant(bias_name + "_q", Tensor::From<std::int32_t>(channels, whole));
      const ValueId unit = Constant(bias_name + "_s", Tensor::From<float>(channels, units));
      node.inputs[2] = AddNode("DequantizeLinear", {from, unit}, bias_name, DType::kF32);
      out_.nodes.back().attributes["axis"] = std::int64_t{0};
    } else {
      node.inputs[2] = Constant(bias_name, Tensor::From<float>(channels, bias));
    }
  }

  Graph out_;
  const QuantizedValues& chosen_;
  const std::map<ValueId, ActivationScale>& scales_;
  const Recipe& recipe_;
  std::map<ValueId, ValueId> dequantized_;
};

}  // namespace

QuantizedValues ChooseValues(const Graph& graph, const Recipe& recipe) {
  return Chooser(graph, recipe).Run();
}

Graph InsertQdq(const Graph& graph, const QuantizedValues& chosen,
                const std::map<ValueId, ActivationScale>& scales,
                const std::vector<QuantizedWeights>& weights,
                const std::vector<std::vector<float>>& biases, const Recipe& recipe) {
  return Inserter(graph, chosen, scales, recipe).Run(weights, biases);
}

}  // namespace visavis
