#include "runtime/fast/compile_fast.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/quantization.h"
#include "runtime/fast/blocked_node.h"
#include "runtime/fast/layout_plan.h"
#include "runtime/fast/quant_operators.h"

namespace visavis {
namespace {

bool SizesFixed(const Graph& graph) {
  return std::ranges::all_of(graph.inputs, [&](ValueId id) {
    const auto& shape = graph.value(id).shape;
    return shape.has_value() && !shape->empty() &&
           std::all_of(shape->begin() + 1, shape->end(), [](const Dim& d) { return d.known(); });
  });
}

class Compiler {
 public:
  Compiler(const Graph& graph, const CompileContext& context)
      : graph_(graph),
        context_(context),
        store_(context.precision == Precision::kBf16 ? DType::kBF16 : DType::kF32),
        plan_(PlanLayouts(graph, store_)),
        program_(ProgramShell(graph)) {
    fast_.kernels = context.kernels;
    fast_.cost =
        MakeCostModel(*context.kernels, context.precision, context.low_memory, FloatBytesOf(graph));
    fast_.threads = context.threads;
    fast_.pool = context.pool;
    fast_.store = std::make_shared<WeightStore>();
    fast_.sizes_fixed = SizesFixed(graph);
  }

  Result<Program> Run() {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      VISAVIS_RETURN_IF_ERROR(Emit(graph_.nodes[i], plan_.kinds[i]));
    }
    for (ValueId& id : program_.outputs) id = Dense(id);
    DropUnreadConstants(program_);
    program_.images_independent = ImagesIndependent();
    program_.quantized = std::ranges::any_of(graph_.nodes, [&](const Node& node) {
      return node.domain == kFusedDomain && IsQuantized(graph_, node);
    });
    return std::move(program_);
  }

 private:
  static std::size_t At(ValueId id) { return static_cast<std::size_t>(id); }
  const BlockedSpec& SpecOf(const Node& node) const { return plan_.specs[At(node.outputs[0])]; }

  Status Emit(const Node& node, NodeKind kind) {
    switch (kind) {
      case NodeKind::kDense:
        return EmitDense(node);
      case NodeKind::kShape:
        return AppendDense(program_, graph_, node, context_);
      case NodeKind::kConv:
      case NodeKind::kDepthwise:
      case NodeKind::kStem:
        EmitConv(node, kind);
        break;
      case NodeKind::kFullyConnected:
        EmitFullyConnected(node);
        break;
      case NodeKind::kPool:
        Append(node, {node.inputs[0]}, MakeBlockedPool(*ReadPool(node), SpecOf(node), fast_));
        break;
      case NodeKind::kAffine:
        EmitAffine(node);
        break;
      case NodeKind::kAdd:
        EmitAdd(node);
        break;
      case NodeKind::kUpsample:
        EmitUpsample(node, node, kNoValue);
        break;
      case NodeKind::kUpsampleAdd:
        EmitUpsampleAdd(node);
        break;
      case NodeKind::kSkipped:
        break;
      case NodeKind::kQuantConv:
      case NodeKind::kQuantDepthwise:
      case NodeKind::kQuantPicture:
        EmitQuantConv(node, kind);
        break;
      case NodeKind::kQuantGemm:
        EmitQuantGemm(node);
        break;
      case NodeKind::kQuantizedMap:
        EmitQuantMap(node);
        break;
      case NodeKind::kQuantize:
        Append(node, {node.inputs[0]},
               MakeQuantize(*QuantizationOf(graph_, node), plan_.channels[At(node.inputs[0])],
                            QuantSpecsOf(node), fast_));
        break;
      case NodeKind::kDequantize:
        Append(node, {node.inputs[0]},
               MakeDequantize(*QuantizationOf(graph_, node), plan_.channels[At(node.inputs[0])],
                              QuantSpecsOf(node), fast_));
        break;
      case NodeKind::kChannelsLast:
        Append(node, {node.inputs[0]}, MakeToChannelsLast(*ReadChannelsLast(node), fast_));
        break;
    }
    return {};
  }

