// Quantized fully connected layers: convolutions whose kernel is the whole map.
#include <cstring>
#include <mutex>
#include <utility>

#include "model/graph/passes/graph_editor.h"
#include "runtime/fast/quant_operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

struct FcLayer {
  int depth = 0;
  int out_channels = 0;
  Quantization x;
  const KernelTable* kernels = nullptr;
  std::vector<std::int32_t> start;
  std::vector<float> scale, shift, slope;
  FusedEpilogue activation;
};

struct FcWeights {
  const std::int8_t* data = nullptr;
  std::int64_t bytes = 0;
};

class FcStep final : public Step {
 public:
  FcStep(const FcLayer& layer, const FcWeights& weights, const NodeTypes& types)
      : layer_(layer), weights_(weights), batch_(static_cast<int>(types.outputs[0].shape[0])) {
    if (types.input_storage[0].layout == Layout::kC64) {
      in_ = QuantValue(types.inputs[0], types.input_storage[0]);
      for (int y = 0; y < in_.dims().h; ++y) {
        for (int x = 0; x < in_.dims().w; ++x) {
          offsets_.push_back(y * in_.row_stride() + std::ptrdiff_t{x} * kQuantLanes);
        }
      }
    } else {
      offsets_.push_back(0);
    }
  }

  Status Run(const StepContext& context) const override {
    const int blocks = BlocksOf(layer_.out_channels);
    const int groups = GroupsOf(blocks, kQuantGroup);
    const int pieces = Flops() >= kWorthSharing ? PiecesFor(groups, ThreadsOf(context.pool())) : 1;
    auto* padded_out = reinterpret_cast<float*>(context.scratch());
    auto* padded_in = reinterpret_cast<std::uint8_t*>(padded_out + blocks * kLanes);
    for (int image = 0; image < batch_; ++image) {
      QuantConvArgs args;
      if (in_.dims().n > 0) {
        args.in = in_.In(context.input(0), image);
        args.in_blocks = QuantBlocksOf(in_.dims().c);
        args.last_quads = QuantLastQuads(in_.dims().c);
      } else {
        CopyRow(context.in<std::uint8_t>(0) + std::ptrdiff_t{image} * layer_.depth, padded_in);
        args.in = {padded_in, 0, kQuantLanes};
        args.in_blocks = QuantBlocksOf(layer_.depth);
        args.last_quads = QuantLastQuads(layer_.depth);
      }
      args.out_blocks = blocks;
      args.out_width = 1;
      args.taps = static_cast<int>(offsets_.size());
      args.tap_offsets = offsets_.data();
      args.weights = weights_.data;
      args.start = layer_.start.data();
      const BlockedOut out{padded_out, kLanes, kLanes, Store::kF32};
      args.epilogue.scale = layer_.scale.data();
      args.epilogue.shift = layer_.shift.data();
      args.epilogue.activation = layer_.activation.activation;
      args.epilogue.slope = layer_.slope.data();
      args.epilogue.lo = layer_.activation.lo;
      args.epilogue.hi = layer_.activation.hi;
      args.epilogue.residual = Residual::kNone;
      args.epilogue.float_out = &out;
      ParallelPieces(context.pool(), groups, pieces, [&](int begin, int end, int /*slot*/) {
        layer_.kernels->quant.conv(args, begin, end, 0, 1);
      });
      std::memcpy(context.out<float>(0) + std::ptrdiff_t{image} * layer_.out_channels, padded_out,
                  static_cast<std::size_t>(layer_.out_channels) * sizeof(float));
    }
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = QuantKernelName(*layer_.kernels);
    info.algorithm = "fully connected";
    info.weight_bytes = weights_.bytes;
    info.flops = Flops();
    return info;
  }

 private:
  double Flops() const { return 2.0 * batch_ * layer_.out_channels * layer_.depth; }
  void CopyRow(const std::uint8_t* from, std::uint8_t* to) const {
    const std::uint8_t flip = layer_.x.is_signed ? 0x80 : 0;
    for (int i = 0; i < layer_.depth; ++i) to[i] = from[i] ^ flip;
    std::memset(to + layer_.depth, 0,
                static_cast<std::size_t>(QuantBlocksOf(layer_.depth) * kQuantLanes - layer_.depth));
  }

