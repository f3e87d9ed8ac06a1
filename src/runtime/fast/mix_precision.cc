#include "runtime/fast/mix_precision.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "model/graph/passes/epilogue_node.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"
#include "model/graph/passes/quantization.h"
#include "model/graph/passes/symbolic_shape.h"
#include "runtime/fast/min_cut.h"

namespace visavis {
namespace {

// Pictures of up to this many channels are read as they are by int8 kernels.
constexpr std::int64_t kPictureChannels = 4;
// Nodes between a stored value and what it is made of: an epilogue has no more.
constexpr int kLongestEpilogue = 16;
// Larger graphs are no face networks, and stay as they are.
constexpr std::size_t kMostUnits = 4096;

constexpr int kFirstOpsetOfClipInputs = 11;

class Mixer {
 public:
  Mixer(const Graph& graph, const CostModel& model)
      : model_(model), shapes_(InferSymbolicShapes(graph)), editor_(graph) {}

  /// Nothing if every layer stays as it is.
  std::optional<Graph> Run() && {
    FindUnits();
    if (units_.size() > kMostUnits || !any_choice_) return std::nullopt;
    for (const auto& [node, unit] : units_) {
      if (IsLayer(node)) {
        ConnectLayer(node, unit);
      } else {
        ConnectStored(node, unit);
      }
    }
    is_float_ = std::move(cut_).Solve();
    const bool changes = std::ranges::any_of(
        units_, [&](const auto& entry) { return IsLayer(entry.first) && IsFloat(entry.first); });
    if (!changes) return std::nullopt;
    // In this order: a layer is known by the DequantizeLinear in front of it.
    for (const auto& [node, unit] : units_) {
      if (IsLayer(node) && IsFloat(node)) DequantizeConv(editor_, node);
    }
    for (const auto& [node, unit] : units_) {
      if (!IsLayer(node) && IsFloat(node)) Bypass(node);
    }
    return std::move(editor_).Finish();
  }

 private:
  /// What is decided: an int8 convolution (float: computed in bf16), or a QuantizeLinear (float:
  /// float readers take what it quantizes).
  struct Unit {
    int side = 0;       // node of the cut: A is float
    int to_bytes = 0;   // of a stored value: A if floats become bytes for int8 readers
    int to_floats = 0;  // of a stored value: A if bytes become floats for float readers
  };

  bool IsLayer(int node) { return IsOnnx(editor_.node(node), "Conv"); }
  bool IsFloat(int node) const { return is_float_[static_cast<std::size_t>(units_.at(node).side)]; }

  void FindUnits() {
    for (int i = 0; i < editor_.node_count(); ++i) {
      const Node& node = editor_.node(i);
      if (IsInt8Conv(editor_, i)) {
        const auto seconds = EstimatesOf(node);
        any_choice_ |= seconds.has_value();
        units_[i].side = seconds.has_value() ? cut_.AddNode(seconds->first, seconds->second)
                                             : cut_.AddNode(MinCut::kNever, 0);
      } else if (IsOnnx(node, "QuantizeLinear") &&
                 QuantizationOf(editor_.graph(), node).has_value()) {
        units_[i] = {cut_.AddNode(0, 0), cut_.AddNode(0, 0), cut_.AddNode(0, 0)};
      }
    }
  }

  const std::optional<SymbolicShape>& ShapeOf(ValueId id) const {
    return shapes_[static_cast<std::size_t>(id)];
  }

  // Channels, height and width, where they are numbers.
  std::optional<std::array<int, 3>> SizeOf(ValueId id) const {
    if (!ShapeOf(id).has_value()) return std::nullopt;
    std::array<int, 3> size{};
    for (std::size_t i = 0; i < 3; ++i) {
      const SymbolicExtent& extent = (*ShapeOf(id))[i + 1];
      if (extent.symbol != SymbolicExtent::kNumber) return std::nullopt;
      size[i] = static_cast<int>(extent.add);
    }
    return size;
  }

  double ElementsOf(ValueId id) const {
    const auto size = SizeOf(id);
    return size.has_value() ? double{1} * (*size)[0] * (*size)[1] * (*size)[2] : 0.0;
  }

  /// In bf16 and in int8; nothing for layers that stay in int8.
  std::optional<std::pair<double, double>> EstimatesOf(const Node& conv) {
    const ConvGeometry geometry = GeometryOf(conv);
    const auto in = SizeOf(conv.inputs[0]);
    const auto out = SizeOf(conv.outputs[0]);
    if (!in.has_value() || !out.has_value() || geometry.group != 1 ||
        (*in)[0] <= kPictureChannels) {
      return std::nullopt;
    }
    const Node& weights = editor_.node(editor_.producer(conv.inputs[1]));
    const Shape& shape = editor_.graph().constant(weights.inputs[0])->shape();
    ConvWork work;
    work.in_channels = (*in)[0];
    work.out_channels = (*out)[0];
    work.taps = static_cast<int>(shape[2] * shape[3]);
    work.out_height = (*out)[1];
    work.out_width = (*out)[2];
    const bool dense = geometry.dilation == std::array<int, 2>{1, 1};
    work.winograd = dense && geometry.stride == 1 && shape[2] == 3 && shape[3] == 3;
    work.tiles = dense;
    const ConvAlgorithm best = ChooseAlgorithm(work, model_);
    return std::pair{EstimateSeconds(work, best, model_), EstimateInt8Seconds(work, model_)};
  }

  // The unit of a stored value that `dequantize` reads; null if it is none.
  const Unit* StoredBehind(int dequantize) {
    const auto found = units_.find(editor_.producer(editor_.node(dequantize).inputs[0]));
    return found == units_.end() ? nullptr : &found->second;
  }

