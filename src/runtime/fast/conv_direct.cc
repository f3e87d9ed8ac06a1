#include <vector>

#include "runtime/fast/conv_step.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

// Weights beyond this do not stay in a core's L2 from one image to the next: images then take turns
// under each group of output channels.
constexpr std::int64_t kL2WeightBytes = 512 << 10;

class DirectStep final : public Step, public RowStep {
 public:
  explicit DirectStep(const ConvStepArgs& args)
      : a_(args),
        in_(args.types.inputs[0], args.types.input_storage[0]),
        out_(args.types.outputs[0], args.types.output_storage[0]) {
    if (a_.node.has_residual) {
      residual_ = BlockedValue(a_.types.inputs[1], a_.types.input_storage[1]);
    }
    const ConvGeometry& g = a_.node.geometry;
    const ConvShape& shape = a_.node.shape;
    for (int y = 0; y < shape.kernel_h; ++y) {
      for (int x = 0; x < shape.kernel_w; ++x) {
        offsets_.push_back(y * g.dilation[0] * in_.row_stride() +
                           std::ptrdiff_t{x} * g.dilation[1] * kLanes);
      }
    }
    conv_.in_blocks = in_.dims().blocks();
    conv_.last_lanes = LastLanesOf(in_.dims().c);
    conv_.out_blocks = out_.dims().blocks();
    conv_.out_width = out_.dims().w;
    conv_.stride = g.stride;
    conv_.taps = shape.kernel_h * shape.kernel_w;
    conv_.weights = a_.weights.data;
    conv_.vectors = a_.weights.vectors;
  }

  Status Run(const StepContext& context) const override {
    std::byte* out = context.output(0);
    out_.FillBorder(a_.kernels, out, a_.spec);
    const auto run = a_.algorithm.bf16 ? a_.kernels.conv_bf16 : a_.kernels.conv_f32;
    const Split split = SplitFor(ThreadsOf(context.pool()));
    const int groups = GroupsOf(conv_.out_blocks, conv_.vectors);
    const int images = out_.dims().n;
    ParallelFor(context.pool(), std::int64_t{split.groups} * images * split.rows,
                [&](std::int64_t item, int /*slot*/) {
                  const int row_piece = static_cast<int>(item % split.rows);
                  const int image = static_cast<int>(item / split.rows % images);
                  const int group_piece = static_cast<int>(item / split.rows / images);
                  const Piece g = PieceOf(groups, split.groups, group_piece);
                  const Piece y = PieceOf(out_.dims().h, split.rows, row_piece);
                  run(ArgsOf(context, image), g.begin, g.end, y.begin, y.end);
                });
    return {};
  }

  StepInfo Describe() const override { return DescribeConv(a_, out_.dims()); }

  const RowStep* rows() const override { return a_.node.has_residual ? nullptr : this; }

  RowRange Under(RowRange rows) const override { return RowsUnder(a_.node, rows); }

  void RunRows(const RowWindow& in, const RowWindow& out, RowRange rows,
               std::byte* /*scratch*/) const override {
    ConvArgs args = conv_;
    args.tap_offsets = offsets_.data();
    args.in = in_.In(in, Under(rows).begin, -a_.node.geometry.pad[1]);
    args.out = out_.Out(out, rows.begin);
    args.epilogue = a_.node.epilogue.Kernel();
    const auto run = a_.algorithm.bf16 ? a_.kernels.conv_bf16 : a_.kernels.conv_f32;
    run(args, 0, GroupsOf(conv_.out_blocks, conv_.vectors), 0, rows.count());
  }

  void FillBorder(const RowWindow& out, RowRange rows) const override {
    out_.FillBorder(a_.kernels, out, rows, a_.spec);
  }

 private:
  struct Split {
    int groups = 1;
    int rows = 1;
  };

  ConvArgs ArgsOf(const StepContext& context, int image) const {
    ConvArgs args = conv_;
    const ConvGeometry& g = a_.node.geometry;
    args.tap_offsets = offsets_.data();
    args.in = in_.In(context.input(0), image, -g.pad[0], -g.pad[1]);
    args.out = out_.Out(context.output(0), image);
    args.epilogue =
        EpilogueAt(a_.node, residual_, a_.node.has_residual ? context.input(1) : nullptr, image);
    return args;
  }

  // Groups first: every thread then reads only its own weights. Rows where there are too few.
  Split SplitFor(int threads) const {
    const int groups = GroupsOf(conv_.out_blocks, conv_.vectors);
    const int images = out_.dims().n;
    Split split;
    if (images > 1 && a_.weights.bytes > kL2WeightBytes) split.groups = groups;
    if (threads == 1 || images >= threads || ConvFlops(a_.node, out_.dims()) < kWorthSharing) {
      return split;
    }
    if (groups >= threads) {
      split.groups = std::max(split.groups, PiecesFor(groups, threads));
    } else {
      split.rows = PiecesFor(out_.dims().h, threads);
    }
    return split;
  }

  const ConvStepArgs a_;
  const BlockedValue in_;
  const BlockedValue out_;
  BlockedValue residual_;
  std::vector<std::ptrdiff_t> offsets_;
  ConvArgs conv_;
};

}  // namespace

std::unique_ptr<Step> MakeDirectStep(const ConvStepArgs& args) {
  return std::make_unique<DirectStep>(args);
}

StepInfo DescribeConv(const ConvStepArgs& args, const Nchw& output) {
  StepInfo info;
  info.kernel = KernelName(args.kernels, args.algorithm.bf16);
  info.algorithm = Name(args.algorithm);
  info.weight_bytes = args.weights.bytes;
  info.flops = ConvFlops(args.node, output);
  return info;
}

Epilogue EpilogueAt(const FusedConvNode& node, const BlockedValue& residual, const std::byte* base,
                    int image) {
  Epilogue epilogue = node.epilogue.Kernel();
  if (node.has_residual) {
    epilogue.residual =
        node.residual_first ? Residual::kBeforeActivation : Residual::kAfterActivation;
    epilogue.addend = residual.In(base, image);
  }
  return epilogue;
}

RowRange RowsUnder(const FusedConvNode& node, RowRange rows) {
  const ConvGeometry& g = node.geometry;
  return {rows.begin * g.stride - g.pad[0],
          (rows.end - 1) * g.stride - g.pad[0] + g.dilation[0] * (node.shape.kernel_h - 1) + 1};
}

double ConvFlops(const FusedConvNode& node, const Nchw& output) {
  return 2.0 * output.n * output.c * output.h * output.w * node.shape.in_channels *
         node.shape.kernel_h * node.shape.kernel_w;
}

std::string KernelName(const KernelTable& kernels, bool bf16) {
  return std::string(kernels.isa) + (bf16 ? " c16 bf16" : " c16");
}

}  // namespace visavis
