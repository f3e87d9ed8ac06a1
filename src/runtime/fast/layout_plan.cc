#include "runtime/fast/layout_plan.h"

#include <algorithm>
#include <utility>

#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/quantization.h"
#include "runtime/fast/blocked_node.h"
#include "runtime/fast/fused_node.h"

namespace visavis {
namespace {

// A dense picture of up to this many channels is read as it is; wider ones are blocked first.
constexpr std::int64_t kStemChannels = 4;

class Planner {
 public:
  Planner(const Graph& graph, DType store)
      : graph_(graph),
        store_(store),
        producers_(Producers(graph)),
        readers_(Consumers(graph)),
        shapes_(InferSymbolicShapes(graph)),
        is_output_(graph.values.size(), false) {
    for (const ValueId id : graph.outputs) is_output_[At(id)] = true;
    plan_.blocked.assign(graph.values.size(), false);
    plan_.bytes.assign(graph.values.size(), false);
    plan_.channels.assign(graph.values.size(), 0);
    plan_.specs.resize(graph.values.size());
  }

  LayoutPlan Run() {
    for (const Node& node : graph_.nodes) {
      plan_.kinds.push_back(NodeKind::kDense);
      plan_.kinds.back() = KindOf(node);
    }
    for (std::size_t id = 0; id < graph_.values.size(); ++id) {
      if (plan_.blocked[id]) plan_.specs[id] = SpecOf(static_cast<ValueId>(id));
    }
    return std::move(plan_);
  }

 private:
  static std::size_t At(ValueId id) { return static_cast<std::size_t>(id); }
  /// As floats.
  bool Blocked(ValueId id) const {
    return id != kNoValue && plan_.blocked[At(id)] && !plan_.bytes[At(id)];
  }
  bool Bytes(ValueId id) const { return id != kNoValue && plan_.bytes[At(id)]; }

  NodeKind MakesBlocked(const Node& node, NodeKind kind, int channels) {
    plan_.blocked[At(node.outputs[0])] = true;
    plan_.channels[At(node.outputs[0])] = channels;
    return kind;
  }

  NodeKind MakesBytes(const Node& node, NodeKind kind, int channels, std::size_t output = 0) {
    plan_.bytes[At(node.outputs[output])] = true;
    plan_.blocked[At(node.outputs[output])] = true;
    plan_.channels[At(node.outputs[output])] = channels;
    return kind;
  }

  NodeKind KindOf(const Node& node) {
    if (IsFused(node, kFusedConv)) {
      return IsQuantized(graph_, node) ? KindOfQuantConv(node) : KindOfConv(node);
    }
    if (IsFused(node, kFusedGemm)) {
      return IsQuantized(graph_, node) ? NodeKind::kQuantGemm : NodeKind::kFullyConnected;
    }
    if (IsFused(node, kQuantMap)) {
      return MakesBytes(node, NodeKind::kQuantizedMap, static_cast<int>(node.Int("channels", 0)));
    }
    if (node.outputs.size() != 1 || node.inputs.empty()) return NodeKind::kDense;
    if (IsOnnx(node, "Add") && node.inputs.size() == 2) {
      if (const NodeKind kind = KindOfAdd(node); kind != NodeKind::kDense) return kind;
    }
    // Arithmetic may have its constant first.
    const bool constant_first =
        node.inputs.size() == 2 && graph_.constant(node.inputs[0]) != nullptr;
    const ValueId x = node.inputs[constant_first ? 1 : 0];
    if (Bytes(x)) return KindOfBytesReader(node, x);
    if (!Blocked(x)) return NodeKind::kDense;
    const int channels = plan_.channels[At(x)];
    if (IsOnnx(node, "QuantizeLinear") && QuantizationOf(graph_, node).has_value()) {
      return MakesBytes(node, NodeKind::kQuantize, channels);
    }
    if (IsOnnx(node, "Shape")) return NodeKind::kShape;
    if (ReadChannelsLast(node).has_value()) return NodeKind::kChannelsLast;
    if (ReadPool(node).has_value()) return MakesBlocked(node, NodeKind::kPool, channels);
    if (ReadUpsample(graph_, node).has_value()) {
      return MakesBlocked(node, NodeKind::kUpsample, channels);
    }
    if (ReadPointwise(graph_, node, channels).has_value()) {
      return MakesBlocked(node, NodeKind::kAffine, channels);
    }
    return NodeKind::kDense;
  }

