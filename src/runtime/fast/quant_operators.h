// The operators over quantized c64 values: what the fast compiler emits.
#pragma once

#include <memory>
#include <vector>

#include "runtime/fast/fast_context.h"
#include "runtime/fast/quant_tail.h"
#include "runtime/op.h"

namespace visavis {

/// How a quantized convolution runs.
struct QuantConvForm {
  enum class Kind : std::uint8_t { kDense, kDepthwise, kPicture };
  Kind kind = Kind::kDense;
  /// kPicture: what it reads; the maps and the quantization behind that are its own.
  ValueId input = kNoValue;
  /// kPicture: x is float32 and becomes quantize(factor[c] * x + term[c]); else it is dense bytes.
  bool quantizes_picture = false;
  std::vector<float> factor;
  std::vector<float> term;
};
/// A quantized FusedConv. Inputs: x (c64, or dense if kPicture), then the residual if the node has
/// one (c64, or blocked floats).
std::unique_ptr<Operator> MakeQuantConv(const Graph& graph, const Node& conv, QuantConvForm form,
                                        QuantSpecs specs, const FastContext& context);

/// A quantized FusedGemm. Input: c64 of `channels` channels, or dense bytes if that is 0. Output
/// dense [N,M] float32.
std::unique_ptr<Operator> MakeQuantGemm(const Graph& graph, const Node& gemm, int channels,
                                        const FastContext& context);

/// A QuantMap. Inputs: x, then the residual if the node has one; c64, or blocked floats.
std::unique_ptr<Operator> MakeQuantMap(const Graph& graph, const Node& map, QuantSpecs specs,
                                       const FastContext& context);
/// Blocked floats to c64 and back.
std::unique_ptr<Operator> MakeQuantize(const Quantization& to, int channels, QuantSpecs specs,
                                       const FastContext& context);
std::unique_ptr<Operator> MakeDequantize(const Quantization& from, int channels, QuantSpecs specs,
                                         const FastContext& context);

/// Changes of layout of bytes. `zero` is written around the pixels, as stored in `dtype`.
std::unique_ptr<Operator> MakeBytesToC64(const Border& border, const Quantization& stored);
std::unique_ptr<Operator> MakeC64Reborder(const Border& border, const Quantization& stored);
std::unique_ptr<Operator> MakeC64ToBytes();

}  // namespace visavis
