#include "model/rewrite/opset_site.h"

#include <utility>

namespace visavis {

const std::vector<Dim>* OpsetSite::ShapeOf(ValueId id) const {
  if (id == kNoValue) return nullptr;
  if (const Tensor* constant = graph.constant(id); constant != nullptr) {
    return graph.value(id).shape ? &*graph.value(id).shape : nullptr;
  }
  const auto index = static_cast<std::size_t>(id);
  if (index >= inferred.size() || !inferred[index].shape) return nullptr;
  return &*inferred[index].shape;
}

int OpsetSite::Rank(ValueId id) const {
  const std::vector<Dim>* shape = ShapeOf(id);
  return shape == nullptr ? -1 : static_cast<int>(shape->size());
}

std::string OpsetSite::Who() const {
  if (!node.name.empty()) return fmt::format("{} ({})", node.name, node.op_type);
  const bool named = !node.outputs.empty() && node.outputs[0] != kNoValue;
  return fmt::format("of '{}' ({})", named ? graph.value(node.outputs[0]).name : "", node.op_type);
}

namespace {

using IntList = std::vector<std::int64_t>;

std::string NameFor(const OpsetSite& site, std::string_view suffix) {
  return fmt::format("{}_{}", site.graph.value(site.node.outputs[0]).name, suffix);
}

}  // namespace

ValueId OpsetSite::AddInts(std::string_view suffix, const IntList& values) {
  return graph.AddConstant(
      NameFor(*this, suffix),
      Tensor::From<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values));
}

ValueId OpsetSite::AddFloats(std::string_view suffix, const Shape& shape,
                             const std::vector<float>& values) {
  return graph.AddConstant(NameFor(*this, suffix), Tensor::From<float>(shape, values));
}

ValueId OpsetSite::AddValue(std::string_view suffix) {
  return graph.AddValue(NameFor(*this, suffix));
}

Node OpsetSite::Make(std::string_view op_type, std::string_view suffix, std::vector<ValueId> inputs,
                     std::vector<ValueId> outputs) const {
  Node made;
  made.name = node.name.empty() ? "" : fmt::format("{}_{}", node.name, suffix);
  made.op_type = op_type;
  made.inputs = std::move(inputs);
  made.outputs = std::move(outputs);
  return made;
}

void OpsetSite::SetInput(std::size_t slot, ValueId id) {
  if (node.inputs.size() <= slot) node.inputs.resize(slot + 1, kNoValue);
  node.inputs[slot] = id;
}

std::optional<IntList> OpsetSite::Ints(ValueId id) const {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr) return std::nullopt;
  if (tensor->dtype() == DType::kI64) {
    const auto data = tensor->data<std::int64_t>();
    return IntList(data.begin(), data.end());
  }
  if (tensor->dtype() == DType::kI32) {
    const auto data = tensor->data<std::int32_t>();
    return IntList(data.begin(), data.end());
  }
  return std::nullopt;
}

std::optional<float> OpsetSite::Float(ValueId id) const {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr || tensor->dtype() != DType::kF32 || tensor->elements() != 1) {
    return std::nullopt;
  }
  return tensor->data<float>()[0];
}

}  // namespace visavis
