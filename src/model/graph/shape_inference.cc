#include "model/graph/shape_inference.h"

#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "model/graph/shape_context.h"

namespace visavis {
namespace {

Integers IntegersOf(const Tensor& tensor) {
  Integers numbers;
  if (tensor.dtype() == DType::kI64) {
    for (const std::int64_t v : tensor.data<std::int64_t>()) numbers.emplace_back(v);
  } else {
    for (const std::int32_t v : tensor.data<std::int32_t>()) numbers.emplace_back(v);
  }
  return numbers;
}

InferredValue FromConstant(const Tensor& tensor) {
  InferredValue known;
  known.dtype = tensor.dtype();
  known.shape.emplace();
  for (const std::int64_t extent : tensor.shape().dims()) {
    known.shape->push_back(KnownDim(extent));
  }
  const bool integer = tensor.dtype() == DType::kI64 || tensor.dtype() == DType::kI32;
  if (integer && tensor.shape().rank() <= 1 &&
      tensor.elements() <= static_cast<std::int64_t>(kMaxInferredIntegers)) {
    known.integers = IntegersOf(tensor);
  }
  return known;
}

InferredValue FromDeclaration(const Value& value, const std::map<std::string, Shape>& overrides) {
  InferredValue known;
  known.dtype = value.dtype;
  known.shape = value.shape;
  if (const auto it = overrides.find(value.name); it != overrides.end()) {
    known.shape.emplace();
    for (const std::int64_t extent : it->second.dims()) {
      known.shape->push_back(KnownDim(extent));
    }
  }
  return known;
}

using RuleMap = std::unordered_map<std::string_view, InferRule>;

RuleMap MapOf(std::initializer_list<std::span<const InferEntry>> rooms) {
  RuleMap rules;
  for (const std::span<const InferEntry> room : rooms) {
    for (const InferEntry& entry : room) rules.emplace(entry.op_type, entry.rule);
  }
  return rules;
}

void InferConstantNode(const Node& node, ShapeContext& context) {
  InferredValue* output = context.output();
  if (output == nullptr) return;
  if (const Tensor* tensor = node.TensorAttribute("value")) {
    *output = FromConstant(*tensor);
  } else if (const std::vector<std::int64_t>* integers = node.Ints("value_ints")) {
    *output = FromConstant(
        Tensor::From<std::int64_t>(Shape{static_cast<std::int64_t>(integers->size())}, *integers));
  } else if (node.Has("value_int")) {
    const std::int64_t value = node.Int("value_int", 0);
    *output = FromConstant(Tensor::From<std::int64_t>(Shape{}, std::span(&value, 1)));
  } else if (node.Has("value_float")) {
    output->dtype = DType::kF32;
    output->shape.emplace();
  } else if (const std::vector<float>* floats = node.Floats("value_floats")) {
    output->dtype = DType::kF32;
    output->shape = Dims{KnownDim(static_cast<std::int64_t>(floats->size()))};
  }
}

}  // namespace

std::optional<Shape> InferredValue::StaticShape() const {
  if (!shape) return std::nullopt;
  std::vector<std::int64_t> extents;
  for (const Dim& dim : *shape) {
    if (!dim.known()) return std::nullopt;
    extents.push_back(dim.extent);
  }
  return Shape(std::move(extents));
}

std::optional<std::vector<std::int64_t>> ShapeContext::IntsOf(std::size_t i,
                                                              std::string_view attribute) const {
  if (const Integers* partly = integers(i)) {
    std::vector<std::int64_t> known;
    for (const std::optional<std::int64_t>& number : *partly) {
      if (!number) return std::nullopt;
      known.push_back(*number);
    }
    return known;
  }
  if (input(i) != nullptr) return std::nullopt;  // an input that is not known hides the attribute
  const std::vector<std::int64_t>* values = node_.Ints(attribute);
  return values == nullptr ? std::nullopt : std::optional(*values);
}

void InferMatMulShape(ShapeContext& context, std::size_t a_input, std::size_t b_input) {
  const Dims* a = context.shape(a_input);
  const Dims* b = context.shape(b_input);
  if (a == nullptr || b == nullptr || a->size() < 2 || b->size() < 2) return;
  std::optional<Dims> batch =
      Broadcast(Dims(a->begin(), a->end() - 2), Dims(b->begin(), b->end() - 2));
  if (!batch) return;
  batch->push_back((*a)[a->size() - 2]);
  batch->push_back(b->back());
  context.SetShape(0, *std::move(batch));
}

void InferGemmShape(ShapeContext& context, std::size_t a_input, std::size_t b_input) {
  const Dims* a = context.shape(a_input);
  const Dims* b = context.shape(b_input);
  if (a == nullptr || b == nullptr || a->size() != 2 || b->size() != 2) return;
  const bool a_transposed = context.node().Int("transA", 0) != 0;
  const bool b_transposed = context.node().Int("transB", 0) != 0;
  context.SetShape(0, {(*a)[a_transposed ? 1 : 0], (*b)[b_transposed ? 0 : 1]});
}

std::optional<std::size_t> ResolveAxis(std::int64_t axis, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::optional<Dims> Broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims result = longer;
  const std::size_t offset = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    Dim& mine = result[offset + i];
    const Dim& other = shorter[i];
    if (mine == other || other.extent == 1) continue;
    if (mine.extent == 1) {
      mine = other;
    } else if (mine.known() && other.known()) {
      return std::nullopt;
    } else if (other.known()) {
      mine = other;
    } else if (!mine.known()) {
      mine = Dim{};  // two unknowns of different names
    }
  }
  return result;
}

std::optional<std::int64_t> Product(std::span<const Dim> dims) {
  std::int64_t product = 1;
  for (const Dim& dim : dims) {
    if (!dim.known()) return std::nullopt;
    if (dim.extent > 0 && product > kMaxInferredExtent / dim.extent) return std::nullopt;
    product *= dim.extent;
  }
  return product;
}

std::vector<InferredValue> InferShapes(const Graph& graph,
                                       const std::map<std::string, Shape>& input_shapes) {
  std::vector<InferredValue> values(graph.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (graph.values[i].constant != nullptr) values[i] = FromConstant(*graph.values[i].constant);
  }
  for (const ValueId id : graph.inputs) {
    values[static_cast<std::size_t>(id)] = FromDeclaration(graph.value(id), input_shapes);
  }
  const RuleMap own =
      MapOf({WindowRules(), ElementwiseRules(), LayoutRules(), ReductionRules(), QuantizedRules()});
  const RuleMap microsoft = MapOf({MicrosoftRules()});
  for (const Node& node : graph.nodes) {
    ShapeContext context(graph, node, values);
    if (!node.domain.empty() && node.domain != "com.microsoft") continue;
    const RuleMap& rules = node.domain.empty() ? own : microsoft;
    if (node.domain.empty() && node.op_type == "Constant") {
      InferConstantNode(node, context);
    } else if (const auto it = rules.find(node.op_type); it != rules.end()) {
      it->second(context);
    }
  }
  return values;
}

}  // namespace visavis
