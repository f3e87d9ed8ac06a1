#include "model/mxnet/translation.h"

#include <cstring>

#include "base/check.h"
#include "base/try.h"

namespace visavis::mxnet {

Translation::Translation(const Symbol& symbol, const Params& params, int input_rank,
                         std::string_view where)
    : symbol_(symbol), params_(params), input_rank_(input_rank), where_(where) {
  graph_.opset = kOpset;
}

Result<ValueId> Translation::ValueOf(const Edge& edge) {
  if (const auto it = edges_.find({edge.node, edge.output}); it != edges_.end()) return it->second;
  const SymbolNode& source = symbol_.nodes[static_cast<std::size_t>(edge.node)];
  if (!source.is_variable() || edge.output != 0) {
    return MakeError(ErrorCode::kUnsupported, "{}: node {} ({}): output {} is used, want less",
                     where_, source.name, source.op, edge.output);
  }
  const auto param = params_.find(source.name);
  if (param != params_.end()) {
    const ValueId constant = AddWeight(source.name, param->second);
    Bind(edge, constant);
    return constant;
  }
  const ValueId input = graph_.AddValue(UniqueName(source.name));
  graph_.inputs.push_back(input);
  set_rank(input, input_rank_);
  Bind(edge, input);
  return input;
}

Result<std::shared_ptr<const Tensor>> Translation::WeightOf(const std::string& variable,
                                                            const SymbolNode& reader) const {
  const auto it = params_.find(variable);
  if (it == params_.end()) {
    return MakeError(ErrorCode::kCorruptData,
                     "{}: node {} ({}): the .params file has no tensor '{}'", where_, reader.name,
                     reader.op, variable);
  }
  if (it->second->dtype() != DType::kF32) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: node {} ({}): tensor '{}' is {}, want a floating-point type", where_,
                     reader.name, reader.op, variable, Name(it->second->dtype()));
  }
  return it->second;
}

ValueId Translation::AddWeight(const std::string& variable, std::shared_ptr<const Tensor> tensor,
                               const Shape& shape) {
  VISAVIS_CHECK(shape.elements() == tensor->elements());
  const auto key = std::make_pair(variable, shape.ToString());
  if (const auto it = weights_.find(key); it != weights_.end()) return it->second;
  if (tensor->shape() != shape) {
    Tensor reshaped(tensor->dtype(), shape);
    if (tensor->size_bytes() > 0) {
      std::memcpy(reshaped.raw(), tensor->raw(), tensor->size_bytes());
    }
    tensor = std::make_shared<const Tensor>(std::move(reshaped));
  }
  const ValueId id = graph_.AddConstant(UniqueName(variable), std::move(tensor));
  set_rank(id, shape.rank());
  weights_.emplace(key, id);
  return id;
}

ValueId Translation::AddWeight(const std::string& variable, std::shared_ptr<const Tensor> tensor) {
  const Shape shape = tensor->shape();
  return AddWeight(variable, std::move(tensor), shape);
}

ValueId Translation::AddScalar(const std::string& name, float value) {
  const ValueId id =
      graph_.AddConstant(UniqueName(name), Tensor::From<float>(Shape{}, std::span(&value, 1)));
  set_rank(id, 0);
  return id;
}

ValueId Translation::AddIntegers(const std::string& name, const std::vector<std::int64_t>& values) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  return graph_.AddConstant(UniqueName(name), Tensor::From<std::int64_t>(shape, values));
}

void Translation::Bind(const Edge& edge, ValueId value) {
  edges_[{edge.node, edge.output}] = value;
}

std::string Translation::UniqueName(const std::string& wanted) {
  std::string name = wanted;
  while (name.empty() || names_.contains(name)) {
    name = fmt::format("{}_{}", wanted, ++names_[wanted]);
  }
  names_.emplace(name, 0);
  return name;
}

int Translation::rank(ValueId value) const {
  const auto index = static_cast<std::size_t>(value);
  return index < ranks_.size() ? ranks_[index] : -1;
}

void Translation::set_rank(ValueId value, int rank) {
  const auto index = static_cast<std::size_t>(value);
  if (index >= ranks_.size()) ranks_.resize(index + 1, -1);
  ranks_[index] = rank;
}

NodeTranslation::NodeTranslation(Translation& all, int index)
    : all_(all),
      index_(index),
      node_(all.symbol().nodes[static_cast<std::size_t>(index)]),
      attributes_(node_, all.where()) {}

std::string NodeTranslation::Prefix() const {
  return fmt::format("{}: node {} ({}): ", all_.where(), node_.name, node_.op);
}

Status NodeTranslation::ExpectInputs(std::size_t count) const {
  if (node_.inputs.size() >= count) return {};
  return Fail(ErrorCode::kCorruptData, "has {} inputs, want {}", node_.inputs.size(), count);
}

Result<ValueId> NodeTranslation::Input(std::size_t i) {
  VISAVIS_RETURN_IF_ERROR(ExpectInputs(i + 1));
  return all_.ValueOf(node_.inputs[i]);
}

Result<std::shared_ptr<const Tensor>> NodeTranslation::Weight(std::size_t i) {
  VISAVIS_RETURN_IF_ERROR(ExpectInputs(i + 1));
  const SymbolNode& source = all_.symbol().nodes[static_cast<std::size_t>(node_.inputs[i].node)];
  if (!source.is_variable()) {
    return Fail(ErrorCode::kUnsupported, "input {} is computed by {}, want a tensor of the file", i,
                source.name);
  }
  return all_.WeightOf(source.name, node_);
}

const std::string& NodeTranslation::WeightName(std::size_t i) const {
  return all_.symbol().nodes[static_cast<std::size_t>(node_.inputs[i].node)].name;
}

ValueId NodeTranslation::Emit(std::string_view op_type, std::string_view suffix,
                              std::vector<ValueId> inputs, int rank,
                              std::map<std::string, Attribute, std::less<>> attributes) {
  const std::string name = all_.UniqueName(node_.name + std::string(suffix));
  const ValueId output = all_.graph().AddValue(name);
  all_.set_rank(output, rank);
  all_.graph().nodes.push_back(
      Node{name, std::string(op_type), "", std::move(inputs), {output}, std::move(attributes)});
  return output;
}

std::vector<ValueId> NodeTranslation::EmitMany(
    std::string_view op_type, std::vector<ValueId> inputs, int count, int rank,
    std::map<std::string, Attribute, std::less<>> attributes) {
  std::vector<ValueId> outputs;
  for (int i = 0; i < count; ++i) {
    const ValueId output =
        all_.graph().AddValue(all_.UniqueName(fmt::format("{}_output{}", node_.name, i)));
    all_.set_rank(output, rank);
    outputs.push_back(output);
  }
  all_.graph().nodes.push_back(Node{all_.UniqueName(node_.name), std::string(op_type), "",
                                    std::move(inputs), outputs, std::move(attributes)});
  return outputs;
}

void NodeTranslation::SetOutput(int i, ValueId value) { all_.Bind(Edge{index_, i}, value); }

}  // namespace visavis::mxnet
