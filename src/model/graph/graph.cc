#include "model/graph/graph.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

template <typename T>
const T* FindAttribute(const Node& node, std::string_view name) {
  const auto it = node.attributes.find(name);
  return it == node.attributes.end() ? nullptr : std::get_if<T>(&it->second);
}

Status CheckIds(const Graph& graph, std::string_view where) {
  const auto count = static_cast<ValueId>(graph.values.size());
  const auto in_range = [count](ValueId id) { return id >= 0 && id < count; };
  const auto in_range_or_none = [&](ValueId id) { return id == kNoValue || in_range(id); };
  for (const Node& node : graph.nodes) {
    if (!std::ranges::all_of(node.inputs, in_range_or_none) ||
        !std::ranges::all_of(node.outputs, in_range_or_none)) {
      return MakeError(ErrorCode::kCorruptData, "{}: node {}: refers to a value that is not there",
                       where, graph.Describe(node));
    }
  }
  if (!std::ranges::all_of(graph.inputs, in_range) ||
      !std::ranges::all_of(graph.outputs, in_range)) {
    return MakeError(ErrorCode::kCorruptData,
                     "{}: an input or output refers to a value that is not there", where);
  }
  return {};
}

// Each value must have exactly one origin: graph input, constant or node output.
Status CheckOrigins(const Graph& graph, std::string_view where) {
  std::vector<int> origins(graph.values.size(), 0);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].constant != nullptr) ++origins[i];
  }
  for (const ValueId id : graph.inputs) ++origins[static_cast<std::size_t>(id)];
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) {
      if (id != kNoValue) ++origins[static_cast<std::size_t>(id)];
    }
  }
  for (std::size_t i = 0; i < origins.size(); ++i) {
    if (origins[i] > 1) {
      return MakeError(ErrorCode::kCorruptData, "{}: value '{}' is defined {} times, want once",
                       where, graph.values[i].name, origins[i]);
    }
  }
  const auto defined = [&](ValueId id) { return origins[static_cast<std::size_t>(id)] == 1; };
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.inputs) {
      if (id != kNoValue && !defined(id)) {
        return MakeError(ErrorCode::kCorruptData, "{}: node {}: input '{}' is defined nowhere",
                         where, graph.Describe(node), graph.value(id).name);
      }
    }
  }
  for (const ValueId id : graph.outputs) {
    if (!defined(id)) {
      return MakeError(ErrorCode::kCorruptData, "{}: output '{}' is defined nowhere", where,
                       graph.value(id).name);
    }
  }
  return {};
}

bool IsSorted(const Graph& graph, const std::vector<int>& producers) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue && producers[static_cast<std::size_t>(id)] >= static_cast<int>(i)) {
        return false;
      }
    }
  }
  return true;
}

// Kahn's algorithm; of the nodes that are ready the earliest in the file goes first, so the order
// is deterministic and as close to the file's as it can be.
std::vector<int> TopologicalOrder(const Graph& graph, const std::vector<int>& producers) {
  std::vector<int> missing(graph.nodes.size(), 0);
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue && producers[static_cast<std::size_t>(id)] >= 0) ++missing[i];
    }
    if (missing[i] == 0) ready.push(static_cast<int>(i));
  }
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  std::vector<int> order;
  order.reserve(graph.nodes.size());
  while (!ready.empty()) {
    const int index = ready.top();
    ready.pop();
    order.push_back(index);
    for (const ValueId id : graph.nodes[static_cast<std::size_t>(index)].outputs) {
      if (id == kNoValue) continue;
      for (const int consumer : consumers[static_cast<std::size_t>(id)]) {
        if (--missing[static_cast<std::size_t>(consumer)] == 0) ready.push(consumer);
      }
    }
  }
  return order;
}

}  // namespace

std::int64_t Node::Int(std::string_view attribute, std::int64_t fallback) const {
  const auto* found = FindAttribute<std::int64_t>(*this, attribute);
  return found == nullptr ? fallback : *found;
}

float Node::Float(std::string_view attribute, float fallback) const {
  const auto* found = FindAttribute<float>(*this, attribute);
  return found == nullptr ? fallback : *found;
}

