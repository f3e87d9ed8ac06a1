// Maps of single values on c64 bytes and blocked floats: what found no convolution to ride on.
#include <utility>

#include "model/graph/passes/graph_editor.h"
#include "runtime/fast/quant_operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

struct MapLayer {
  int channels = 0;
  std::optional<Quantization> x;  // nothing: floats
  int zero = 0;                   // subtracted from bytes
  QuantTail tail;
  const KernelTable* kernels = nullptr;
  std::string_view algorithm;
};

class MapStep final : public Step {
 public:
  MapStep(const MapLayer& layer, const NodeTypes& types)
      : layer_(layer), tail_(layer.tail, *layer.kernels, types, 1) {
    if (layer.x.has_value()) {
      in_ = QuantValue(types.inputs[0], types.input_storage[0]);
    } else {
      float_in_ = BlockedValue(types.inputs[0], types.input_storage[0]);
    }
  }

  Status Run(const StepContext& context) const override {
    tail_.FillBorders(context);
    const Nchw& d = tail_.dims();
    const bool share = double{16} * d.c * d.h * d.w >= kWorthSharing;
    const int pieces = share ? PiecesFor(d.h, ThreadsOf(context.pool())) : 1;
    for (int image = 0; image < d.n; ++image) {
      ParallelPieces(context.pool(), d.h, pieces, [&](int begin, int end, int /*slot*/) {
        BoundTail::Image bound;
        tail_.Bind(context, image, 0, bound);
        QuantMapArgs args;
        BlockedIn floats;
        if (layer_.x.has_value()) {
          args.in = in_.In(context.input(0), image);
          args.zero = layer_.zero;
        } else {
          floats = float_in_.In(context.input(0), image);
          args.float_in = &floats;
        }
        args.blocks = d.blocks();
        args.width = d.w;
        args.epilogue = bound.epilogue;
        layer_.kernels->quant.map(args, 0, GroupsOf(args.blocks, kQuantGroup), begin, end);
      });
    }
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = QuantKernelName(*layer_.kernels);
    info.algorithm = layer_.algorithm;
    return info;
  }

 private:
  const MapLayer& layer_;
  const BoundTail tail_;
  QuantValue in_;
  BlockedValue float_in_;
};

class Map final : public Operator {
 public:
  explicit Map(MapLayer layer) : layer_(std::move(layer)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    const DType want = layer_.x.has_value() ? layer_.x->dtype() : DType::kF32;
    if (context.dtype(0) != want) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want {}", Name(context.dtype(0)),
                       Name(want));
    }
    if (in.c != layer_.channels ||
        (layer_.tail.has_residual() && context.shape(1) != context.shape(0))) {
      return MakeError(ErrorCode::kInvalidArgument, "input {} does not fit {} channels{}",
                       in.shape().ToString(), layer_.channels,
                       layer_.tail.has_residual() ? " or the summand" : "");
    }
    return layer_.tail.SetOutputs(context, in);
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<MapStep>(layer_, types);
  }

 private:
  MapLayer layer_;
};

}  // namespace

std::unique_ptr<Operator> MakeQuantMap(const Graph& graph, const Node& map, QuantSpecs specs,
                                       const FastContext& context) {
  MapLayer layer;
  layer.x = GetQuantization(map, "x");
  layer.kernels = context.kernels;
  layer.algorithm = "map";
  layer.channels = static_cast<int>(map.Int("channels", 0));
  const auto count = static_cast<std::size_t>(layer.channels);
  QuantTailParts parts;
  parts.channels = layer.channels;
  parts.scale = ConstantDoubles(graph, map.input(kMapScale));
  if (parts.scale.empty()) parts.scale.assign(count, 1.0);
  for (double& s : parts.scale) s *= layer.x.has_value() ? double{layer.x->scale} : 1.0;
  parts.shift = ConstantDoubles(graph, map.input(kMapShift));
  parts.activation = ReadActivation(graph, map, kMapSlope, layer.channels);
  parts.has_residual = map.input(kMapResidual) != kNoValue;
  parts.residual_first = map.Int("residual_first", 0) != 0;
  parts.residual = GetQuantization(map, "residual");
  parts.out = GetQuantization(map, "out");
  if (layer.x.has_value()) layer.zero = layer.x->unsigned_zero();
  const bool plain_sum = map.input(kMapScale) == kNoValue &&
                         parts.activation.activation == Activation::kNone &&
                         parts.residual.has_value() && layer.x.has_value();
  if (plain_sum) {
    parts.added_to = layer.x;
    layer.zero -= layer.x->zero;
  }
  layer.tail = QuantTail(parts, std::move(specs));
  return std::make_unique<Map>(std::move(layer));
}

std::unique_ptr<Operator> MakeQuantize(const Quantization& to, int channels, QuantSpecs specs,
                                       const FastContext& context) {
  QuantTailParts parts;
  parts.channels = channels;
  parts.scale.assign(static_cast<std::size_t>(channels), 1.0);
  parts.out = to;
  return std::make_unique<Map>(MapLayer{
      channels, std::nullopt, 0, QuantTail(parts, std::move(specs)), context.kernels, "quantize"});
}

std::unique_ptr<Operator> MakeDequantize(const Quantization& from, int channels, QuantSpecs specs,
                                         const FastContext& context) {
  QuantTailParts parts;
  parts.channels = channels;
  parts.scale.assign(static_cast<std::size_t>(channels), double{from.scale});
  return std::make_unique<Map>(MapLayer{channels, from, from.unsigned_zero(),
                                        QuantTail(parts, std::move(specs)), context.kernels,
                                        "dequantize"});
}

}  // namespace visavis
