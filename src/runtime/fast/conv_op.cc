#include <utility>

#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"

namespace visavis {
namespace {

class BlockedConv final : public Operator {
 public:
  BlockedConv(FusedConvNode node, BlockedSpec spec, bool residual_alike, const FastContext& context)
      : node_(std::move(node)),
        spec_(std::move(spec)),
        residual_alike_(residual_alike),
        kernels_(*context.kernels),
        threads_(context.threads),
        weights_(std::move(node_.weights), node_.shape, context) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    VISAVIS_ASSIGN_OR_RETURN(const Nchw out, node_.OutputOf(in));
    VISAVIS_RETURN_IF_ERROR(CheckResidual(node_, context, out));
    const ConvAlgorithm algorithm = AlgorithmFor(out);
    if (algorithm.winograd_m != 0) {
      const int vectors = weights_.Get(algorithm).vectors;
      context.SetScratch(WinogradScratchBytes(node_, algorithm, vectors, out, threads_));
    } else if (algorithm.tiles) {
      context.SetScratch(TileScratchBytes(node_, out));
    }
    return context.SetOutput(0, DType::kF32, out.shape(), BlockedStorage(out, spec_));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    const BlockedValue out(types.outputs[0], types.output_storage[0]);
    const ConvAlgorithm algorithm = AlgorithmFor(out.dims());
    const ConvStepArgs args{node_, spec_, kernels_, types, algorithm, weights_.Get(algorithm)};
    if (algorithm.tiles) return MakeTileStep(args);
    return algorithm.winograd_m == 0 ? MakeDirectStep(args) : MakeWinogradStep(args, threads_);
  }

  bool may_overwrite(int i) const override { return i == 1 && residual_alike_; }

 private:
  ConvAlgorithm AlgorithmFor(const Nchw& out) const {
    const bool dilated = node_.geometry.dilation != std::array<int, 2>{1, 1};
    const bool winograd = node_.shape.kernel_h == 3 && node_.shape.kernel_w == 3 &&
                          node_.geometry.stride == 1 && !dilated;
    return weights_.Choose(ConvWork{node_.shape.in_channels, node_.shape.out_channels,
                                    node_.shape.kernel_h * node_.shape.kernel_w, out.h, out.w,
                                    winograd, !dilated});
  }

  FusedConvNode node_;
  BlockedSpec spec_;
  bool residual_alike_;
  const KernelTable& kernels_;
  int threads_;
  ConvWeights weights_;
};

}  // namespace

std::unique_ptr<Operator> MakeBlockedConv(FusedConvNode node, BlockedSpec spec, bool residual_alike,
                                          const FastContext& context) {
  return std::make_unique<BlockedConv>(std::move(node), std::move(spec), residual_alike, context);
}

}  // namespace visavis