  NodeKind KindOfConv(const Node& node) {
    const Shape& weights = graph_.constant(node.inputs[kConvWeights])->shape();
    const int channels = static_cast<int>(weights[0]);
    if (ReadFusedConv(graph_, node).depthwise) {
      return MakesBlocked(node, NodeKind::kDepthwise, channels);
    }
    const bool stem = !Blocked(node.inputs[kConvX]) && weights[1] <= kStemChannels;
    return MakesBlocked(node, stem ? NodeKind::kStem : NodeKind::kConv, channels);
  }

  NodeKind KindOfBytesReader(const Node& node, ValueId x) {
    if (IsOnnx(node, "Shape")) return NodeKind::kShape;
    if (IsOnnx(node, "DequantizeLinear") && QuantizationOf(graph_, node).has_value()) {
      return MakesBlocked(node, NodeKind::kDequantize, plan_.channels[At(x)]);
    }
    return NodeKind::kDense;
  }

  NodeKind KindOfQuantConv(const Node& node) {
    const ValueId x = node.inputs[kConvX];
    const int channels = static_cast<int>(graph_.constant(node.inputs[kConvWeights])->shape()[0]);
    NodeKind kind = NodeKind::kQuantConv;
    if (ReadFusedConv(graph_, node).depthwise) {
      kind = NodeKind::kQuantDepthwise;
    } else if (ReadsPicture(node) && !Bytes(x)) {
      kind = NodeKind::kQuantPicture;
      SkipQuantize(x);
    }
    if (node.outputs.size() > 1) MakesBytes(node, kind, channels, 1);
    return GetQuantization(node, "out").has_value() ? MakesBytes(node, kind, channels)
                                                    : MakesBlocked(node, kind, channels);
  }

  bool ReadsPicture(const Node& node) const {
    return IsFused(node, kFusedConv) && IsQuantized(graph_, node) &&
           graph_.constant(node.inputs[kConvWeights])->shape()[1] <= kStemChannels &&
           !ReadFusedConv(graph_, node).depthwise;
  }

  // Convolutions quantize a picture themselves if nothing else reads it quantized.
  void SkipQuantize(ValueId x) {
    const int producer = producers_[At(x)];
    if (producer < 0 || is_output_[At(x)]) return;
    const Node& quantize = graph_.nodes[static_cast<std::size_t>(producer)];
    if (!IsOnnx(quantize, "QuantizeLinear")) return;
    const auto quantization = QuantizationOf(graph_, quantize);
    if (!quantization.has_value()) return;
    for (const int reader : readers_[At(x)]) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(reader)];
      if (!ReadsPicture(node) || GetQuantization(node, "x") != quantization) return;
    }
    plan_.kinds[static_cast<std::size_t>(producer)] = NodeKind::kSkipped;
    SkipMaps(quantize.inputs[0], PictureChannels(readers_[At(x)][0]));
  }

  std::size_t PictureChannels(int conv) const {
    const Node& node = graph_.nodes[static_cast<std::size_t>(conv)];
    return static_cast<std::size_t>(graph_.constant(node.inputs[kConvWeights])->shape()[1]);
  }

  // So do they with the maps before that, which normalise the picture.
  void SkipMaps(ValueId x, std::size_t channels) {
    for (int map = producers_[At(x)]; map >= 0; map = producers_[At(x)]) {
      if (readers_[At(x)].size() != 1 || is_output_[At(x)]) return;
      const auto affine = AsChannelAffine(graph_, graph_.nodes[static_cast<std::size_t>(map)], 4);
      if (!affine.has_value() || !affine->Fits(channels)) return;
      plan_.kinds[static_cast<std::size_t>(map)] = NodeKind::kSkipped;
      x = affine->x;
    }
  }

