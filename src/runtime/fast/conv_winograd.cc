#include "runtime/fast/conv_step.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

std::size_t Aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// Bytes of the three buffers of one pass (WinogradTiles).
struct PassBuffers {
  std::size_t v = 0;
  std::size_t products = 0;
  std::size_t u = 0;
  std::size_t total() const { return v + products + u; }
};

PassBuffers BuffersOf(const ConvAlgorithm& algorithm, int vectors, int in_blocks, int tiles) {
  const int m = algorithm.winograd_m;
  PassBuffers buffers;
  buffers.v = Aligned(WinogradInputSize(m, in_blocks, tiles) * (algorithm.bf16 ? 2 : 4));
  buffers.products = Aligned(WinogradProductSize(m, vectors, tiles) * sizeof(float));
  buffers.u = algorithm.raw ? Aligned(WinogradRawSize(m, vectors) * sizeof(float)) : 0;
  return buffers;
}

// 14x14 on two threads: 0.36 ms, and 0.39 when they share V. The more threads, the larger the part
// of an own transform in a thread's work.
constexpr int kMostTransformingAlone = 4;

int TilesOf(const ConvAlgorithm& algorithm, const Nchw& output) {
  return output.n * WinogradTileCount(algorithm.winograd_m, output.h, output.w);
}

class WinogradStep final : public Step {
 public:
  WinogradStep(const ConvStepArgs& args, int threads)
      : a_(args),
        in_(args.types.inputs[0], args.types.input_storage[0]),
        out_(args.types.outputs[0], args.types.output_storage[0]),
        planned_threads_(threads),
        tiles_(TilesOf(args.algorithm, out_.dims())),
        tiles_per_pass_(WinogradTilesPerPass(tiles_, threads)),
        buffers_(
            BuffersOf(args.algorithm, args.weights.vectors, in_.dims().blocks(), tiles_per_pass_)) {
    if (a_.node.has_residual) {
      residual_ = BlockedValue(a_.types.inputs[1], a_.types.input_storage[1]);
    }
  }

  Status Run(const StepContext& context) const override {
    out_.FillBorder(a_.kernels, context.output(0), a_.spec);
    if (tiles_ == 0) return {};
    const WinogradArgs args = ArgsOf(context);
    const int threads = std::min(ThreadsOf(context.pool()), planned_threads_);
    const int passes = (tiles_ + tiles_per_pass_ - 1) / tiles_per_pass_;
    if (threads > 1 && passes >= threads) {
      ParallelFor(context.pool(), passes, [&](std::int64_t pass, int slot) {
        RunPass(args, TilesAt(context.scratch(), static_cast<int>(pass), slot));
      });
      return {};
    }
    ThreadPool* pool = ConvFlops(a_.node, out_.dims()) < kWorthSharing ? nullptr : context.pool();
    for (int pass = 0; pass < passes; ++pass) SharePass(context, args, pass, pool);
    return {};
  }

  StepInfo Describe() const override { return DescribeConv(a_, out_.dims()); }

 private:
  WinogradArgs ArgsOf(const StepContext& context) const {
    WinogradArgs args;
    const ConvGeometry& g = a_.node.geometry;
    args.m = a_.algorithm.winograd_m;
    args.in = in_.In(context.input(0), 0, -g.pad[0], -g.pad[1]);
    args.out = out_.Out(context.output(0), 0);
    args.in_image = in_.image_stride();
    args.out_image = out_.image_stride();
    args.in_blocks = in_.dims().blocks();
    args.last_lanes = LastLanesOf(in_.dims().c);
    args.out_blocks = out_.dims().blocks();
    args.height = out_.dims().h;
    args.width = out_.dims().w;
    args.vectors = a_.weights.vectors;
    if (a_.algorithm.raw) {
      args.raw_weights = static_cast<const float*>(a_.weights.data);
    } else {
      args.weights = a_.weights.data;
    }
    args.epilogue =
        EpilogueAt(a_.node, residual_, a_.node.has_residual ? context.input(1) : nullptr, 0);
    args.addend_image = residual_.image_stride();
    return args;
  }

