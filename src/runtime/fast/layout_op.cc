// Changes of layout between dense and blocked values.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "kernels/kernels.h"
#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"

namespace visavis {
namespace {

// Between dense NCHW and blocked, one image at a time.
class LayoutStep final : public Step {
 public:
  enum class Kind : std::uint8_t { kToBlocked, kToDense, kReborder };
  LayoutStep(Kind kind, const BlockedSpec& spec, const KernelTable& kernels, const NodeTypes& types)
      : kind_(kind),
        spec_(spec),
        kernels_(kernels),
        in_(types.inputs[0], types.input_storage[0]),
        out_(types.outputs[0], types.output_storage[0]) {}

  Status Run(const StepContext& context) const override {
    const Nchw& d = in_.dims();
    const std::ptrdiff_t plane = std::ptrdiff_t{d.h} * d.w;
    if (kind_ != Kind::kToDense) out_.FillBorder(kernels_, context.output(0), spec_);
    for (int image = 0; image < d.n; ++image) {
      const std::ptrdiff_t dense = image * d.c * plane;
      switch (kind_) {
        case Kind::kToBlocked:
          kernels_.planar_to_blocked(PlanarIn{context.in<float>(0) + dense, d.w, plane},
                                     out_.Out(context.output(0), image), d.c, d.h, d.w);
          break;
        case Kind::kToDense:
          kernels_.blocked_to_planar(in_.In(context.input(0), image),
                                     PlanarOut{context.out<float>(0) + dense, d.w, plane}, d.c, d.h,
                                     d.w);
          break;
        case Kind::kReborder:
          kernels_.affine(in_.In(context.input(0), image), out_.Out(context.output(0), image),
                          d.blocks(), d.h, d.w, nullptr, Epilogue{});
          break;
      }
    }
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(kernels_, false);
    info.algorithm = kind_ == Kind::kToBlocked ? "dense to c16"
                     : kind_ == Kind::kToDense ? "c16 to dense"
                                               : "c16 to another border";
    return info;
  }

 private:
  Kind kind_;
  const BlockedSpec& spec_;
  const KernelTable& kernels_;
  const BlockedValue in_;
  const BlockedValue out_;
};

class LayoutChange final : public Operator {
 public:
  LayoutChange(LayoutStep::Kind kind, BlockedSpec spec, const KernelTable& kernels)
      : kind_(kind), spec_(std::move(spec)), kernels_(kernels) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw dims, NchwOf(context.shape(0)));
    if (context.dtype(0) != DType::kF32) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want float32",
                       Name(context.dtype(0)));
    }
    if (kind_ == LayoutStep::Kind::kToDense) {
      return context.SetOutput(0, DType::kF32, dims.shape());
    }
    return context.SetOutput(0, DType::kF32, dims.shape(), BlockedStorage(dims, spec_));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<LayoutStep>(kind_, spec_, kernels_, types);
  }

 private:
  LayoutStep::Kind kind_;
  BlockedSpec spec_;
  const KernelTable& kernels_;
};

// Copies `count` of the 16 channels of each of `pixels` pixels to places `stride` floats apart.
using CopyChannelsFunction = void (*)(const float* from, int pixels, std::ptrdiff_t stride,
                                      float* to);
template <std::size_t count>
void CopyChannels(const float* from, int pixels, std::ptrdiff_t stride, float* to) {
  for (int i = 0; i < pixels; ++i, from += kLanes, to += stride) {
    std::memcpy(to, from, count * sizeof(float));
  }
}
template <std::size_t... counts>
constexpr auto CopyChannelsTable(std::index_sequence<counts...> /*all*/) {
  return std::array<CopyChannelsFunction, sizeof...(counts)>{&CopyChannels<counts>...};
}
// By count: a copy of known size is two or three moves, not a call.
constexpr auto kCopyChannels = CopyChannelsTable(std::make_index_sequence<kLanes + 1>());