  void ConnectLayer(int node, const Unit& layer) {
    const Unit* x = StoredBehind(editor_.producer(editor_.node(node).inputs[0]));
    if (x == nullptr) return;
    cut_.AddArc(x->to_bytes, layer.side, MinCut::kNever);
    cut_.AddArc(layer.side, x->to_floats, MinCut::kNever);
  }

  void ConnectStored(int node, const Unit& stored) {
    const double step = EstimateConversionSeconds(ElementsOf(editor_.node(node).inputs[0]));
    cut_.AddArc(stored.side, stored.to_bytes, step);
    cut_.AddArc(stored.to_floats, stored.side, step);
    std::vector<int> layers;
    std::vector<const Unit*> values;
    FindSources(node, layers, values);
    for (const int layer : layers) cut_.AddArc(units_.at(layer).side, stored.side, step);
    for (const Unit* value : values) {
      cut_.AddArc(value->to_bytes, stored.side, MinCut::kNever);
      cut_.AddArc(stored.side, value->to_floats, MinCut::kNever);
    }
  }

  // What a stored value is made of: convolutions and other stored values, through at most one sum.
  void FindSources(int quantize, std::vector<int>& layers, std::vector<const Unit*>& values) {
    struct Step {
      ValueId id;
      int sums;
    };
    std::vector<Step> open = {{editor_.node(quantize).inputs[0], 0}};
    for (int taken = 0; !open.empty() && taken < kLongestEpilogue; ++taken) {
      const Step step = open.back();
      open.pop_back();
      const int producer = editor_.producer(step.id);
      if (producer < 0) continue;
      const Node& node = editor_.node(producer);
      if (IsOnnx(node, "DequantizeLinear")) {
        if (const Unit* value = StoredBehind(producer)) values.push_back(value);
      } else if (units_.contains(producer)) {
        if (IsLayer(producer)) layers.push_back(producer);
      } else if (!IsOnnx(node, "Conv") && !IsOnnx(node, "Gemm") && !IsOnnx(node, "MatMul")) {
        const int sums = step.sums + (IsOnnx(node, "Add") ? 1 : 0);
        if (sums > 1) continue;
        for (const ValueId input : node.inputs) {
          if (input != kNoValue) open.push_back({input, sums});
        }
      }
    }
  }

  // Float readers of what `quantize` stores take what it quantizes.
  void Bypass(int quantize) {
    const ValueId stored = editor_.node(quantize).outputs[0];
    const auto as = QuantizationOf(editor_.graph(), editor_.node(quantize));
    ValueId real = kNoValue;
    for (const int dequantize : Copy(editor_.readers(stored))) {
      const Node& node = editor_.node(dequantize);
      if (!IsOnnx(node, "DequantizeLinear") || QuantizationOf(editor_.graph(), node) != as) {
        continue;
      }
      const ValueId from = node.outputs[0];
      for (const int reader : Copy(editor_.readers(from))) {
        if (WantsBytes(reader)) continue;
        if (real == kNoValue) real = Unquantized(quantize, *as);
        Node& read = editor_.node(reader);
        for (std::size_t i = 0; i < read.inputs.size(); ++i) {
          if (read.inputs[i] == from) editor_.SetInput(reader, i, real);
        }
      }
    }
  }

  static std::vector<int> Copy(std::span<const int> indices) {
    return {indices.begin(), indices.end()};
  }

  // Layers that stay in int8 read bytes, and so does what is no matter of this rule.
  bool WantsBytes(int reader) {
    if (units_.contains(reader)) return IsLayer(reader) && !IsFloat(reader);
    const Node& node = editor_.node(reader);
    return IsOnnx(node, "Gemm") || IsOnnx(node, "MatMul");
  }

  // What `quantize` reads. A range that starts at zero also stands for the ReLU (or the clip at
  // six) that quantizers leave out in front of it.
  ValueId Unquantized(int quantize, const Quantization& as) {
    const ValueId real = editor_.node(quantize).inputs[0];
    const int producer = editor_.producer(real);
    const bool clipped =
        producer >= 0 && (IsOnnx(editor_.node(producer), "Relu") ||
                          ClipBounds(editor_.graph(), editor_.node(producer)).has_value());
    if (as.unsigned_zero() != 0 || clipped) return real;
    const std::string name = editor_.graph().value(real).name + "_in_range";
    const ValueId result = editor_.AddValue(name, DType::kF32);
    Node clip{"", "Clip", "", {real}, {result}, {}};
    const float most = 255.0f * as.scale;
    if (editor_.graph().opset < kFirstOpsetOfClipInputs) {
      clip.attributes["min"] = 0.0f;
      clip.attributes["max"] = most;
    } else {
      clip.inputs.push_back(editor_.AddConstant(name + "_least", Scalar(0)));
      clip.inputs.push_back(editor_.AddConstant(name + "_most", Scalar(most)));
    }
    editor_.AddNode(std::move(clip));
    // Bytes of the one are bytes of the other.
    editor_.SetInput(quantize, 0, result);
    return result;
  }

  static Tensor Scalar(float value) {
    Tensor scalar(DType::kF32, Shape{});
    scalar.data<float>()[0] = value;
    return scalar;
  }

  const CostModel model_;
  const std::vector<std::optional<SymbolicShape>> shapes_;
  GraphEditor editor_;
  MinCut cut_;
  std::map<int, Unit> units_;  // by index of the node
  bool any_choice_ = false;
  std::vector<bool> is_float_;  // by node of the cut
};

}  // namespace

Graph MixPrecision(const Graph& graph, const CostModel& model) {
  std::optional<Graph> mixed = Mixer(TakeQuantizedApart(graph, true), model).Run();
  return mixed.has_value() ? *std::move(mixed) : graph;
}

}  // namespace visavis