  // The buffers of thread `slot` for one pass.
  WinogradTiles TilesAt(std::byte* scratch, int pass, int slot) const {
    std::byte* own = scratch + static_cast<std::size_t>(slot) * buffers_.total();
    WinogradTiles tiles;
    tiles.begin = pass * tiles_per_pass_;
    tiles.count = std::min(tiles_per_pass_, tiles_ - tiles.begin);
    tiles.v = own;
    tiles.products = reinterpret_cast<float*>(own + buffers_.v);
    tiles.u = reinterpret_cast<float*>(own + buffers_.v + buffers_.products);
    return tiles;
  }

  void TransformInput(const WinogradArgs& args, const WinogradTiles& tiles, int begin,
                      int end) const {
    const auto run =
        a_.algorithm.bf16 ? a_.kernels.winograd_input_bf16 : a_.kernels.winograd_input_f32;
    run(args, tiles, begin, end);
  }

  void MultiplyAndTransform(const WinogradArgs& args, const WinogradTiles& tiles, int begin,
                            int end) const {
    const auto run = a_.algorithm.bf16  ? a_.kernels.winograd_output_bf16
                     : a_.algorithm.raw ? a_.kernels.winograd_output_raw
                                        : a_.kernels.winograd_output_f32;
    run(args, tiles, begin, end);
  }

  void RunPass(const WinogradArgs& args, const WinogradTiles& tiles) const {
    TransformInput(args, tiles, 0, args.in_blocks);
    MultiplyAndTransform(args, tiles, 0, GroupsOf(args.out_blocks, args.vectors));
  }

  // One pass by all threads, each with its own groups' weights. A few threads with as many groups
  // each transform all of the input for themselves: that takes less time than waiting for the
  // others and fetching what they transformed. Else they share V.
  void SharePass(const StepContext& context, const WinogradArgs& args, int pass,
                 ThreadPool* pool) const {
    if (pool == nullptr) {
      RunPass(args, TilesAt(context.scratch(), pass, 0));
      return;
    }
    const int threads = std::min(pool->threads(), planned_threads_);
    const int groups = GroupsOf(args.out_blocks, args.vectors);
    if (threads <= kMostTransformingAlone && groups % threads == 0) {
      ParallelPieces(pool, groups, threads, [&](int begin, int end, int slot) {
        const WinogradTiles tiles = TilesAt(context.scratch(), pass, slot);
        TransformInput(args, tiles, 0, args.in_blocks);
        MultiplyAndTransform(args, tiles, begin, end);
      });
      return;
    }
    void* shared_v = TilesAt(context.scratch(), pass, 0).v;
    const auto tiles_of = [&](int slot) {
      WinogradTiles tiles = TilesAt(context.scratch(), pass, slot);
      tiles.v = shared_v;
      return tiles;
    };
    ParallelPieces(
        pool, args.in_blocks, PiecesFor(args.in_blocks, threads),
        [&](int begin, int end, int slot) { TransformInput(args, tiles_of(slot), begin, end); });
    ParallelPieces(pool, groups, PiecesFor(groups, threads), [&](int begin, int end, int slot) {
      MultiplyAndTransform(args, tiles_of(slot), begin, end);
    });
  }

  const ConvStepArgs a_;
  const BlockedValue in_;
  const BlockedValue out_;
  BlockedValue residual_;
  const int planned_threads_;
  const int tiles_;
  const int tiles_per_pass_;
  const PassBuffers buffers_;
};

}  // namespace

std::unique_ptr<Step> MakeWinogradStep(const ConvStepArgs& args, int threads) {
  return std::make_unique<WinogradStep>(args, threads);
}

std::size_t WinogradScratchBytes(const FusedConvNode& node, const ConvAlgorithm& algorithm,
                                 int vectors, const Nchw& output, int threads) {
  const int tiles = WinogradTilesPerPass(TilesOf(algorithm, output), threads);
  const PassBuffers buffers =
      BuffersOf(algorithm, vectors, BlocksOf(node.shape.in_channels), tiles);
  return buffers.total() * static_cast<std::size_t>(threads);
}

}  // namespace visavis