// Blocked NCHW to dense channels last: the channels of a pixel lie together already.
class ChannelsLastStep final : public Step {
 public:
  ChannelsLastStep(const ChannelRange& range, const KernelTable& kernels, const NodeTypes& types)
      : range_(range), kernels_(kernels), in_(types.inputs[0], types.input_storage[0]) {}

  Status Run(const StepContext& context) const override {
    const Nchw& d = in_.dims();
    const std::ptrdiff_t pixel_stride =
        std::ptrdiff_t{range_.count} * (range_.batch_third ? d.n : 1);
    for (int image = 0; image < d.n; ++image) {
      float* to = context.out<float>(0) + image * (range_.batch_third ? std::ptrdiff_t{range_.count}
                                                                      : pixel_stride * d.h * d.w);
      const BlockedIn from = in_.In(context.input(0), image);
      for (int y = 0; y < d.h; ++y, to += pixel_stride * d.w) CopyRow(from, y, pixel_stride, to);
    }
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(kernels_, false);
    info.algorithm = "c16 to channels last";
    return info;
  }

 private:
  void CopyRow(const BlockedIn& from, int y, std::ptrdiff_t pixel_stride, float* to) const {
    const int end = range_.begin + range_.count;
    for (int c = range_.begin; c < end;) {
      const std::ptrdiff_t at = c / kLanes * from.block + y * from.row;
      const int count = std::min(kLanes - c % kLanes, end - c);
      const CopyChannelsFunction copy = kCopyChannels[static_cast<std::size_t>(count)];
      if (from.store == Store::kF32) {
        copy(static_cast<const float*>(from.data) + at + c % kLanes, in_.dims().w, pixel_stride,
             to);
      } else {
        for (int x = 0; x < in_.dims().w; ++x) {
          float lanes[kLanes];
          LoadLanes(kernels_, from, at + std::ptrdiff_t{x} * kLanes, lanes);
          copy(lanes + c % kLanes, 1, pixel_stride, to + x * pixel_stride);
        }
      }
      to += count;
      c += count;
    }
  }

  ChannelRange range_;
  const KernelTable& kernels_;
  const BlockedValue in_;
};

class ToChannelsLast final : public Operator {
 public:
  ToChannelsLast(const ChannelRange& range, const KernelTable& kernels)
      : range_(range), kernels_(kernels) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw d, NchwOf(context.shape(0)));
    const int count = CountIn(d.c);
    if (range_.begin < 0 || count < 1 || range_.begin + count > d.c) {
      return MakeError(ErrorCode::kInvalidArgument, "input {} has no channels {} to {}",
                       d.shape().ToString(), range_.begin, range_.begin + count);
    }
    return context.SetOutput(
        0, DType::kF32,
        range_.batch_third ? Shape{d.h, d.w, d.n, count} : Shape{d.n, d.h, d.w, count});
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    ChannelRange range = range_;
    range.count = CountIn(static_cast<int>(types.inputs[0].shape[1]));
    return std::make_unique<ChannelsLastStep>(range, kernels_, types);
  }

 private:
  int CountIn(int channels) const { return range_.count < 0 ? channels : range_.count; }

  ChannelRange range_;
  const KernelTable& kernels_;
};

}  // namespace

std::unique_ptr<Operator> MakeToBlocked(BlockedSpec spec, const FastContext& context) {
  return std::make_unique<LayoutChange>(LayoutStep::Kind::kToBlocked, std::move(spec),
                                        *context.kernels);
}

std::unique_ptr<Operator> MakeReborder(BlockedSpec spec, const FastContext& context) {
  return std::make_unique<LayoutChange>(LayoutStep::Kind::kReborder, std::move(spec),
                                        *context.kernels);
}

std::unique_ptr<Operator> MakeToDense(const FastContext& context) {
  return std::make_unique<LayoutChange>(LayoutStep::Kind::kToDense, BlockedSpec{},
                                        *context.kernels);
}

std::unique_ptr<Operator> MakeToChannelsLast(const ChannelRange& range,
                                             const FastContext& context) {
  return std::make_unique<ToChannelsLast>(range, *context.kernels);
}

}  // namespace visavis
