// Convolutions that read a dense picture of few channels.
#include <cstring>
#include <utility>

#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

// Rows of output per strip: the padded copy of a strip's input stays in L1 or L2.
constexpr int kStripRows = 16;

struct StemLayer {
  FusedConvNode node;
  std::vector<float> border;  // per input channel
  BlockedSpec spec;
  const KernelTable* kernels = nullptr;
  PackedConv weights;

  int rows_for(int output_rows) const {
    return (output_rows - 1) * node.geometry.stride +
           node.geometry.dilation[0] * (node.shape.kernel_h - 1) + 1;
  }
  std::size_t StripBytes(const Nchw& in) const {
    const int row_pixels = in.w + node.geometry.pad[1] + node.geometry.pad[3];
    const std::size_t floats = static_cast<std::size_t>(in.c) *
                               static_cast<std::size_t>(rows_for(kStripRows)) *
                               static_cast<std::size_t>(row_pixels);
    return (floats * sizeof(float) + 63) / 64 * 64;
  }
};

class StemStep final : public Step, public RowStep {
 public:
  StemStep(const StemLayer& layer, const NodeTypes& types, int threads)
      : layer_(layer),
        planned_threads_(threads),
        in_(*NchwOf(types.inputs[0].shape)),
        out_(types.outputs[0], types.output_storage[0]) {
    if (layer.node.has_residual) {
      residual_ = BlockedValue(types.inputs[1], types.input_storage[1]);
    }
    const ConvGeometry& g = layer.node.geometry;
    padded_ = g.padded();
    row_ = in_.w + (padded_ ? g.pad[1] + g.pad[3] : 0);
    plane_ = std::ptrdiff_t{row_} * (padded_ ? layer.rows_for(kStripRows) : in_.h);
    for (int c = 0; c < in_.c; ++c) {
      for (int y = 0; y < layer.node.shape.kernel_h; ++y) {
        for (int x = 0; x < layer.node.shape.kernel_w; ++x) {
          offsets_.push_back(c * plane_ + std::ptrdiff_t{y} * g.dilation[0] * row_ +
                             std::ptrdiff_t{x} * g.dilation[1]);
        }
      }
    }
  }

  Status Run(const StepContext& context) const override {
    out_.FillBorder(*layer_.kernels, context.output(0), layer_.spec);
    const int strips = (out_.dims().h + kStripRows - 1) / kStripRows;
    const bool share = planned_threads_ > 1 && ConvFlops(layer_.node, out_.dims()) >= kWorthSharing;
    ParallelFor(share ? context.pool() : nullptr, std::int64_t{strips} * in_.n,
                [&](std::int64_t item, int slot) {
                  const int image = static_cast<int>(item / strips);
                  const int first = static_cast<int>(item % strips) * kStripRows;
                  const int rows = std::min(kStripRows, out_.dims().h - first);
                  PlanarConvArgs args = Args();
                  args.blocked_out = out_.Out(context.output(0), image, first);
                  if (layer_.node.has_residual) {
                    args.epilogue = EpilogueAt(layer_.node, residual_, context.input(1), image);
                    args.epilogue.addend = residual_.In(context.input(1), image, first);
                  }
                  RunStrip(
                      args, context.in<float>(0) + std::ptrdiff_t{image} * in_.c * in_.h * in_.w,
                      {first, first + rows},
                      context.scratch() + static_cast<std::size_t>(slot) * layer_.StripBytes(in_));
                });
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(*layer_.kernels, false);
    info.algorithm = "stem";
    info.weight_bytes = layer_.weights.bytes;
    info.flops = ConvFlops(layer_.node, out_.dims());
    return info;
  }

  const RowStep* rows() const override { return layer_.node.has_residual ? nullptr : this; }

  RowRange Under(RowRange rows) const override { return RowsUnder(layer_.node, rows); }

  void RunRows(const RowWindow& in, const RowWindow& out, RowRange rows,
               std::byte* scratch) const override {
    const auto* picture = reinterpret_cast<const float*>(in.data);
    PlanarConvArgs args = Args();
    for (int first = rows.begin; first < rows.end; first += kStripRows) {
      args.blocked_out = out_.Out(out, first);
      RunStrip(args, picture, {first, std::min(first + kStripRows, rows.end)}, scratch);
    }
  }

  void FillBorder(const RowWindow& out, RowRange rows) const override {
    out_.FillBorder(*layer_.kernels, out, rows, layer_.spec);
  }

