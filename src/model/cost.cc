#include "model/cost.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "model/graph/shape_inference.h"

namespace visavis {
namespace {

constexpr std::array<std::string_view, 19> kElementwise{
    "Add",      "Sub",  "Mul",         "Div",       "Relu",    "LeakyRelu", "Elu",
    "Selu",     "Clip", "Sigmoid",     "HardSwish", "Tanh",    "Softmax",   "Sqrt",
    "Softplus", "Exp",  "HardSigmoid", "Pow",       "Softsign"};

// Fills open batches with one image.
std::map<std::string, Shape> WithOneImage(const Graph& graph, std::map<std::string, Shape> shapes) {
  for (const ValueId id : graph.inputs) {
    const Value& input = graph.value(id);
    if (!input.shape || input.shape->empty() || shapes.contains(input.name)) continue;
    std::vector<std::int64_t> extents;
    for (const Dim& dim : *input.shape) extents.push_back(dim.extent);
    if (extents[0] < 0) extents[0] = 1;
    shapes.emplace(input.name, Shape(std::move(extents)));
  }
  return shapes;
}

// Operators that multiply by weights, and where their inputs stand.
struct LayerKind {
  std::string_view op_type;
  std::size_t weights;
  std::size_t bias;  // 0: has none
  bool convolution;
};
constexpr std::array<LayerKind, 8> kLayers{{{"Conv", 1, 2, true},
                                            {"QLinearConv", 3, 8, true},
                                            {"ConvInteger", 1, 0, true},
                                            {"Gemm", 1, 2, false},
                                            {"QGemm", 3, 6, false},
                                            {"MatMul", 1, 0, false},
                                            {"QLinearMatMul", 3, 0, false},
                                            {"MatMulInteger", 1, 0, false}}};

class Counter {
 public:
  Counter(const Graph& graph, const std::map<std::string, Shape>& input_shapes)
      : graph_(graph),
        consumers_(Consumers(graph)),
        producers_(Producers(graph)),
        counted_(graph.values.size(), false),
        inferred_(InferShapes(graph, WithOneImage(graph, input_shapes))) {}

  NetworkCost Count() {
    for (const Value& value : graph_.values) {
      if (value.constant != nullptr) {
        cost_.stored_parameters += static_cast<double>(value.constant->elements());
      }
    }
    for (const Node& node : graph_.nodes) CountNode(node);
    if (unknown_shape_) {
      cost_.flops = 0;
      cost_.multiply_adds = 0;
    }
    // A file with a fixed batch still counts for one image.
    const double images = Batch();
    cost_.flops /= images;
    cost_.multiply_adds /= images;
    return cost_;
  }

 private:
  double Batch() const {
    if (graph_.inputs.empty()) return 1;
    const auto& shape = inferred_[static_cast<std::size_t>(graph_.inputs[0])].shape;
    const bool fixed = shape && shape->size() >= 2 && (*shape)[0].extent > 1;
    return fixed ? static_cast<double>((*shape)[0].extent) : 1;
  }

  // Elements of a value; remembers when they are unknown.
  double Elements(ValueId id) {
    const auto shape = id == kNoValue ? std::nullopt : Inferred(id).StaticShape();
    if (!shape) {
      unknown_shape_ = true;
      return 0;
    }
    double product = 1;
    for (const std::int64_t extent : shape->dims()) product *= static_cast<double>(extent);
    return product;
  }

  void AddParameters(ValueId id, double count) {
    if (counted_[static_cast<std::size_t>(id)]) return;
    counted_[static_cast<std::size_t>(id)] = true;
    cost_.parameters += count;
  }

  const InferredValue& Inferred(ValueId id) const {
    return inferred_[static_cast<std::size_t>(id)];
  }

  const Node* OnlyConsumer(ValueId id) const {
    if (id == kNoValue) return nullptr;
    const std::vector<int>& readers = consumers_[static_cast<std::size_t>(id)];
    if (readers.size() != 1 || std::ranges::find(graph_.outputs, id) != graph_.outputs.end()) {
      return nullptr;
    }
    return &graph_.nodes[static_cast<std::size_t>(readers[0])];
  }

  static const LayerKind* KindOf(const Node& node) {
    const auto found = std::ranges::find(kLayers, node.op_type, &LayerKind::op_type);
    return found == kLayers.end() ? nullptr : &*found;
  }
  static bool IsLayer(const Node& node) { return KindOf(node) != nullptr; }

