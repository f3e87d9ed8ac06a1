// What QuantizeLinear and DequantizeLinear nodes say about a tensor, for passes and the plan.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/graph/graph.h"

namespace visavis {

/// One scale and zero point for a whole tensor of bytes: real = scale * (stored - zero).
struct Quantization {
  float scale = 1;
  int zero = 0;
  bool is_signed = false;  ///< stored as int8, else uint8

  /// The zero point of the same values as unsigned bytes (128 more, if signed).
  int unsigned_zero() const { return zero + (is_signed ? 128 : 0); }
  DType dtype() const { return is_signed ? DType::kI8 : DType::kU8; }
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

/// The scale and zero point of QuantizeLinear or DequantizeLinear `node`, if they are constants for
/// the whole tensor, it is stored in bytes and the scale is a positive number; else nothing.
std::optional<Quantization> QuantizationOf(const Graph& graph, const Node& node);
/// The same from a scale and a zero point; the type is that of the zero point.
std::optional<Quantization> QuantizationOf(const Graph& graph, ValueId scale, ValueId zero);

class GraphEditor;
/// True if FuseQuantized will make an int8 layer of `conv`, a Conv between DequantizeLinear nodes.
bool IsInt8Conv(GraphEditor& editor, int conv);
/// The same of a QLinearConv.
bool IsInt8QLinearConv(GraphEditor& editor, int conv);
/// Gives such a Conv its weights and bias as real numbers, so that it stays a float layer.
void DequantizeConv(GraphEditor& editor, int conv);

/// `quantization` as attributes "<name>_scale", "<name>_zero" and "<name>_signed" of a fused node.
void SetQuantization(Node& node, const std::string& name, const Quantization& quantization);
/// Nothing if the node has no such attributes.
std::optional<Quantization> GetQuantization(const Node& node, std::string_view name);

}  // namespace visavis
