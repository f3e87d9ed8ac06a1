#include <algorithm>
#include <vector>

#include "runtime/fast/conv_step.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

TileGeometry GeometryOf(const FusedConvNode& node, const Nchw& output) {
  return MakeTileGeometry(node.shape, node.geometry.stride, output.h, output.w);
}

// Image by image: its pixels are gathered into planes, then multiplied.
class TileStep final : public Step {
 public:
  explicit TileStep(const ConvStepArgs& args)
      : a_(args),
        in_(args.types.inputs[0], args.types.input_storage[0]),
        out_(args.types.outputs[0], args.types.output_storage[0]),
        geometry_(GeometryOf(args.node, out_.dims())),
        offsets_(TileTapOffsets(geometry_)) {
    if (a_.node.has_residual) {
      residual_ = BlockedValue(a_.types.inputs[1], a_.types.input_storage[1]);
    }
  }

  Status Run(const StepContext& context) const override {
    out_.FillBorder(a_.kernels, context.output(0), a_.spec);
    ThreadPool* pool = ConvFlops(a_.node, out_.dims()) < kWorthSharing ? nullptr : context.pool();
    for (int image = 0; image < out_.dims().n; ++image) {
      Gather(context, image, pool);
      Multiply(context, image, pool);
    }
    return {};
  }

  StepInfo Describe() const override { return DescribeConv(a_, out_.dims()); }

 private:
  void Gather(const StepContext& context, int image, ThreadPool* pool) const {
    const ConvGeometry& g = a_.node.geometry;
    TileGatherArgs args;
    args.in = in_.In(context.input(0), image, -g.pad[0], -g.pad[1]);
    args.in_blocks = in_.dims().blocks();
    args.geometry = geometry_;
    args.planes = reinterpret_cast<std::uint16_t*>(context.scratch());
    const int pairs = TilePairsOf(in_.dims().c);
    ParallelPieces(
        pool, pairs, PiecesFor(pairs, ThreadsOf(pool)),
        [&](int begin, int end, int /*slot*/) { a_.kernels.gather_tiles(args, begin, end); });
  }

  // Groups first: every thread then reads only its own weights. Tiles where there are too few.
  void Multiply(const StepContext& context, int image, ThreadPool* pool) const {
    TileConvArgs args;
    args.planes = reinterpret_cast<const std::uint16_t*>(context.scratch());
    args.in_pairs = TilePairsOf(in_.dims().c);
    args.geometry = geometry_;
    args.tap_offsets = offsets_.data();
    args.out = out_.Out(context.output(0), image);
    args.out_blocks = out_.dims().blocks();
    args.weights = static_cast<const std::uint16_t*>(a_.weights.data);
    args.epilogue =
        EpilogueAt(a_.node, residual_, a_.node.has_residual ? context.input(1) : nullptr, image);
    const int groups = GroupsOf(args.out_blocks, kTileVectors);
    const int threads = ThreadsOf(pool);
    if (groups >= threads) {
      ParallelPieces(pool, groups, PiecesFor(groups, threads),
                     [&](int begin, int end, int /*slot*/) {
                       a_.kernels.conv_tiles(args, begin, end, 0, geometry_.tiles);
                     });
    } else {
      ParallelPieces(pool, geometry_.tiles, PiecesFor(geometry_.tiles, threads),
                     [&](int begin, int end, int /*slot*/) {
                       a_.kernels.conv_tiles(args, 0, groups, begin, end);
                     });
    }
  }

  const ConvStepArgs a_;
  const BlockedValue in_;
  const BlockedValue out_;
  BlockedValue residual_;
  const TileGeometry geometry_;
  const std::vector<std::ptrdiff_t> offsets_;
};

}  // namespace

std::unique_ptr<Step> MakeTileStep(const ConvStepArgs& args) {
  return std::make_unique<TileStep>(args);
}

std::size_t TileScratchBytes(const FusedConvNode& node, const Nchw& output) {
  return static_cast<std::size_t>(GeometryOf(node, output).pair) *
         static_cast<std::size_t>(TilePairsOf(node.shape.in_channels)) * sizeof(std::uint16_t);
}

}  // namespace visavis