  // The constant behind a DequantizeLinear, and any other value itself.
  ValueId Stored(ValueId id) const {
    const int producer = id == kNoValue ? -1 : producers_[static_cast<std::size_t>(id)];
    if (producer < 0) return id;
    const Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
    const bool dequantized =
        node.op_type == "DequantizeLinear" && graph_.constant(node.input(0)) != nullptr;
    return dequantized ? node.input(0) : id;
  }

  bool IsFolded(const Node& batch_norm) const {
    const ValueId data = batch_norm.input(0);
    if (data == kNoValue || OnlyConsumer(data) == nullptr) return false;
    const int producer = producers_[static_cast<std::size_t>(data)];
    return producer >= 0 && IsLayer(graph_.nodes[static_cast<std::size_t>(producer)]);
  }

  void CountNode(const Node& node) {
    if (IsLayer(node)) return CountLayer(node);
    const ValueId output = node.outputs.empty() ? kNoValue : node.outputs[0];
    if (node.op_type == "BatchNormalization") {
      if (IsFolded(node)) return;
      const Tensor* scale = graph_.constant(node.input(1));
      if (scale != nullptr) {
        AddParameters(node.input(1), 2 * static_cast<double>(scale->elements()));
      }
      cost_.flops += 2 * Elements(output);
    } else if (node.op_type == "PRelu") {
      const ValueId slope_id = node.input(1);
      const auto slope = slope_id == kNoValue ? std::nullopt : Inferred(slope_id).StaticShape();
      if (slope) AddParameters(slope_id, static_cast<double>(slope->elements()));
      cost_.flops += 2 * Elements(output);
    } else if (node.op_type == "MaxPool" || node.op_type == "AveragePool") {
      double window = 1;
      if (const std::vector<std::int64_t>* kernel = node.Ints("kernel_shape")) {
        for (const std::int64_t extent : *kernel) window *= static_cast<double>(extent);
      }
      cost_.flops += window * Elements(output);
    } else if (node.op_type == "GlobalAveragePool" || node.op_type == "GlobalMaxPool") {
      cost_.flops += Elements(node.input(0));
    } else if (std::ranges::find(kElementwise, node.op_type) != kElementwise.end()) {
      CountElementwise(node, output);
    }
  }

  void CountElementwise(const Node& node, ValueId output) {
    // Shape arithmetic is no work.
    if (output != kNoValue && Inferred(output).dtype == DType::kI64) return;
    for (const ValueId id : node.inputs) {
      const Tensor* constant = graph_.constant(id);
      if (constant != nullptr && constant->elements() > 1) {
        AddParameters(id, static_cast<double>(constant->elements()));
      }
    }
    cost_.flops += Elements(output);
  }

  void CountLayer(const Node& node) {
    const LayerKind& kind = *KindOf(node);
    const ValueId weight_id = Stored(node.input(kind.weights));
    const ValueId output = node.outputs.empty() ? kNoValue : node.outputs[0];
    const Tensor* weight = graph_.constant(weight_id);
    const auto weight_shape =
        weight_id == kNoValue ? std::nullopt : Inferred(weight_id).StaticShape();
    if (!weight_shape || weight_shape->rank() < 2) {
      unknown_shape_ = true;
      return;
    }
    const bool channels_first = kind.convolution || node.Int("transB", 0) != 0;
    const int channel_axis = channels_first ? 0 : weight_shape->rank() - 1;
    const double channels = static_cast<double>((*weight_shape)[channel_axis]);
    const double weights = static_cast<double>(weight_shape->elements());
    const Node* next = OnlyConsumer(output);
    const ValueId bias = kind.bias == 0 ? kNoValue : Stored(node.input(kind.bias));
    const bool folds = next != nullptr && next->op_type == "BatchNormalization";
    if (weight != nullptr) AddParameters(weight_id, weights);
    // A folded shift is a bias of its own, whatever the layer shares with others.
    if (folds) cost_.parameters += channels;
    if (!folds && bias != kNoValue) AddParameters(bias, channels);
    const bool has_bias = folds || bias != kNoValue;
    const double outputs = Elements(output);
    const double macs = channels > 0 ? outputs * weights / channels : 0;
    cost_.multiply_adds += macs;
    cost_.flops += 2 * macs + (has_bias ? outputs : 0);
  }

  const Graph& graph_;
  const std::vector<std::vector<int>> consumers_;
  const std::vector<int> producers_;
  std::vector<bool> counted_;  // values whose parameters are in the sum: some layers share weights
  const std::vector<InferredValue> inferred_;
  NetworkCost cost_;
  bool unknown_shape_ = false;
};

}  // namespace

NetworkCost CostOf(const Graph& graph, const std::map<std::string, Shape>& input_shapes) {
  return Counter(graph, input_shapes).Count();
}

}  // namespace visavis
