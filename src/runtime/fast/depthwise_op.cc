#include <utility>

#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

struct DepthwiseLayer {
  FusedConvNode node;
  BlockedSpec spec;
  const KernelTable* kernels = nullptr;
  const float* weights = nullptr;
  std::int64_t weight_bytes = 0;
};

class DepthwiseStep final : public Step, public RowStep {
 public:
  DepthwiseStep(const DepthwiseLayer& layer, const NodeTypes& types)
      : layer_(layer),
        in_(types.inputs[0], types.input_storage[0]),
        out_(types.outputs[0], types.output_storage[0]) {
    if (layer.node.has_residual) {
      residual_ = BlockedValue(types.inputs[1], types.input_storage[1]);
    }
  }

  Status Run(const StepContext& context) const override {
    out_.FillBorder(*layer_.kernels, context.output(0), layer_.spec);
    const int blocks = out_.dims().blocks();
    const int units = blocks * out_.dims().n;
    const bool share = ConvFlops(layer_.node, out_.dims()) >= kWorthSharing;
    const int pieces = share ? PiecesFor(units, ThreadsOf(context.pool())) : 1;
    ParallelPieces(context.pool(), units, pieces, [&](int begin, int end, int /*slot*/) {
      while (begin < end) {
        const int image = begin / blocks;
        const int last = std::min(end, (image + 1) * blocks);
        layer_.kernels->depthwise(ArgsOf(context, image), begin - image * blocks,
                                  last - image * blocks, 0, out_.dims().h);
        begin = last;
      }
    });
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(*layer_.kernels, false);
    info.algorithm = "depthwise";
    info.weight_bytes = layer_.weight_bytes;
    info.flops = ConvFlops(layer_.node, out_.dims());
    return info;
  }

  const RowStep* rows() const override { return layer_.node.has_residual ? nullptr : this; }

  RowRange Under(RowRange rows) const override { return RowsUnder(layer_.node, rows); }

  void RunRows(const RowWindow& in, const RowWindow& out, RowRange rows,
               std::byte* /*scratch*/) const override {
    DepthwiseArgs args = Args();
    args.in = in_.In(in, Under(rows).begin, -layer_.node.geometry.pad[1]);
    args.out = out_.Out(out, rows.begin);
    layer_.kernels->depthwise(args, 0, out_.dims().blocks(), 0, rows.count());
  }

  void FillBorder(const RowWindow& out, RowRange rows) const override {
    out_.FillBorder(*layer_.kernels, out, rows, layer_.spec);
  }

 private:
  // All but where pixels are and the residual.
  DepthwiseArgs Args() const {
    const FusedConvNode& node = layer_.node;
    DepthwiseArgs args;
    args.out_width = out_.dims().w;
    args.stride = node.geometry.stride;
    args.kernel_h = node.shape.kernel_h;
    args.kernel_w = node.shape.kernel_w;
    args.weights = layer_.weights;
    args.epilogue = node.epilogue.Kernel();
    return args;
  }

  DepthwiseArgs ArgsOf(const StepContext& context, int image) const {
    const FusedConvNode& node = layer_.node;
    DepthwiseArgs args = Args();
    args.in = in_.In(context.input(0), image, -node.geometry.pad[0], -node.geometry.pad[1]);
    args.out = out_.Out(context.output(0), image);
    args.epilogue =
        EpilogueAt(node, residual_, node.has_residual ? context.input(1) : nullptr, image);
    return args;
  }

  const DepthwiseLayer& layer_;
  const BlockedValue in_;
  const BlockedValue out_;
  BlockedValue residual_;
};

class Depthwise final : public Operator {
 public:
  Depthwise(FusedConvNode node, BlockedSpec spec, bool residual_alike, const FastContext& context)
      : residual_alike_(residual_alike), store_(context.store) {
    const int channels = node.shape.out_channels;
    const int taps = node.shape.kernel_h * node.shape.kernel_w;
    const std::vector<float> plain = node.weights.Rows(0, channels);
    const std::size_t bytes = PackedDepthwiseSize(channels, taps) * sizeof(float);
    auto* packed = static_cast<float*>(context.store->Allocate(bytes));
    PackDepthwise(plain.data(), channels, taps, packed);
    node.weights.Release();
    layer_ = DepthwiseLayer{std::move(node), std::move(spec), context.kernels, packed,
                            static_cast<std::int64_t>(bytes)};
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    VISAVIS_ASSIGN_OR_RETURN(const Nchw out, layer_.node.OutputOf(in));
    VISAVIS_RETURN_IF_ERROR(CheckResidual(layer_.node, context, out));
    return context.SetOutput(0, DType::kF32, out.shape(), BlockedStorage(out, layer_.spec));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<DepthwiseStep>(layer_, types);
  }

  bool may_overwrite(int i) const override { return i == 1 && residual_alike_; }

 private:
  DepthwiseLayer layer_;
  bool residual_alike_;
  std::shared_ptr<const WeightStore> store_;
};

}  // namespace

std::unique_ptr<Operator> MakeDepthwise(FusedConvNode node, BlockedSpec spec, bool residual_alike,
                                        const FastContext& context) {
  return std::make_unique<Depthwise>(std::move(node), std::move(spec), residual_alike, context);
}

}  // namespace visavis
