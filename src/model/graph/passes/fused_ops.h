// The operators of domain "visavis": what passes make of ONNX's own, so that one kernel does the
// work of several nodes. They exist only between the passes and the plan; files never contain them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/graph/graph.h"

namespace visavis {

inline constexpr std::string_view kFusedDomain = "visavis";

/// FusedConv: a 2-D convolution with everything that can ride on it.
///
///   y = conv(pad(x, border), weights * out_scale[o] * in_scale[i]) + bias
///   y = residual_first ? act(y + residual) : act(y) + residual
///
/// Inputs (FusedConvInput): x [N,C,H,W] and weights [M,C/group,kH,kW] float32; the rest optional:
/// bias [M], in_scale [C] (group 1 only), out_scale [M] and border [C] float64 constants, slope [M]
/// a float32 constant, residual computed at run time, of y's shape.
/// Scales stay apart from the weights, which thus remain those of the file and are never copied;
/// they are multiplied in double when weights are packed.
/// Attributes: strides, pads, dilations, group as Conv; activation = "none", "relu", "prelu" or
/// "clip"; lo, hi (clip); residual_first = 0 or 1.
/// Only what the blocked kernels run becomes one: group 1 with equal strides 1 or 2, or depthwise
/// (group = C = M) with equal strides.
///
/// Quantized: int8 weights make x a quantized value (attribute "x", see Quantization) that stands
/// for the integers stored - zero point, whose scale is part of out_scale; padding reads its zero
/// point. in_scale and border are absent. "residual" quantizes the residual, "out" the result. A
/// second output "copy" is quantize(copy_scale[m] * y + copy_shift[m]), where y is what output 0
/// stands for.
inline constexpr std::string_view kFusedConv = "FusedConv";
enum FusedConvInput : std::size_t {
  kConvX,
  kConvWeights,
  kConvBias,
  kConvInScale,
  kConvOutScale,
  kConvBorder,
  kConvSlope,
  kConvResidual,
  kConvCopyScale,
  kConvCopyShift,
  kConvInputs
};

/// FusedGemm: a fully connected layer that flattens its input itself.
///
///   y = act(x seen as [elements / K, K] * (weights * out_scale[m] * in_scale[k])^T + bias)
///
/// Inputs (FusedGemmInput): x float32, weights [M,K] float32; optional constants bias [M], in_scale
/// [S] with S dividing K (each scale serves K / S successive columns) and out_scale [M], float64;
/// slope [M], float32. Attributes: activation, lo, hi as FusedConv. Quantized as FusedConv, without
/// residual, result and copy.
inline constexpr std::string_view kFusedGemm = "FusedGemm";
enum FusedGemmInput : std::size_t {
  kGemmX,
  kGemmWeights,
  kGemmBias,
  kGemmInScale,
  kGemmOutScale,
  kGemmSlope,
  kGemmInputs
};

/// QuantMap: y = quantize(activation(scale[c] * x + shift[c] + residual)), or with the residual
/// behind the activation, as FusedConv has it. Inputs (QuantMapInput): x [N,C,H,W], quantized ("x")
/// or float32; optional float64 constants scale and shift [C], slope [C] float32, and the residual,
/// quantized ("residual") or float32. The result is quantized ("out").
inline constexpr std::string_view kQuantMap = "QuantMap";
enum QuantMapInput : std::size_t {
  kMapX,
  kMapScale,
  kMapShift,
  kMapSlope,
  kMapResidual,
  kMapInputs
};

/// ChannelsLast: channels [begin, begin + count) of x [N,C,H,W], transposed to [N,H,W,count], or to
/// [H,W,N,count] if batch_third is 1.
inline constexpr std::string_view kChannelsLastOp = "ChannelsLast";

inline bool IsFused(const Node& node, std::string_view op_type) {
  return node.domain == kFusedDomain && node.op_type == op_type;
}

/// True for a node of ONNX's own operator set.
inline bool IsOnnx(const Node& node, std::string_view op_type) {
  return node.domain.empty() && node.op_type == op_type;
}

/// True if `conv` (a Conv or QLinearConv with weights of this shape) has a geometry that FusedConv
/// covers.
bool CanFuseGeometry(const Node& conv, const Shape& weights);
/// True if `node` only gives its input the shape [elements / depth, depth], whatever comes in.
bool FlattensTo(const Graph& graph, const Node& node, std::int64_t depth);
/// True for a FusedConv or FusedGemm with int8 weights.
bool IsQuantized(const Graph& graph, const Node& fused);

/// A FusedConv's attributes, with defaults filled in.
struct ConvGeometry {
  int stride = 1;
  int group = 1;
  std::array<int, 2> dilation{1, 1};   ///< vertical, horizontal
  std::array<int, 4> pad{0, 0, 0, 0};  ///< top, left, bottom, right
  bool padded() const { return pad != std::array<int, 4>{0, 0, 0, 0}; }
};
ConvGeometry GeometryOf(const Node& fused_conv);

}  // namespace visavis
