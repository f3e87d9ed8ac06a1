// Affine maps, activations and sums that found no convolution to ride on, and upsampling.
#include <utility>

#include "base/error.h"
#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

struct PointwiseLayer {
  PerChannel scale;  // empty: 1
  FusedEpilogue epilogue;
  bool adds = false;
  bool upsamples = false;  // nearest neighbour: source index floor(i / scale)
  BlockedSpec spec;
  const KernelTable* kernels = nullptr;
};

class PointwiseStep final : public Step {
 public:
  PointwiseStep(const PointwiseLayer& layer, const NodeTypes& types)
      : layer_(layer),
        in_(types.inputs[0], types.input_storage[0]),
        out_(types.outputs[0], types.output_storage[0]) {
    if (layer.adds) addend_ = BlockedValue(types.inputs[1], types.input_storage[1]);
  }

  Status Run(const StepContext& context) const override {
    out_.FillBorder(*layer_.kernels, context.output(0), layer_.spec);
    for (int image = 0; image < out_.dims().n; ++image) RunImage(context, image);
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(*layer_.kernels, false);
    info.algorithm = layer_.upsamples ? "upsample nearest" : "pointwise";
    return info;
  }

 private:
  void RunImage(const StepContext& context, int image) const {
    Epilogue epilogue = layer_.epilogue.Kernel();
    if (layer_.adds) {
      epilogue.residual = Residual::kBeforeActivation;
      epilogue.addend = addend_.In(context.input(1), image);
    }
    const Nchw& d = out_.dims();
    const BlockedIn in = in_.In(context.input(0), image);
    const BlockedOut out = out_.Out(context.output(0), image);
    if (layer_.upsamples) {
      const bool doubles = d.h == 2 * in_.dims().h && d.w == 2 * in_.dims().w;
      if (doubles) {
        layer_.kernels->upsample2(in, out, d.blocks(), d.h, d.w, epilogue);
      } else {
        UpsampleByPixels(context, image, epilogue);
      }
    } else {
      const float* scale = layer_.scale.empty() ? nullptr : layer_.scale.data();
      layer_.kernels->affine(in, out, d.blocks(), d.h, d.w, scale, epilogue);
    }
  }

  // Any other ratio, as levels of a pyramid over an odd-sized picture have.
  void UpsampleByPixels(const StepContext& context, int image, Epilogue epilogue) const {
    const Nchw& d = out_.dims();
    const auto source = [](int i, int in, int out) {
      const float scale = static_cast<float>(out) / static_cast<float>(in);
      return std::min(static_cast<int>(static_cast<float>(i) / scale), in - 1);
    };
    for (int y = 0; y < d.h; ++y) {
      const int from_y = source(y, in_.dims().h, d.h);
      for (int x = 0; x < d.w; ++x) {
        const int from_x = source(x, in_.dims().w, d.w);
        if (layer_.adds) epilogue.addend = addend_.In(context.input(1), image, y, x);
        layer_.kernels->affine(in_.In(context.input(0), image, from_y, from_x),
                               out_.Out(context.output(0), image, y, x), d.blocks(), 1, 1, nullptr,
                               epilogue);
      }
    }
  }

  const PointwiseLayer& layer_;
  const BlockedValue in_;
  const BlockedValue out_;
  BlockedValue addend_;
};

class Affine final : public Operator {
 public:
  Affine(int channels, PointwiseLayer layer) : channels_(channels), layer_(std::move(layer)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    if (in.c != channels_ || (layer_.adds && context.shape(1) != context.shape(0))) {
      return MakeError(
          ErrorCode::kInvalidArgument, "input {} does not fit {}", in.shape().ToString(),
          layer_.adds ? context.shape(1).ToString() : fmt::format("{} channels", channels_));
    }
    return context.SetOutput(0, DType::kF32, in.shape(), BlockedStorage(in, layer_.spec));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<PointwiseStep>(layer_, types);
  }

 private:
  int channels_;
  PointwiseLayer layer_;
};

class Upsample final : public Operator {
 public:
  Upsample(UpsampleGeometry geometry, PointwiseLayer layer)
      : geometry_(std::move(geometry)), layer_(std::move(layer)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    VISAVIS_ASSIGN_OR_RETURN(const Nchw out, OutputOf(context, in));
    if (layer_.adds && context.shape(1) != out.shape()) {
      return MakeError(ErrorCode::kInvalidArgument, "summand has shape {}, want {}",
                       context.shape(1).ToString(), out.shape().ToString());
    }
    return context.SetOutput(0, DType::kF32, out.shape(), BlockedStorage(out, layer_.spec));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<PointwiseStep>(layer_, types);
  }

 private:
  Result<Nchw> OutputOf(const InferContext& context, const Nchw& in) const {
    std::vector<std::int64_t> sizes;
    if (geometry_.sizes_input >= 0) {
      VISAVIS_ASSIGN_OR_RETURN(sizes, context.KnownInts(geometry_.sizes_input));
    } else {
      std::vector<float> scales = geometry_.scales;
      if (geometry_.scales_input >= 0) {
        VISAVIS_ASSIGN_OR_RETURN(scales, context.KnownFloats(geometry_.scales_input));
      }
      const Shape shape = in.shape();
      for (std::size_t axis = 0; axis < scales.size() && axis < 4; ++axis) {
        const double extent =
            double{scales[axis]} * static_cast<double>(shape[static_cast<int>(axis)]);
        if (!(extent >= 0 && extent <= 1e9)) break;
        sizes.push_back(static_cast<std::int64_t>(extent));
      }
    }
    if (sizes.size() != 4 || sizes[0] != in.n || sizes[1] != in.c) {
      return MakeError(ErrorCode::kUnsupported,
                       "input {} is resized to {}, want another H x W only", in.shape().ToString(),
                       Shape(sizes).ToString());
    }
    return NchwOf(Shape(sizes));
  }

  UpsampleGeometry geometry_;
  PointwiseLayer layer_;
};

}  // namespace

std::unique_ptr<Operator> MakeBlockedAffine(int channels, PerChannel scale, FusedEpilogue epilogue,
                                            bool adds, BlockedSpec spec,
                                            const FastContext& context) {
  return std::make_unique<Affine>(
      channels, PointwiseLayer{std::move(scale), std::move(epilogue), adds, false, std::move(spec),
                               context.kernels});
}

std::unique_ptr<Operator> MakeBlockedUpsample(UpsampleGeometry geometry, bool adds,
                                              BlockedSpec spec, const FastContext& context) {
  return std::make_unique<Upsample>(
      std::move(geometry), PointwiseLayer{{}, {}, adds, true, std::move(spec), context.kernels});
}

}  // namespace visavis
