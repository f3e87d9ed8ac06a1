#include "model/graph/passes/symbolic_shape.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>

#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"

namespace visavis {
namespace {

// Larger numbers are no pictures; below it the arithmetic cannot overflow.
constexpr std::int64_t kLargest = std::numeric_limits<std::int32_t>::max();

constexpr std::array<std::string_view, 14> kElementwise = {"Relu",
                                                           "PRelu",
                                                           "LeakyRelu",
                                                           "Clip",
                                                           "Sigmoid",
                                                           "Tanh",
                                                           "Elu",
                                                           "HardSigmoid",
                                                           "HardSwish",
                                                           "Identity",
                                                           "Dropout",
                                                           "BatchNormalization",
                                                           "QuantizeLinear",
                                                           "DequantizeLinear"};
constexpr std::array<std::string_view, 5> kArithmetic = {"Add", "Sub", "Mul", "Div", "Sum"};

// floor((x + add) / divide) of an extent.
std::optional<SymbolicExtent> Mapped(SymbolicExtent x, std::int64_t add, std::int64_t divide) {
  x.add += add * x.divide;
  x.divide *= divide;
  if (std::abs(x.add) > kLargest || x.divide > kLargest) return std::nullopt;
  if (x.symbol == SymbolicExtent::kNumber) {
    if (x.add < 0) return std::nullopt;
    x = SymbolicExtent{SymbolicExtent::kNumber, x.add / x.divide, 1};
  }
  return x;
}

SymbolicExtent Number(std::int64_t extent) {
  return SymbolicExtent{SymbolicExtent::kNumber, extent, 1};
}

class Inference {
 public:
  explicit Inference(const Graph& graph)
      : graph_(graph), producers_(Producers(graph)), shapes_(graph.values.size()) {}

  std::vector<std::optional<SymbolicShape>> Run() {
    for (const ValueId id : graph_.inputs) At(id) = Declared(graph_.value(id));
    for (const Node& node : graph_.nodes) {
      if (node.outputs.empty() || node.outputs[0] == kNoValue || node.inputs.empty()) continue;
      At(node.outputs[0]) = OutputOf(node);
    }
    return std::move(shapes_);
  }

 private:
  std::optional<SymbolicShape>& At(ValueId id) { return shapes_[static_cast<std::size_t>(id)]; }
  std::optional<SymbolicShape> Of(ValueId id) { return id == kNoValue ? std::nullopt : At(id); }

  std::optional<SymbolicShape> Declared(const Value& value) {
    if (!value.shape.has_value() || value.shape->size() != 4) return std::nullopt;
    SymbolicShape shape;
    for (std::size_t axis = 0; axis < 4; ++axis) {
      const Dim& dim = (*value.shape)[axis];
      // A declared batch may still vary from run to run.
      const bool number = dim.known() && axis != 0 && dim.extent <= kLargest;
      shape[axis] = number ? Number(dim.extent) : SymbolicExtent{SymbolOf(dim.symbol), 0, 1};
    }
    return shape;
  }

  int SymbolOf(const std::string& name) {
    if (name.empty()) return next_symbol_++;
    const auto [it, added] = symbols_.try_emplace(name, next_symbol_);
    if (added) ++next_symbol_;
    return it->second;
  }

  std::optional<SymbolicShape> OutputOf(const Node& node) {
    if (IsFused(node, kFusedConv)) {
      return OfConv(node, graph_.constant(node.inputs[kConvWeights])->shape());
    }
    if (IsFused(node, kQuantMap)) return Of(node.inputs[kMapX]);
    if (!node.domain.empty()) return std::nullopt;
    if (std::ranges::find(kElementwise, node.op_type) != kElementwise.end()) {
      return Of(node.inputs[0]);
    }
    if (std::ranges::find(kArithmetic, node.op_type) != kArithmetic.end()) {
      return OfArithmetic(node);
    }
    if (node.op_type == "Conv") return OfPlainConv(node);
    if (node.op_type == "MaxPool" || node.op_type == "AveragePool") return OfPool(node);
    return std::nullopt;
  }