  std::size_t row_scratch_bytes() const override { return padded_ ? layer_.StripBytes(in_) : 0; }

 private:
  // All but where the picture and the result are, and the residual.
  PlanarConvArgs Args() const {
    PlanarConvArgs args;
    args.in_row = row_;
    args.stride = layer_.node.geometry.stride;
    args.depth = static_cast<int>(offsets_.size());
    args.offsets = offsets_.data();
    args.out_width = out_.dims().w;
    args.out_channels = out_.dims().c;
    args.weights = static_cast<const float*>(layer_.weights.data);
    args.vectors = layer_.weights.vectors;
    args.epilogue = layer_.node.epilogue.Kernel();
    return args;
  }

  // At most kStripRows rows.
  void RunStrip(PlanarConvArgs args, const float* picture, RowRange rows,
                std::byte* scratch) const {
    const ConvGeometry& g = layer_.node.geometry;
    if (padded_) {
      auto* strip = reinterpret_cast<float*>(scratch);
      CopyPadded(picture, rows.begin * g.stride - g.pad[0], layer_.rows_for(rows.count()), strip);
      args.in = strip;
    } else {
      args.in = picture + std::ptrdiff_t{rows.begin} * g.stride * row_;
    }
    layer_.kernels->conv_stem(args, 0, GroupsOf(out_.dims().blocks(), args.vectors), 0,
                              rows.count());
  }

  // Rows [first, first + rows) of the picture, which may lie outside it, with the border around.
  void CopyPadded(const float* picture, int first, int rows, float* strip) const {
    const int left = layer_.node.geometry.pad[1];
    const int right = layer_.node.geometry.pad[3];
    for (int c = 0; c < in_.c; ++c) {
      const float border = layer_.border[static_cast<std::size_t>(c)];
      for (int r = 0; r < rows; ++r) {
        float* to = strip + c * plane_ + std::ptrdiff_t{r} * row_;
        const int y = first + r;
        if (y < 0 || y >= in_.h) {
          std::fill(to, to + row_, border);
          continue;
        }
        std::fill(to, to + left, border);
        std::memcpy(to + left, picture + (std::ptrdiff_t{c} * in_.h + y) * in_.w,
                    static_cast<std::size_t>(in_.w) * sizeof(float));
        std::fill(to + left + in_.w, to + left + in_.w + right, border);
      }
    }
  }

  const StemLayer& layer_;
  const int planned_threads_;
  const Nchw in_;
  const BlockedValue out_;
  BlockedValue residual_;
  bool padded_ = false;
  std::ptrdiff_t row_ = 0;
  std::ptrdiff_t plane_ = 0;
  std::vector<std::ptrdiff_t> offsets_;
};

class Stem final : public Operator {
 public:
  Stem(FusedConvNode node, const std::vector<double>& border, BlockedSpec spec,
       const FastContext& context)
      : threads_(context.threads), store_(context.store) {
    const PackedConv packed = PackStemWeights(node.weights, node.shape, context);
    node.weights.Release();
    std::vector<float> values(static_cast<std::size_t>(node.shape.in_channels), 0.0f);
    for (std::size_t i = 0; i < border.size(); ++i) values[i] = static_cast<float>(border[i]);
    layer_ =
        StemLayer{std::move(node), std::move(values), std::move(spec), context.kernels, packed};
  }

  Status Infer(InferContext& context) const override {
    if (context.dtype(0) != DType::kF32) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want float32",
                       Name(context.dtype(0)));
    }
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    VISAVIS_ASSIGN_OR_RETURN(const Nchw out, layer_.node.OutputOf(in));
    VISAVIS_RETURN_IF_ERROR(CheckResidual(layer_.node, context, out));
    if (layer_.node.geometry.padded()) {
      context.SetScratch(layer_.StripBytes(in) * static_cast<std::size_t>(threads_));
    }
    return context.SetOutput(0, DType::kF32, out.shape(), BlockedStorage(out, layer_.spec));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<StemStep>(layer_, types, threads_);
  }

 private:
  StemLayer layer_;
  int threads_;
  std::shared_ptr<const WeightStore> store_;
};

}  // namespace

std::unique_ptr<Operator> MakeStemConv(FusedConvNode node, const std::vector<double>& border,
                                       BlockedSpec spec, const FastContext& context) {
  return std::make_unique<Stem>(std::move(node), border, std::move(spec), context);
}

}  // namespace visavis
