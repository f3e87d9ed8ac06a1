#include <mutex>
#include <utility>

#include "runtime/fast/conv_step.h"
#include "runtime/fast/operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

// Columns of a row of weights in the order [block][pixel][16] in which blocked values lie, absent
// channels as zeros.
std::vector<float> BlockedColumns(const std::vector<float>& rows, int count, int channels,
                                  int pixels) {
  const auto depth = static_cast<std::size_t>(BlocksOf(channels) * kLanes * pixels);
  std::vector<float> result(static_cast<std::size_t>(count) * depth, 0.0f);
  for (int r = 0; r < count; ++r) {
    const float* from = rows.data() + static_cast<std::ptrdiff_t>(r) * channels * pixels;
    float* to = result.data() + static_cast<std::size_t>(r) * depth;
    for (int c = 0; c < channels; ++c) {
      float* lane = to + static_cast<std::ptrdiff_t>(c / kLanes) * pixels * kLanes + c % kLanes;
      for (int p = 0; p < pixels; ++p) lane[static_cast<std::ptrdiff_t>(p) * kLanes] = *from++;
    }
  }
  return result;
}

struct FcLayer {
  FusedEpilogue epilogue;
  const KernelTable* kernels = nullptr;
  int out_channels = 0;
  int depth = 0;       // columns of the packed weights
  int file_depth = 0;  // columns of the file's weights
  bool bf16 = false;
};

struct FcWeights {
  const void* data = nullptr;
  std::int64_t bytes = 0;
};

class FcStep final : public Step {
 public:
  FcStep(const FcLayer& layer, const NodeTypes& types, const FcWeights& weights)
      : layer_(layer),
        weights_(weights),
        batch_(static_cast<int>(types.outputs[0].shape[0])),
        in_row_(types.input_storage[0].layout == Layout::kC16 ? types.input_storage[0].image_stride
                                                              : layer.depth) {}

  Status Run(const StepContext& context) const override {
    FcArgs args;
    args.in = context.input(0);
    args.in_row = in_row_;
    args.batch = batch_;
    args.depth = layer_.depth;
    args.weights = weights_.data;
    args.out_channels = layer_.out_channels;
    args.out = context.out<float>(0);
    args.out_row = layer_.out_channels;
    args.epilogue = layer_.epilogue.Kernel();
    const auto run = layer_.bf16 ? layer_.kernels->fc_bf16 : layer_.kernels->fc_f32;
    const int groups = FcGroupsOf(layer_.out_channels);
    const int pieces = Flops() >= kWorthSharing ? PiecesFor(groups, ThreadsOf(context.pool())) : 1;
    ParallelPieces(context.pool(), groups, pieces,
                   [&](int begin, int end, int /*slot*/) { run(args, begin, end); });
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = KernelName(*layer_.kernels, layer_.bf16);
    info.algorithm = "fully connected";
    info.weight_bytes = weights_.bytes;
    info.flops = Flops();
    return info;
  }

 private:
  double Flops() const { return 2.0 * batch_ * layer_.out_channels * layer_.file_depth; }

  const FcLayer& layer_;
  const FcWeights weights_;
  const int batch_;
  const std::ptrdiff_t in_row_;
};

class FullyConnected final : public Operator {
 public:
  FullyConnected(FusedGemmNode node, int blocked_channels, DType blocked_store,
                 const FastContext& context)
      : blocked_channels_(blocked_channels),
        store_(context.store),
        pool_(context.pool),
        weights_(std::move(node.weights)) {
    layer_.epilogue = std::move(node.epilogue);
    layer_.kernels = context.kernels;
    layer_.out_channels = weights_.out();
    layer_.file_depth = weights_.in();
    layer_.bf16 = blocked_channels > 0 && blocked_store == DType::kBF16;
    layer_.depth = blocked_channels > 0 ? BlocksOf(blocked_channels) * kLanes *
                                              (layer_.file_depth / blocked_channels)
                                        : layer_.file_depth;
  }

  Status Infer(InferContext& context) const override {
    if (context.dtype(0) != DType::kF32) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want float32",
                       Name(context.dtype(0)));
    }
    const Shape& shape = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                             CheckedElements(shape, context.limits().tensor_elements));
    if (elements % layer_.file_depth != 0 ||
        (blocked_channels_ > 0 && elements != shape[0] * layer_.file_depth)) {
      return MakeError(ErrorCode::kInvalidArgument, "input {} does not flatten to {} columns",
                       shape.ToString(), layer_.file_depth);
    }
    return context.SetOutput(0, DType::kF32,
                             Shape{elements / layer_.file_depth, layer_.out_channels});
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<FcStep>(layer_, types, PackedOnce());
  }

 private:
  // Packed when a plan first needs them: convolutions before this layer have let go of theirs by
  // then.
  FcWeights PackedOnce() const {
    const std::lock_guard lock(mutex_);
    if (packed_.data == nullptr) {
      packed_ = Pack();
      weights_.Release();
    }
    return packed_;
  }

  // Group by group, so that the copy in between stays small beside the weights themselves.
  FcWeights Pack() const {
    const std::size_t group_count = PackedFcSize(kFcGroup, layer_.depth);
    const int groups = FcGroupsOf(layer_.out_channels);
    const std::size_t element = layer_.bf16 ? 2 : 4;
    const std::size_t bytes = group_count * static_cast<std::size_t>(groups) * element;
    auto* packed = static_cast<std::byte*>(store_->Allocate(bytes));
    const auto pack_group = [&](std::int64_t group, int /*slot*/) {
      const int begin = static_cast<int>(group) * kFcGroup;
      const int end = std::min(begin + kFcGroup, layer_.out_channels);
      std::vector<float> rows = weights_.Rows(begin, end);
      weights_.DiscardRows(begin, end);
      if (blocked_channels_ > 0) {
        rows = BlockedColumns(rows, end - begin, blocked_channels_,
                              layer_.file_depth / blocked_channels_);
      }
      std::byte* to = packed + static_cast<std::size_t>(group) * group_count * element;
      if (layer_.bf16) {
        PackFcBf16(rows.data(), end - begin, layer_.depth, reinterpret_cast<std::uint16_t*>(to));
      } else {
        PackFc(rows.data(), end - begin, layer_.depth, reinterpret_cast<float*>(to));
      }
    };
    ParallelFor(pool_, groups, pack_group);
    return FcWeights{packed, static_cast<std::int64_t>(bytes)};
  }

  FcLayer layer_;
  int blocked_channels_;
  std::shared_ptr<WeightStore> store_;
  ThreadPool* pool_;
  mutable std::mutex mutex_;
  mutable ScaledWeights weights_;
  mutable FcWeights packed_;
};

}  // namespace

std::unique_ptr<Operator> MakeFullyConnected(FusedGemmNode node, int blocked_channels,
                                             DType blocked_store, const FastContext& context) {
  return std::make_unique<FullyConnected>(std::move(node), blocked_channels, blocked_store,
                                          context);
}

}  // namespace visavis