  // Blocked operators treat each image alone. Of the dense ones only Softmax over another axis than
  // the batch, and quantization, go with them in our networks.
  bool ImagesIndependent() const {
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (plan_.kinds[i] == NodeKind::kShape) return false;
      if (plan_.kinds[i] == NodeKind::kChannelsLast && ReadChannelsLast(node)->batch_third) {
        return false;
      }
      if (plan_.kinds[i] == NodeKind::kDense &&
          !(IsOnnx(node, "Softmax") && node.Int("axis", 1) >= 1) &&
          !QuantizationOf(graph_, node).has_value()) {
        return false;
      }
    }
    return true;
  }

  Status EmitDense(const Node& node) {
    std::vector<ValueId> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(id == kNoValue ? id : Dense(id));
    VISAVIS_RETURN_IF_ERROR(AppendDense(program_, graph_, node, context_));
    program_.nodes.back().inputs = std::move(inputs);
    return {};
  }

  void EmitConv(const Node& node, NodeKind kind) {
    FusedConvNode conv = ReadFusedConv(graph_, node);
    const ValueId residual = node.inputs[kConvResidual];
    const BlockedSpec& spec = SpecOf(node);
    std::vector<ValueId> inputs;
    inputs.push_back(kind == NodeKind::kStem
                         ? Dense(node.inputs[kConvX])
                         : Blocked(node.inputs[kConvX], NeedOf(graph_, node, kind)));
    if (residual != kNoValue) inputs.push_back(Blocked(residual, BorderNeed{}));
    const bool alike = residual != kNoValue && plan_.blocked[At(residual)] &&
                       SameGeometry(plan_.specs[At(residual)], spec);
    std::unique_ptr<Operator> op;
    if (kind == NodeKind::kStem) {
      op = MakeStemConv(std::move(conv), ConstantDoubles(graph_, node.inputs[kConvBorder]), spec,
                        fast_);
    } else if (kind == NodeKind::kDepthwise) {
      op = MakeDepthwise(std::move(conv), spec, alike, fast_);
    } else {
      op = MakeBlockedConv(std::move(conv), spec, alike, fast_);
    }
    Append(node, std::move(inputs), std::move(op));
  }

  QuantSpecs QuantSpecsOf(const Node& node) const {
    QuantSpecs specs;
    specs.out = SpecOf(node);
    if (node.outputs.size() > 1) specs.copy_border = plan_.specs[At(node.outputs[1])].border;
    return specs;
  }

  void EmitQuantConv(const Node& node, NodeKind kind) {
    const ValueId x = node.inputs[kConvX];
    QuantConvForm form;
    std::vector<ValueId> inputs;
    if (kind == NodeKind::kQuantPicture) {
      form = PictureForm(node);
      inputs.push_back(Dense(form.input));
    } else {
      if (kind == NodeKind::kQuantDepthwise) form.kind = QuantConvForm::Kind::kDepthwise;
      inputs.push_back(
          BlockedBytes(x, NeedOf(graph_, node, kind).border, *GetQuantization(node, "x")));
    }
    AddResidual(node, kConvResidual, inputs);
    Append(node, std::move(inputs),
           MakeQuantConv(graph_, node, std::move(form), QuantSpecsOf(node), fast_));
  }

  const Node* ProducerOf(ValueId id) const {
    const auto found = std::ranges::find_if(graph_.nodes, [&](const Node& other) {
      return !other.outputs.empty() && other.outputs[0] == id;
    });
    return found == graph_.nodes.end() ? nullptr : &*found;
  }

