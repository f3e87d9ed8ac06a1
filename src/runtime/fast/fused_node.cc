#include "runtime/fast/fused_node.h"

#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/huge_pages.h"
#include "model/graph/passes/graph_editor.h"

namespace visavis {
namespace {

std::shared_ptr<const Tensor> Shared(const Graph& graph, ValueId id) {
  return graph.value(id).constant;
}

FusedEpilogue ReadEpilogue(const Graph& graph, const Node& node, std::size_t bias_input,
                           std::size_t slope_input, int channels) {
  FusedEpilogue epilogue = ReadActivation(graph, node, slope_input, channels);
  epilogue.bias = PaddedToBlocks(ConstantDoubles(graph, node.input(bias_input)), channels);
  return epilogue;
}

}  // namespace

FusedEpilogue ReadActivation(const Graph& graph, const Node& node, std::size_t slope_input,
                             int channels) {
  FusedEpilogue epilogue;
  const std::string activation = node.String("activation", "none");
  if (activation == "relu") epilogue.activation = Activation::kRelu;
  if (activation == "clip") {
    epilogue.activation = Activation::kClip;
    epilogue.lo = node.Float("lo", 0);
    epilogue.hi = node.Float("hi", 0);
  }
  if (activation == "prelu") {
    epilogue.activation = Activation::kPrelu;
    epilogue.slope = PaddedToBlocks(ConstantDoubles(graph, node.input(slope_input)), channels);
  }
  return epilogue;
}

Epilogue FusedEpilogue::Kernel() const {
  Epilogue kernel;
  kernel.bias = bias.empty() ? nullptr : bias.data();
  kernel.activation = activation;
  kernel.slope = slope.empty() ? nullptr : slope.data();
  kernel.lo = lo;
  kernel.hi = hi;
  return kernel;
}

ScaledWeights::ScaledWeights(std::shared_ptr<const Tensor> weights, int out, int in,
                             std::vector<double> in_scale, std::vector<double> out_scale)
    : weights_(std::move(weights)),
      out_(out),
      in_(in),
      taps_(static_cast<int>(weights_->elements() / out / in)),
      in_scale_(std::move(in_scale)),
      out_scale_(std::move(out_scale)) {
  if (in_scale_.empty()) in_scale_.assign(1, 1.0);
  if (out_scale_.empty()) out_scale_.assign(static_cast<std::size_t>(out), 1.0);
}

std::vector<float> ScaledWeights::Rows(int begin, int end) const {
  VISAVIS_CHECK(weights_ != nullptr);
  const auto in = static_cast<std::size_t>(in_);
  const auto taps = static_cast<std::size_t>(taps_);
  const std::size_t repeat = in / in_scale_.size();
  const float* w = weights_->data<float>().data() + static_cast<std::size_t>(begin) * in * taps;
  std::vector<float> rows(static_cast<std::size_t>(end - begin) * in * taps);
  float* row = rows.data();
  for (int o = begin; o < end; ++o) {
    const double out_scale = out_scale_[static_cast<std::size_t>(o)];
    // One run of columns for each element of in_scale_.
    const std::size_t run = repeat * taps;
    for (const double in_scale : in_scale_) {
      const double scale = out_scale * in_scale;
      for (std::size_t t = 0; t < run; ++t) row[t] = static_cast<float>(w[t] * scale);
      row += run;
      w += run;
    }
  }
  return rows;
}

void ScaledWeights::DiscardRows(int begin, int end) const {
  if (weights_.use_count() != 1) return;
  const std::size_t row_bytes =
      sizeof(float) * static_cast<std::size_t>(in_) * static_cast<std::size_t>(taps_);
  // Constants are immutable to those who share them; this object is alone with its weights, and
  // tensors always lie in memory of their own.
  auto* first = static_cast<std::byte*>(const_cast<void*>(weights_->raw()));
  DiscardPages(first + static_cast<std::size_t>(begin) * row_bytes,
               static_cast<std::size_t>(end - begin) * row_bytes);
}

FusedConvNode ReadFusedConv(const Graph& graph, const Node& node) {
  FusedConvNode conv;
  const Shape& shape = graph.constant(node.inputs[kConvWeights])->shape();
  const auto extent = [&](int axis) { return static_cast<int>(shape[axis]); };
  conv.geometry = GeometryOf(node);
  conv.shape = ConvShape{extent(0), extent(1), extent(2), extent(3)};
  const bool dilated = conv.geometry.dilation != std::array<int, 2>{1, 1};
  conv.depthwise = conv.geometry.group != 1 || (extent(0) == 1 && extent(1) == 1 && !dilated);
  conv.weights = ScaledWeights(Shared(graph, node.inputs[kConvWeights]), extent(0), extent(1),
                               ConstantDoubles(graph, node.inputs[kConvInScale]),
                               ConstantDoubles(graph, node.inputs[kConvOutScale]));
  conv.epilogue = ReadEpilogue(graph, node, kConvBias, kConvSlope, extent(0));
  conv.has_residual = node.inputs[kConvResidual] != kNoValue;
  conv.residual_first = node.Int("residual_first", 0) != 0;
  return conv;
}

Result<Nchw> FusedConvNode::OutputOf(const Nchw& input) const {
  const int channels = depthwise ? shape.out_channels : shape.in_channels;
  const auto out = [&](int extent, int pad, int kernel, int dilation) {
    const int covered = dilation * (kernel - 1) + 1;
    return extent + pad < covered ? 0 : (extent + pad - covered) / geometry.stride + 1;
  };
  const Nchw result{
      input.n, shape.out_channels,
      out(input.h, geometry.pad[0] + geometry.pad[2], shape.kernel_h, geometry.dilation[0]),
      out(input.w, geometry.pad[1] + geometry.pad[3], shape.kernel_w, geometry.dilation[1])};
  if (input.c != channels || result.h < 1 || result.w < 1) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "input {} does not fit weights of {} channels and a {}x{} kernel",
                     input.shape().ToString(), channels, shape.kernel_h, shape.kernel_w);
  }
  return result;
}

Status CheckResidual(const FusedConvNode& node, const InferContext& context, const Nchw& out) {
  if (!node.has_residual || context.shape(1) == out.shape()) return {};
  return MakeError(ErrorCode::kInvalidArgument, "summand has shape {}, want {}",
                   context.shape(1).ToString(), out.shape().ToString());
}

FusedGemmNode ReadFusedGemm(const Graph& graph, const Node& node) {
  const Shape& shape = graph.constant(node.inputs[kGemmWeights])->shape();
  const int out = static_cast<int>(shape[0]);
  FusedGemmNode gemm;
  gemm.weights =
      ScaledWeights(Shared(graph, node.inputs[kGemmWeights]), out, static_cast<int>(shape[1]),
                    ConstantDoubles(graph, node.inputs[kGemmInScale]),
                    ConstantDoubles(graph, node.inputs[kGemmOutScale]));
  gemm.epilogue = ReadEpilogue(graph, node, kGemmBias, kGemmSlope, out);
  return gemm;
}

}  // namespace visavis
