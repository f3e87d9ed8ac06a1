// What a shape rule of one operator works with. Internal to shape inference.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "model/graph/shape_inference.h"

namespace visavis {

using Dims = std::vector<Dim>;
/// Partly known elements of an integer tensor.
using Integers = std::vector<std::optional<std::int64_t>>;

/// Extents and integer tensors beyond these take no part in inference.
inline constexpr std::int64_t kMaxInferredExtent = std::int64_t{1} << 40;
inline constexpr std::size_t kMaxInferredIntegers = 64;

inline Dim KnownDim(std::int64_t extent) {
  return extent >= 0 && extent <= kMaxInferredExtent ? Dim{extent, {}} : Dim{};
}

/// One node while shapes are inferred: what is known of its inputs; the rule adds what it finds of
/// the outputs.
class ShapeContext {
 public:
  ShapeContext(const Graph& graph, const Node& node, std::vector<InferredValue>& values)
      : graph_(graph), node_(node), values_(values) {}

  const Graph& graph() const { return graph_; }
  const Node& node() const { return node_; }
  int opset() const { return graph_.opset; }

  /// Null when input `i` is left out.
  const InferredValue* input(std::size_t i) const {
    const ValueId id = node_.input(i);
    return id == kNoValue ? nullptr : &values_[static_cast<std::size_t>(id)];
  }
  /// Null when not known.
  const Dims* shape(std::size_t i) const {
    const InferredValue* value = input(i);
    return value != nullptr && value->shape ? &*value->shape : nullptr;
  }
  const Integers* integers(std::size_t i) const {
    const InferredValue* value = input(i);
    return value != nullptr && value->integers ? &*value->integers : nullptr;
  }
  /// Input `i` as integers that are all known, or else attribute `attribute`, or nothing. Squeeze,
  /// Slice and their kin moved from the attribute to the input between opsets 10 and 18.
  std::optional<std::vector<std::int64_t>> IntsOf(std::size_t i, std::string_view attribute) const;

  /// Null when output `i` is left out.
  InferredValue* output(std::size_t i = 0) {
    if (i >= node_.outputs.size() || node_.outputs[i] == kNoValue) return nullptr;
    return &values_[static_cast<std::size_t>(node_.outputs[i])];
  }
  void SetShape(std::size_t i, Dims dims) {
    if (InferredValue* value = output(i)) value->shape = std::move(dims);
  }
  void SetType(std::size_t i, DType dtype) {
    if (InferredValue* value = output(i)) value->dtype = dtype;
  }
  /// Output 0 has the element type of input `i`.
  void SetTypeFrom(std::size_t i) {
    const InferredValue* value = input(i);
    if (value != nullptr && value->dtype) SetType(0, *value->dtype);
  }

 private:
  const Graph& graph_;
  const Node& node_;
  std::vector<InferredValue>& values_;
};

/// `axis` counted from the front, or nothing if it lies outside [-rank, rank).
std::optional<std::size_t> ResolveAxis(std::int64_t axis, std::size_t rank);
/// The shape of numpy broadcasting; nothing if it is known to be impossible.
std::optional<Dims> Broadcast(const Dims& a, const Dims& b);
/// Output 0 as Gemm has it, from inputs `a` and `b` and the attributes transA and transB.
void InferGemmShape(ShapeContext& context, std::size_t a, std::size_t b);
/// Output 0 as MatMul has it.
void InferMatMulShape(ShapeContext& context, std::size_t a, std::size_t b);
/// The product of the extents, or nothing when one is unknown or it is beyond kMaxInferredExtent.
std::optional<std::int64_t> Product(std::span<const Dim> dims);

using InferRule = void (*)(ShapeContext&);
struct InferEntry {
  std::string_view op_type;
  InferRule rule;
};
std::span<const InferEntry> WindowRules();       // convolution and pooling
std::span<const InferEntry> ElementwiseRules();  // one element in, one element out; matrix products
std::span<const InferEntry> LayoutRules();       // reshaping, slicing, joining
std::span<const InferEntry> ReductionRules();    // reductions and resizing
std::span<const InferEntry> QuantizedRules();    // integers that stand for reals
std::span<const InferEntry> MicrosoftRules();    // of domain com.microsoft

}  // namespace visavis