  NodeKind KindOfAdd(const Node& node) {
    if (!Blocked(node.inputs[0]) || !Blocked(node.inputs[1])) return NodeKind::kDense;
    const int channels = plan_.channels[At(node.inputs[0])];
    for (const std::size_t i : {0u, 1u}) {
      const ValueId small = node.inputs[i];
      const int producer = producers_[At(small)];
      if (producer < 0 || plan_.kinds[static_cast<std::size_t>(producer)] != NodeKind::kUpsample ||
          readers_[At(small)].size() != 1 || is_output_[At(small)]) {
        continue;
      }
      plan_.kinds[static_cast<std::size_t>(producer)] = NodeKind::kSkipped;
      plan_.blocked[At(small)] = false;
      return MakesBlocked(node, NodeKind::kUpsampleAdd, channels);
    }
    const auto& shape = shapes_[At(node.inputs[0])];
    if (!shape.has_value() || shape != shapes_[At(node.inputs[1])]) return NodeKind::kDense;
    return MakesBlocked(node, NodeKind::kAdd, channels);
  }

  // The border most readers need: that of the first padded one, as wide as any that reads the same
  // values there.
  BlockedSpec SpecOf(ValueId id) {
    BlockedSpec spec;
    spec.store = plan_.bytes[At(id)] ? DType::kU8 : store_;
    bool bordered = false;
    bool flattened = false;
    for (const int reader : readers_[At(id)]) {
      const Node& node = graph_.nodes[static_cast<std::size_t>(reader)];
      const NodeKind kind = plan_.kinds[static_cast<std::size_t>(reader)];
      flattened |= kind == NodeKind::kFullyConnected;
      if (node.inputs[0] != id) continue;
      const BorderNeed need = NeedOf(graph_, node, kind);
      if (!need.any()) continue;
      if (!bordered) spec.border_values = need.values;
      if (bordered && !need.SameValues(spec.border_values)) continue;
      spec.border = Widest(spec.border, need.border);
      bordered = true;
    }
    spec.contiguous = flattened && !bordered;
    return spec;
  }

  static Border Widest(const Border& a, const Border& b) {
    return Border{std::max(a.top, b.top), std::max(a.left, b.left), std::max(a.bottom, b.bottom),
                  std::max(a.right, b.right)};
  }

  const Graph& graph_;
  const DType store_;
  const std::vector<int> producers_;
  const std::vector<std::vector<int>> readers_;
  const std::vector<std::optional<SymbolicShape>> shapes_;
  std::vector<bool> is_output_;
  LayoutPlan plan_;
};

}  // namespace

LayoutPlan PlanLayouts(const Graph& graph, DType store) { return Planner(graph, store).Run(); }

bool BorderNeed::any() const { return border.top + border.left + border.bottom + border.right > 0; }

bool BorderNeed::SameValues(const std::shared_ptr<const PerChannel>& other) const {
  if (values == nullptr || other == nullptr) return values == other;
  return *values == *other;
}

BorderNeed NeedOf(const Graph& graph, const Node& node, NodeKind kind) {
  if (kind != NodeKind::kConv && kind != NodeKind::kDepthwise && kind != NodeKind::kQuantConv &&
      kind != NodeKind::kQuantDepthwise) {
    return {};
  }
  const std::array<int, 4> pad = GeometryOf(node).pad;
  BorderNeed need;
  need.border = Border{pad[0], pad[1], pad[2], pad[3]};
  const std::vector<double> values = ConstantDoubles(graph, node.inputs[kConvBorder]);
  if (std::ranges::any_of(values, [](double v) { return v != 0; })) {
    need.values =
        std::make_shared<const PerChannel>(PaddedToBlocks(values, static_cast<int>(values.size())));
  }
  return need;
}

bool Serves(const BlockedSpec& spec, const BorderNeed& need) {
  if (!need.any()) return true;
  const Border& have = spec.border;
  const Border& want = need.border;
  return have.top >= want.top && have.left >= want.left && have.bottom >= want.bottom &&
         have.right >= want.right && need.SameValues(spec.border_values);
}

}  // namespace visavis