  QuantConvForm PictureForm(const Node& node) const {
    QuantConvForm form;
    form.kind = QuantConvForm::Kind::kPicture;
    const auto skipped = [&](ValueId id) {
      const Node* made_by = ProducerOf(id);
      const bool taken_over =
          made_by != nullptr &&
          plan_.kinds[static_cast<std::size_t>(made_by - graph_.nodes.data())] ==
              NodeKind::kSkipped;
      return taken_over ? made_by : nullptr;
    };
    form.input = node.inputs[kConvX];
    const Node* quantize = skipped(form.input);
    if (quantize == nullptr) return form;
    form.quantizes_picture = true;
    form.input = quantize->inputs[0];
    const auto channels =
        static_cast<std::size_t>(graph_.constant(node.inputs[kConvWeights])->shape()[1]);
    std::vector<double> factor(channels, 1.0);
    std::vector<double> term(channels, 0.0);
    for (const Node* map = skipped(form.input); map != nullptr; map = skipped(form.input)) {
      const ChannelAffine affine = *AsChannelAffine(graph_, *map, 4);
      for (std::size_t c = 0; c < channels; ++c) {
        term[c] += factor[c] * affine.ShiftAt(c);
        factor[c] *= affine.ScaleAt(c);
      }
      form.input = affine.x;
    }
    form.factor.assign(factor.begin(), factor.end());
    form.term.assign(term.begin(), term.end());
    return form;
  }

  void AddResidual(const Node& node, std::size_t input, std::vector<ValueId>& inputs) {
    const ValueId residual = node.input(input);
    if (residual == kNoValue) return;
    const auto stored = GetQuantization(node, "residual");
    inputs.push_back(stored.has_value() ? BlockedBytes(residual, Border{}, *stored)
                                        : Blocked(residual, BorderNeed{}));
  }

  void EmitQuantGemm(const Node& node) {
    const ValueId x = node.inputs[kGemmX];
    const auto depth = static_cast<int>(graph_.constant(node.inputs[kGemmWeights])->shape()[1]);
    const int channels = plan_.bytes[At(x)] ? plan_.channels[At(x)] : 0;
    const bool blocked = channels > 0 && depth % channels == 0;
    Append(node, {blocked ? x : Dense(x)},
           MakeQuantGemm(graph_, node, blocked ? channels : 0, fast_));
  }

  void EmitQuantMap(const Node& node) {
    const ValueId x = node.inputs[kMapX];
    const auto stored = GetQuantization(node, "x");
    std::vector<ValueId> inputs = {stored.has_value() ? BlockedBytes(x, Border{}, *stored)
                                                      : Blocked(x, BorderNeed{})};
    AddResidual(node, kMapResidual, inputs);
    Append(node, std::move(inputs), MakeQuantMap(graph_, node, QuantSpecsOf(node), fast_));
  }

  static bool SameGeometry(const BlockedSpec& a, const BlockedSpec& b) {
    return a.border.top == b.border.top && a.border.left == b.border.left &&
           a.border.bottom == b.border.bottom && a.border.right == b.border.right &&
           a.contiguous == b.contiguous && a.store == b.store;
  }

  void EmitFullyConnected(const Node& node) {
    FusedGemmNode gemm = ReadFusedGemm(graph_, node);
    const ValueId x = node.inputs[kGemmX];
    const int channels = plan_.channels[At(x)];
    const bool blocked = plan_.blocked[At(x)] && gemm.weights.in() % channels == 0;
    ValueId input = x;
    if (!blocked) {
      input = Dense(x);
    } else if (!plan_.specs[At(x)].contiguous) {
      BlockedSpec spec;
      spec.store = store_;
      spec.contiguous = true;
      input = Reborder(x, spec);
    }
    Append(node, {input},
           MakeFullyConnected(std::move(gemm), blocked ? channels : 0, store_, fast_));
  }

  void EmitAffine(const Node& node) {
    const ValueId blocked =
        graph_.constant(node.inputs[0]) == nullptr ? node.inputs[0] : node.inputs[1];
    const int channels = plan_.channels[At(blocked)];
    PointwiseNode map = *ReadPointwise(graph_, node, channels);
    Append(node, {map.x},
           MakeBlockedAffine(channels, std::move(map.scale), std::move(map.epilogue), false,
                             SpecOf(node), fast_));
  }

  void EmitAdd(const Node& node) {
    const int channels = plan_.channels[At(node.inputs[0])];
    FusedEpilogue none;
    none.bias = PaddedToBlocks({}, channels);
    Append(node, node.inputs,
           MakeBlockedAffine(channels, {}, std::move(none), true, SpecOf(node), fast_));
  }

