#include "model/graph/passes/graph_editor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace visavis {

GraphEditor::GraphEditor(Graph graph)
    : graph_(std::move(graph)),
      producers_(Producers(graph_)),
      readers_(Consumers(graph_)),
      is_output_(graph_.values.size(), false),
      erased_(graph_.nodes.size(), false) {
  for (const ValueId id : graph_.outputs) is_output_[At(id)] = true;
}

int GraphEditor::producer(ValueId id) const { return id == kNoValue ? -1 : producers_[At(id)]; }

std::span<const int> GraphEditor::readers(ValueId id) const { return readers_[At(id)]; }

bool GraphEditor::is_output(ValueId id) const { return is_output_[At(id)]; }

int GraphEditor::SoleReader(ValueId id) const {
  const std::span<const int> all = readers(id);
  return all.size() == 1 && !is_output(id) ? all[0] : -1;
}

void GraphEditor::Forget(ValueId id, int reader) {
  if (id == kNoValue) return;
  std::vector<int>& all = readers_[At(id)];
  all.erase(std::ranges::find(all, reader));
}

void GraphEditor::SetInput(int index, std::size_t i, ValueId id) {
  std::vector<ValueId>& inputs = node(index).inputs;
  if (inputs.size() <= i) inputs.resize(i + 1, kNoValue);
  Forget(inputs[i], index);
  inputs[i] = id;
  if (id != kNoValue) readers_[At(id)].push_back(index);
}

void GraphEditor::Redirect(ValueId from, ValueId to) {
  for (const int reader : readers_[At(from)]) {
    std::ranges::replace(node(reader).inputs, from, to);
    readers_[At(to)].push_back(reader);
  }
  readers_[At(from)].clear();
}

void GraphEditor::Absorb(int index, int successor) {
  const ValueId result = node(successor).outputs[0];
  producers_[At(node(index).outputs[0])] = -1;
  Erase(successor);
  node(index).outputs[0] = result;
  producers_[At(result)] = index;
}

void GraphEditor::TakeOutput(int index, int other) {
  const ValueId result = node(other).outputs[0];
  Erase(other);
  node(index).outputs.push_back(result);
  producers_[At(result)] = index;
}

ValueId GraphEditor::AddValue(const std::string& name, DType dtype) {
  producers_.push_back(-1);
  readers_.emplace_back();
  is_output_.push_back(false);
  return graph_.AddValue(name, dtype);
}

int GraphEditor::AddNode(Node node) {
  const int index = node_count();
  for (const ValueId id : node.inputs) {
    if (id != kNoValue) readers_[At(id)].push_back(index);
  }
  for (const ValueId id : node.outputs) {
    if (id != kNoValue) producers_[At(id)] = index;
  }
  graph_.nodes.push_back(std::move(node));
  erased_.push_back(false);
  return index;
}

void GraphEditor::Erase(int index) {
  for (const ValueId id : node(index).inputs) Forget(id, index);
  for (const ValueId id : node(index).outputs) {
    if (id != kNoValue) producers_[At(id)] = -1;
  }
  node(index).inputs.clear();
  erased_[static_cast<std::size_t>(index)] = true;
}

ValueId GraphEditor::AddConstant(const std::string& name, Tensor tensor) {
  return AddConstant(name, std::make_shared<const Tensor>(std::move(tensor)));
}

ValueId GraphEditor::AddConstant(const std::string& name, std::shared_ptr<const Tensor> tensor) {
  const ValueId id = graph_.AddConstant(name, std::move(tensor));
  producers_.push_back(-1);
  readers_.emplace_back();
  is_output_.push_back(false);
  return id;
}

ValueId GraphEditor::AddDoubles(const std::string& name, std::span<const double> values) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  return AddConstant(name, Tensor::From<double>(shape, values));
}

ValueId GraphEditor::AddFloats(const std::string& name, std::span<const float> values) {
  const Shape shape{static_cast<std::int64_t>(values.size())};
  return AddConstant(name, Tensor::From<float>(shape, values));
}

void GraphEditor::EraseDead() {
  const auto is_dead = [&](int index) {
    return std::ranges::all_of(node(index).outputs, [&](ValueId id) {
      return id == kNoValue || (readers_[At(id)].empty() && !is_output(id));
    });
  };
  std::vector<int> suspects;
  for (int i = 0; i < node_count(); ++i) suspects.push_back(i);
  while (!suspects.empty()) {
    const int index = suspects.back();
    suspects.pop_back();
    if (erased(index) || !is_dead(index)) continue;
    for (const ValueId id : node(index).inputs) {
      if (producer(id) >= 0) suspects.push_back(producer(id));
    }
    Erase(index);
  }
}

Graph GraphEditor::Finish() && {
  EraseDead();
  std::vector<Node> kept;
  kept.reserve(graph_.nodes.size());
  for (int i = 0; i < node_count(); ++i) {
    if (!erased(i)) kept.push_back(std::move(node(i)));
  }
  graph_.nodes = std::move(kept);
  for (std::size_t i = 0; i < graph_.values.size(); ++i) {
    if (readers_[i].empty() && !is_output_[i]) graph_.values[i].constant = nullptr;
  }
  const Status sorted = ValidateAndSort(graph_, "after a graph pass");
  VISAVIS_CHECK(sorted.has_value());
  return std::move(graph_);
}

std::vector<double> ConstantDoubles(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr) return {};
  const auto widen = [](auto elements) {
    return std::vector<double>(elements.begin(), elements.end());
  };
  if (tensor->dtype() == DType::kF32) return widen(tensor->data<float>());
  if (tensor->dtype() == DType::kF64) return widen(tensor->data<double>());
  return {};
}

}  // namespace visavis