  const FcLayer& layer_;
  const FcWeights weights_;
  const int batch_;
  QuantValue in_;
  std::vector<std::ptrdiff_t> offsets_;
};

class QuantGemm final : public Operator {
 public:
  QuantGemm(const Graph& graph, const Node& gemm, int channels, const FastContext& context)
      : channels_(channels),
        store_(context.store),
        weights_(graph.value(gemm.inputs[kGemmWeights]).constant) {
    layer_.out_channels = static_cast<int>(weights_->shape()[0]);
    layer_.depth = static_cast<int>(weights_->shape()[1]);
    layer_.x = *GetQuantization(gemm, "x");
    layer_.kernels = context.kernels;
    const std::vector<double> unit = ConstantDoubles(graph, gemm.inputs[kGemmOutScale]);
    QuantSumParts sums = StartsOf(*weights_, unit, ConstantDoubles(graph, gemm.inputs[kGemmBias]),
                                  layer_.x.unsigned_zero());
    layer_.start = std::move(sums.start);
    layer_.scale = Padded(unit);
    layer_.shift = Padded(sums.shift);
    layer_.activation = ReadActivation(graph, gemm, kGemmSlope, layer_.out_channels);
    layer_.slope = Padded({layer_.activation.slope.begin(), layer_.activation.slope.end()});
  }

  Status Infer(InferContext& context) const override {
    if (context.dtype(0) != layer_.x.dtype()) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want {}", Name(context.dtype(0)),
                       Name(layer_.x.dtype()));
    }
    const Shape& shape = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                             CheckedElements(shape, context.limits().tensor_elements));
    if (elements % layer_.depth != 0 || (channels_ > 0 && elements != shape[0] * layer_.depth)) {
      return MakeError(ErrorCode::kInvalidArgument, "input {} does not flatten to {} columns",
                       shape.ToString(), layer_.depth);
    }
    const int blocks = BlocksOf(layer_.out_channels);
    context.SetScratch(
        static_cast<std::size_t>(blocks * kLanes) * sizeof(float) +
        static_cast<std::size_t>(QuantBlocksOf(layer_.depth) * kQuantLanes + kQuantOverread));
    return context.SetOutput(0, DType::kF32, Shape{elements / layer_.depth, layer_.out_channels});
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<FcStep>(layer_, PackedOnce(), types);
  }

 private:
  static std::vector<float> Padded(const std::vector<double>& values) {
    std::vector<float> result((values.size() + kQuantLanes - 1) / kQuantLanes * kQuantLanes, 0.0f);
    for (std::size_t i = 0; i < values.size(); ++i) {
      result[i] = static_cast<float>(values[i]) + 0.0f;
    }
    return result;
  }

  // In the file's order [M][C][pixels] a map of C channels is a kernel of so many taps.
  FcWeights PackedOnce() const {
    const std::lock_guard lock(mutex_);
    if (packed_.data == nullptr) {
      const ConvShape shape =
          channels_ > 0 ? ConvShape{layer_.out_channels, channels_, layer_.depth / channels_, 1}
                        : ConvShape{layer_.out_channels, layer_.depth, 1, 1};
      const std::size_t bytes = PackedQuantConvSize(shape);
      auto* to = static_cast<std::int8_t*>(store_->Allocate(bytes));
      PackQuantConv(weights_->data<std::int8_t>().data(), shape, to);
      packed_ = {to, static_cast<std::int64_t>(bytes)};
      weights_ = nullptr;
    }
    return packed_;
  }

  FcLayer layer_;
  int channels_;
  std::shared_ptr<WeightStore> store_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Tensor> weights_;
  mutable FcWeights packed_;
};

}  // namespace

std::unique_ptr<Operator> MakeQuantGemm(const Graph& graph, const Node& gemm, int channels,
                                        const FastContext& context) {
  return std::make_unique<QuantGemm>(graph, gemm, channels, context);
}

}  // namespace visavis
