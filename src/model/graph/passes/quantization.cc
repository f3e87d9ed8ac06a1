#include "model/graph/passes/quantization.h"

#include <cmath>

#include "model/graph/passes/fused_ops.h"

namespace visavis {

std::optional<Quantization> QuantizationOf(const Graph& graph, ValueId scale, ValueId zero) {
  const Tensor* s = graph.constant(scale);
  const Tensor* z = graph.constant(zero);
  if (s == nullptr || s->dtype() != DType::kF32 || s->elements() != 1) return std::nullopt;
  if (zero != kNoValue && (z == nullptr || z->elements() != 1)) return std::nullopt;
  Quantization result;
  result.scale = s->data<float>()[0];
  if (!(result.scale > 0) || !std::isfinite(result.scale)) return std::nullopt;
  if (z == nullptr) return result;
  if (z->dtype() == DType::kI8) {
    result.zero = z->data<std::int8_t>()[0];
    result.is_signed = true;
  } else if (z->dtype() == DType::kU8) {
    result.zero = z->data<std::uint8_t>()[0];
  } else {
    return std::nullopt;
  }
  return result;
}

std::optional<Quantization> QuantizationOf(const Graph& graph, const Node& node) {
  const bool quantizes = IsOnnx(node, "QuantizeLinear");
  if ((!quantizes && !IsOnnx(node, "DequantizeLinear")) || node.inputs.size() < 2 ||
      node.inputs[0] == kNoValue || node.outputs.size() != 1 || node.Int("block_size", 0) != 0) {
    return std::nullopt;
  }
  // Without a zero point QuantizeLinear makes unsigned bytes unless it says otherwise;
  // DequantizeLinear takes whatever comes.
  if (node.input(2) == kNoValue && (!quantizes || node.Int("output_dtype", 0) != 0)) {
    return std::nullopt;
  }
  return QuantizationOf(graph, node.inputs[1], node.input(2));
}

void SetQuantization(Node& node, const std::string& name, const Quantization& quantization) {
  node.attributes[name + "_scale"] = quantization.scale;
  node.attributes[name + "_zero"] = std::int64_t{quantization.zero};
  node.attributes[name + "_signed"] = std::int64_t{quantization.is_signed};
}

std::optional<Quantization> GetQuantization(const Node& node, std::string_view name) {
  const std::string prefix(name);
  if (!node.Has(prefix + "_scale")) return std::nullopt;
  return Quantization{node.Float(prefix + "_scale", 1),
                      static_cast<int>(node.Int(prefix + "_zero", 0)),
                      node.Int(prefix + "_signed", 0) != 0};
}

}  // namespace visavis
