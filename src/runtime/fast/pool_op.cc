#include <utility>

#include "base/error.h"
#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

struct PoolLayer {
  PoolGeometry geometry;
  BlockedSpec spec;
  const KernelTable* kernels = nullptr;
};

// Windows of a pool along one axis. Rounding up may leave a last window that starts in the padding
// behind the picture; ONNX drops it.
int Windows(int extent, int pad_before, int pad_after, int kernel, int stride, bool ceil_mode) {
  const int span = extent + pad_before + pad_after - kernel;
  if (span < 0) return 0;
  int windows = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  if (ceil_mode && (windows - 1) * stride >= extent + pad_before) --windows;
  return windows;
}

class PoolStep final : public Step, public RowStep {
 public:
  PoolStep(const PoolLayer& layer, const NodeTypes& types)
      : layer_(layer),
        in_(types.inputs[0], types.input_storage[0]),
        out_(types.outputs[0], types.output_storage[0]) {}

  Status Run(const StepContext& context) const override {
    out_.FillBorder(*layer_.kernels, context.output(0), layer_.spec);
    for (int image = 0; image < out_.dims().n; ++image) {
      const BlockedIn in = in_.In(context.input(0), image);
      const BlockedOut out = out_.Out(context.output(0), image);
      const bool share = Work() >= kWorthSharing;
      const int rows = out_.dims().h;
      const int pieces = share ? PiecesFor(rows, ThreadsOf(context.pool())) : 1;
      ParallelPieces(context.pool(), rows, pieces, [&](int begin, int end, int /*slot*/) {
        Kernel()(Args(), in, out, out_.dims().blocks(), begin, end);
      });
    }
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(*layer_.kernels, false);
    info.algorithm = layer_.geometry.average ? "average pool" : "max pool";
    return info;
  }

  const RowStep* rows() const override { return layer_.geometry.average ? nullptr : this; }

  RowRange Under(RowRange rows) const override {
    const PoolGeometry& g = layer_.geometry;
    return {rows.begin * g.stride - g.pad[0], (rows.end - 1) * g.stride - g.pad[0] + g.kernel[0]};
  }

  void RunRows(const RowWindow& in, const RowWindow& out, RowRange rows,
               std::byte* /*scratch*/) const override {
    // As if the picture began at the first row read.
    const int start = Under(rows).begin;
    const int first = std::max(start, 0);
    PoolArgs args = Args();
    args.in_height -= first;
    args.pad_top = first - start;
    Kernel()(args, in_.In(in, first), out_.Out(out, rows.begin), out_.dims().blocks(), 0,
             rows.count());
  }

  void FillBorder(const RowWindow& out, RowRange rows) const override {
    out_.FillBorder(*layer_.kernels, out, rows, layer_.spec);
  }

 private:
  double Work() const {
    const PoolGeometry& g = layer_.geometry;
    return 1.0 * out_.dims().blocks() * kLanes * out_.dims().h * out_.dims().w * g.kernel[0] *
           g.kernel[1];
  }

  decltype(KernelTable::max_pool_blocked) Kernel() const {
    return layer_.geometry.average ? layer_.kernels->average_pool_blocked
                                   : layer_.kernels->max_pool_blocked;
  }

  PoolArgs Args() const {
    const PoolGeometry& g = layer_.geometry;
    PoolArgs args;
    args.in_height = in_.dims().h;
    args.in_width = in_.dims().w;
    args.out_width = out_.dims().w;
    args.kernel_h = g.kernel[0];
    args.kernel_w = g.kernel[1];
    args.stride = g.stride;
    args.pad_top = g.pad[0];
    args.pad_left = g.pad[1];
    args.pad_bottom = g.pad[2];
    args.pad_right = g.pad[3];
    args.count_padding = g.count_include_pad;
    return args;
  }

  const PoolLayer& layer_;
  const BlockedValue in_;
  const BlockedValue out_;
};

class Pool final : public Operator {
 public:
  Pool(const PoolGeometry& geometry, BlockedSpec spec, const FastContext& context)
      : layer_{geometry, std::move(spec), context.kernels} {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    const PoolGeometry& g = layer_.geometry;
    const auto windows = [&](int extent, std::size_t axis) {
      return Windows(extent, g.pad[axis], g.pad[axis + 2], g.kernel[axis], g.stride, g.ceil_mode);
    };
    const Nchw out{in.n, in.c, windows(in.h, 0), windows(in.w, 1)};
    if (out.h < 1 || out.w < 1) {
      return MakeError(ErrorCode::kInvalidArgument, "input {} is smaller than the {}x{} window",
                       in.shape().ToString(), g.kernel[0], g.kernel[1]);
    }
    return context.SetOutput(0, DType::kF32, out.shape(), BlockedStorage(out, layer_.spec));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<PoolStep>(layer_, types);
  }

 private:
  PoolLayer layer_;
};

}  // namespace

std::unique_ptr<Operator> MakeBlockedPool(const PoolGeometry& geometry, BlockedSpec spec,
                                          const FastContext& context) {
  return std::make_unique<Pool>(geometry, std::move(spec), context);
}

}  // namespace visavis
