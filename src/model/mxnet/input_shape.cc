#include "model/mxnet/input_shape.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <queue>
#include <set>
#include <utility>
#include <vector>

namespace visavis::mxnet {
namespace {

// What the weights behind an input say about it; -1 where nothing is known.
struct Features {
  std::size_t rank = 4;
  std::int64_t channels = -1;
};

// The first weights on any way from `input` onwards, past operators that keep the channels.
Features FeaturesOf(const Graph& graph, ValueId input) {
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  struct Step {
    ValueId value;
    std::int64_t parts;  // the input has this many times the channels of the value
  };
  std::queue<Step> todo;
  std::set<ValueId> seen{input};
  todo.push({input, 1});
  while (!todo.empty()) {
    const Step step = todo.front();
    todo.pop();
    for (const int index : consumers[static_cast<std::size_t>(step.value)]) {
      const Node& node = graph.nodes[static_cast<std::size_t>(index)];
      const Tensor* weight = graph.constant(node.input(1));
      if (node.op_type == "Conv" && weight != nullptr) {
        const auto rank = static_cast<std::size_t>(weight->shape().rank());
        return {rank, weight->shape()[1] * node.Int("group", 1) * step.parts};
      }
      if (node.op_type == "Gemm" && weight != nullptr) return {2, weight->shape()[1] * step.parts};
      if (node.op_type == "BatchNormalization" && weight != nullptr) {
        return {4, weight->elements() * step.parts};
      }
      if (node.op_type == "Flatten" || node.op_type == "Reshape" || node.op_type == "Concat") {
        continue;
      }
      const auto parts = static_cast<std::int64_t>(node.outputs.size());
      for (const ValueId output : node.outputs) {
        if (seen.insert(output).second) todo.push({output, step.parts * parts});
      }
    }
  }
  return {};
}

}  // namespace

void DeclareInputShapes(Graph& graph) {
  for (const ValueId input : graph.inputs) {
    const Features features = FeaturesOf(graph, input);
    std::vector<Dim> dims{Dim{-1, "N"}, Dim{features.channels, ""}};
    constexpr std::array kSpatial{"depth", "height", "width"};
    const std::size_t spatial = std::min(features.rank - 2, kSpatial.size());
    for (std::size_t i = kSpatial.size() - spatial; i < kSpatial.size(); ++i) {
      dims.push_back(Dim{-1, kSpatial[i]});
    }
    graph.value(input).shape = std::move(dims);
  }
}

}  // namespace visavis::mxnet