std::string Node::String(std::string_view attribute, std::string_view fallback) const {
  const auto* found = FindAttribute<std::string>(*this, attribute);
  return found == nullptr ? std::string(fallback) : *found;
}

const std::vector<std::int64_t>* Node::Ints(std::string_view attribute) const {
  return FindAttribute<std::vector<std::int64_t>>(*this, attribute);
}

const std::vector<float>* Node::Floats(std::string_view attribute) const {
  return FindAttribute<std::vector<float>>(*this, attribute);
}

const Tensor* Node::TensorAttribute(std::string_view attribute) const {
  const auto* found = FindAttribute<std::shared_ptr<const Tensor>>(*this, attribute);
  return found == nullptr ? nullptr : found->get();
}

ValueId Graph::AddValue(std::string value_name, DType dtype) {
  Value added;
  added.name = std::move(value_name);
  added.dtype = dtype;
  values.push_back(std::move(added));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::AddConstant(std::string value_name, Tensor tensor) {
  return AddConstant(std::move(value_name), std::make_shared<const Tensor>(std::move(tensor)));
}

ValueId Graph::AddConstant(std::string value_name, std::shared_ptr<const Tensor> tensor) {
  const ValueId id = AddValue(std::move(value_name), tensor->dtype());
  std::vector<Dim> dims;
  for (const std::int64_t extent : tensor->shape().dims()) dims.push_back(Dim{extent, {}});
  value(id).shape = std::move(dims);
  value(id).constant = std::move(tensor);
  return id;
}

const Tensor* Graph::constant(ValueId id) const {
  return id == kNoValue ? nullptr : value(id).constant.get();
}

ValueId Graph::FindValue(std::string_view value_name) const {
  const auto it = std::ranges::find(values, value_name, &Value::name);
  return it == values.end() ? kNoValue : static_cast<ValueId>(it - values.begin());
}

std::string Graph::Describe(const Node& node) const {
  if (!node.name.empty()) return fmt::format("{} ({})", node.name, node.op_type);
  const auto it = std::ranges::find_if(nodes, [&](const Node& other) { return &other == &node; });
  if (it == nodes.end()) return fmt::format("({})", node.op_type);
  return fmt::format("node {} ({})", it - nodes.begin(), node.op_type);
}

std::vector<int> Producers(const Graph& graph) {
  std::vector<int> producers(graph.values.size(), -1);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].outputs) {
      if (id != kNoValue) producers[static_cast<std::size_t>(id)] = static_cast<int>(i);
    }
  }
  return producers;
}

std::vector<std::vector<int>> Consumers(const Graph& graph) {
  std::vector<std::vector<int>> consumers(graph.values.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].inputs) {
      if (id != kNoValue) consumers[static_cast<std::size_t>(id)].push_back(static_cast<int>(i));
    }
  }
  return consumers;
}

Status ValidateAndSort(Graph& graph, std::string_view where) {
  VISAVIS_RETURN_IF_ERROR(CheckIds(graph, where));
  VISAVIS_RETURN_IF_ERROR(CheckOrigins(graph, where));
  const std::vector<int> producers = Producers(graph);
  if (IsSorted(graph, producers)) return {};

  const std::vector<int> order = TopologicalOrder(graph, producers);
  if (order.size() != graph.nodes.size()) {
    std::vector<bool> placed(graph.nodes.size(), false);
    for (const int index : order) placed[static_cast<std::size_t>(index)] = true;
    const auto stuck = std::ranges::find(placed, false) - placed.begin();
    return MakeError(ErrorCode::kCorruptData, "{}: node {}: depends on itself through a cycle",
                     where, graph.Describe(graph.nodes[static_cast<std::size_t>(stuck)]));
  }
  std::vector<Node> sorted;
  sorted.reserve(graph.nodes.size());
  for (const int index : order) {
    sorted.push_back(std::move(graph.nodes[static_cast<std::size_t>(index)]));
  }
  graph.nodes = std::move(sorted);
  return {};
}

}  // namespace visavis