  // With constant weights, perhaps behind a DequantizeLinear.
  std::optional<SymbolicShape> OfPlainConv(const Node& node) {
    ValueId weights = node.input(kConvWeights);
    if (weights == kNoValue) return std::nullopt;
    const int producer = producers_[static_cast<std::size_t>(weights)];
    if (producer >= 0) {
      const Node& dequantize = graph_.nodes[static_cast<std::size_t>(producer)];
      if (!IsOnnx(dequantize, "DequantizeLinear")) return std::nullopt;
      weights = dequantize.input(0);
    }
    const Tensor* constant = graph_.constant(weights);
    if (constant == nullptr || !CanFuseGeometry(node, constant->shape())) return std::nullopt;
    return OfConv(node, constant->shape());
  }

  std::optional<SymbolicShape> OfConv(const Node& node, const Shape& weights) {
    auto shape = Of(node.inputs[kConvX]);
    if (!shape.has_value()) return std::nullopt;
    const ConvGeometry g = GeometryOf(node);
    (*shape)[1] = Number(weights[0]);
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t covered = g.dilation[axis] * (weights[static_cast<int>(axis) + 2] - 1) + 1;
      const auto mapped =
          Mapped((*shape)[axis + 2], g.pad[axis] + g.pad[axis + 2] - covered + g.stride, g.stride);
      if (!mapped.has_value()) return std::nullopt;
      (*shape)[axis + 2] = *mapped;
    }
    return shape;
  }

  // Rounding up can drop a window that lies in padding; only pools without padding are followed.
  std::optional<SymbolicShape> OfPool(const Node& node) {
    auto shape = Of(node.inputs[0]);
    const auto* kernel = node.Ints("kernel_shape");
    const auto* strides = node.Ints("strides");
    const auto* pads = node.Ints("pads");
    const bool plain =
        !node.Has("dilations") && node.String("auto_pad", "NOTSET") == "NOTSET" &&
        (pads == nullptr || std::ranges::all_of(*pads, [](std::int64_t p) { return p == 0; }));
    if (!shape.has_value() || kernel == nullptr || kernel->size() != 2 || !plain) {
      return std::nullopt;
    }
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::int64_t k = (*kernel)[axis];
      const std::int64_t s = strides != nullptr && strides->size() == 2 ? (*strides)[axis] : 1;
      if (k < 1 || s < 1 || k > kLargest || s > k) return std::nullopt;
      const std::int64_t up = node.Int("ceil_mode", 0) != 0 ? s - 1 : 0;
      const auto mapped = Mapped((*shape)[axis + 2], s - k + up, s);
      if (!mapped.has_value()) return std::nullopt;
      (*shape)[axis + 2] = *mapped;
    }
    return shape;
  }

  std::optional<SymbolicShape> OfArithmetic(const Node& node) {
    if (node.inputs.size() != 2 || node.inputs[1] == kNoValue) return std::nullopt;
    const auto a = Of(node.inputs[0]);
    const auto b = Of(node.inputs[1]);
    if (a.has_value() && b.has_value()) return *a == *b ? a : std::nullopt;
    if (a.has_value() != b.has_value() && node.op_type == "Add") {
      // Pyramids add what they upsample to the size of the other summand.
      const int producer = producers_[static_cast<std::size_t>(node.inputs[a.has_value() ? 1 : 0])];
      if (producer >= 0 && IsResize(graph_.nodes[static_cast<std::size_t>(producer)])) {
        return a.has_value() ? a : b;
      }
    }
    // A constant per channel does not change a shape it fits.
    const auto& known = a.has_value() ? a : b;
    const auto constant = PerChannelConstant(graph_, node.inputs[a.has_value() ? 1 : 0], 4);
    if (!known.has_value() || !constant.has_value()) return std::nullopt;
    const auto channels = static_cast<std::int64_t>(constant->size());
    return channels == 1 || (*known)[1] == Number(channels) ? known : std::nullopt;
  }

  static bool IsResize(const Node& node) {
    return IsOnnx(node, "Resize") || IsOnnx(node, "Upsample");
  }

  const Graph& graph_;
  std::vector<int> producers_;
  std::vector<std::optional<SymbolicShape>> shapes_;
  std::map<std::string, int> symbols_;
  int next_symbol_ = 0;
};

}  // namespace

std::vector<std::optional<SymbolicShape>> InferSymbolicShapes(const Graph& graph) {
  return Inference(graph).Run();
}

}  // namespace visavis
