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
        if (layer_.geometry.average) {
          Average(in, out, begin, end);
        } else {
          layer_.kernels->max_pool_blocked(Args(), in, out, out_.dims().blocks(), begin, end);
        }
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
    layer_.kernels->max_pool_blocked(args, in_.In(in, first), out_.Out(out, rows.begin),
                                     out_.dims().blocks(), 0, rows.count());
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
    return args;
  }

  // The first and last input index of a window, and how many positions divide its sum: those inside
  // the picture, or, if padding counts, those inside picture and padding.
  struct Window {
    int begin = 0;
    int end = 0;
    int counted = 0;
  };
  Window WindowAt(int index, std::size_t axis, int extent) const {
    const PoolGeometry& g = layer_.geometry;
    const int start = index * g.stride - g.pad[axis];
    Window window;
    window.begin = std::max(start, 0);
    window.end = std::min(start + g.kernel[axis], extent);
    window.counted = g.count_include_pad
                         ? std::min(start + g.kernel[axis], extent + g.pad[axis + 2]) - start
                         : window.end - window.begin;
    return window;
  }

  void Average(const BlockedIn& in, const BlockedOut& out, int y_begin, int y_end) const {
    for (int block = 0; block < out_.dims().blocks(); ++block) {
      for (int y = y_begin; y < y_end; ++y) {
        const Window rows = WindowAt(y, 0, in_.dims().h);
        for (int x = 0; x < out_.dims().w; ++x) {
          const Window columns = WindowAt(x, 1, in_.dims().w);
          const float scale = 1.0f / static_cast<float>(rows.counted * columns.counted);
          AverageOne(in, block, rows, columns, scale, out,
                     block * out.block + y * out.row + std::ptrdiff_t{x} * kLanes);
        }
      }
    }
  }

  void AverageOne(const BlockedIn& in, int block, const Window& rows, const Window& columns,
                  float scale, const BlockedOut& out, std::ptrdiff_t at) const {
    float sum[kLanes] = {};
    for (int y = rows.begin; y < rows.end; ++y) {
      for (int x = columns.begin; x < columns.end; ++x) {
        float pixel[kLanes];
        LoadLanes(*layer_.kernels, in, block * in.block + y * in.row + std::ptrdiff_t{x} * kLanes,
                  pixel);
        for (int lane = 0; lane < kLanes; ++lane) sum[lane] += pixel[lane];
      }
    }
    for (int lane = 0; lane < kLanes; ++lane) sum[lane] *= scale;
    StoreLanes(*layer_.kernels, sum, out, at);
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