  // `node` upsamples; `result` is the node whose output is made (an Add of `addend`, or `node`).
  void EmitUpsample(const Node& node, const Node& result, ValueId addend) {
    UpsampleGeometry geometry = *ReadUpsample(graph_, node);
    std::vector<ValueId> inputs = {node.inputs[0]};
    const bool adds = addend != kNoValue;
    if (adds) inputs.push_back(Blocked(addend, BorderNeed{}));
    for (int* index : {&geometry.scales_input, &geometry.sizes_input}) {
      if (*index < 0) continue;
      const ValueId from = node.input(static_cast<std::size_t>(*index));
      *index = static_cast<int>(inputs.size());
      inputs.push_back(Dense(from));
    }
    Append(result, std::move(inputs),
           MakeBlockedUpsample(std::move(geometry), adds, SpecOf(result), fast_));
  }

  void EmitUpsampleAdd(const Node& node) {
    const std::size_t small = plan_.blocked[At(node.inputs[0])] ? 1 : 0;
    const auto upsample = std::ranges::find_if(graph_.nodes, [&](const Node& other) {
      return !other.outputs.empty() && other.outputs[0] == node.inputs[small];
    });
    VISAVIS_CHECK(upsample != graph_.nodes.end());
    EmitUpsample(*upsample, node, node.inputs[1 - small]);
  }

  void Append(const Node& node, std::vector<ValueId> inputs, std::unique_ptr<Operator> op) {
    program_.nodes.push_back(ProgramNode{std::move(op), graph_.Describe(node), node.op_type,
                                         std::move(inputs), node.outputs});
  }

  ValueId AppendChange(ValueId from, const char* what, std::unique_ptr<Operator> op) {
    const std::string name = program_.values[At(from)].name + what;
    const ValueId to = program_.AddValue(name);  // moves the values
    program_.nodes.push_back(ProgramNode{std::move(op), name, "Layout", {from}, {to}});
    return to;
  }

  /// The dense form of a value of the graph.
  ValueId Dense(ValueId id) {
    if (At(id) >= plan_.blocked.size() || !plan_.blocked[At(id)]) return id;
    const auto found = dense_.find(id);
    if (found != dense_.end()) return found->second;
    return dense_[id] = AppendChange(id, " (dense)",
                                     plan_.bytes[At(id)] ? MakeC64ToBytes() : MakeToDense(fast_));
  }

  /// The c64 form of a value of bytes, with at least `border` of its zero point around it.
  ValueId BlockedBytes(ValueId id, const Border& border, const Quantization& stored) {
    if (!plan_.bytes[At(id)]) {
      return AppendChange(id, " (c64)", MakeBytesToC64(border, stored));
    }
    if (Serves(plan_.specs[At(id)], BorderNeed{border, nullptr})) return id;
    return AppendChange(id, " (other border)", MakeC64Reborder(border, stored));
  }

  /// The blocked form of a value of the graph, with what `need` wants around it.
  ValueId Blocked(ValueId id, const BorderNeed& need) {
    BlockedSpec spec;
    spec.border = need.border;
    spec.border_values = need.values;
    spec.store = store_;
    if (!plan_.blocked[At(id)]) return AppendChange(id, " (c16)", MakeToBlocked(spec, fast_));
    if (Serves(plan_.specs[At(id)], need)) return id;
    return Reborder(id, spec);
  }

  ValueId Reborder(ValueId id, const BlockedSpec& spec) {
    return AppendChange(id, " (other border)", MakeReborder(spec, fast_));
  }

  const Graph& graph_;
  const CompileContext& context_;
  const DType store_;
  const LayoutPlan plan_;
  FastContext fast_;
  Program program_;
  std::map<ValueId, ValueId> dense_;
};

}  // namespace

Result<Program> CompileFast(const Graph& graph, const CompileContext& context) {
  // The portable table emulates bf16 products, for comparison; other tables would be as slow.
  const KernelTable& kernels = *context.kernels;
  if (context.precision == Precision::kBf16 && !kernels.fast_bf16 &&
      std::string_view(kernels.isa) != "scalar") {
    return MakeError(ErrorCode::kUnsupported, "precision bf16 wants AVX512-BF16, not {}",
                     kernels.isa);
  }
  return Compiler(graph, context).Run();
}

}  // namespace visavis
