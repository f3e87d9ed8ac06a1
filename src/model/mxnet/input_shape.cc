#include "model/mxnet/input_shape.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/graph/shape_inference.h"

namespace visavis::mxnet {
namespace {

// What the weights behind an input say about it; -1 where nothing is known.
struct InputForm {
  std::size_t rank = 4;
  std::int64_t channels = -1;
};

// The first weights on any way from `input` onwards, past operators that keep the channels.
InputForm FormOf(const Graph& graph, ValueId input) {
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

// The first fully connected layer and what it takes.
struct Layer {
  ValueId input = kNoValue;
  std::int64_t features = 0;
};

std::optional<Layer> FirstFullyConnected(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    const Tensor* weight = graph.constant(node.input(1));
    if (node.op_type == "Gemm" && weight != nullptr)
      return Layer{node.input(0), weight->shape()[1]};
  }
  return std::nullopt;
}

// Features that arrive at `layer` from a square input; 0 when the input is too small to pass.
std::int64_t FeaturesFrom(const Graph& graph, const Layer& layer, std::int64_t side) {
  const Value& input = graph.value(graph.inputs[0]);
  const Shape shape{1, (*input.shape)[1].extent, side, side};
  const std::vector<InferredValue> inferred = InferShapes(graph, {{input.name, shape}});
  const auto& arriving = inferred[static_cast<std::size_t>(layer.input)].shape;
  if (!arriving || arriving->size() != 2 || !(*arriving)[1].known()) return 0;
  return (*arriving)[1].extent;
}

// The smallest side in [1, kLargestSide + 1] from which at least `features` arrive.
std::int64_t SmallestSide(const Graph& graph, const Layer& layer, std::int64_t features) {
  constexpr std::int64_t kLargestSide = 1024;
  std::int64_t low = 1;
  std::int64_t high = kLargestSide + 1;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (FeaturesFrom(graph, layer, middle) >= features) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// The side of the square input that the fully connected layer was trained for. Strides round, so
// several sides fit; networks are designed for the roundest, e.g. 112 of 97..112 and 24 of 23..25.
std::optional<std::int64_t> InputSide(const Graph& graph) {
  const std::optional<Layer> layer = FirstFullyConnected(graph);
  if (!layer) return std::nullopt;
  const std::int64_t first = SmallestSide(graph, *layer, layer->features);
  const std::int64_t end = SmallestSide(graph, *layer, layer->features + 1);
  std::optional<std::int64_t> best;
  for (std::int64_t side = first; side < end; ++side) {
    const auto roundness = [](std::int64_t n) {
      return std::countr_zero(static_cast<std::uint64_t>(n));
    };
    if (!best || roundness(side) > roundness(*best)) best = side;
  }
  return best;
}

}  // namespace

void DeclareInputShapes(Graph& graph) {
  for (const ValueId input : graph.inputs) {
    const InputForm form = FormOf(graph, input);
    std::vector<Dim> dims{Dim{-1, "N"}, Dim{form.channels, ""}};
    constexpr std::array kSpatial{"depth", "height", "width"};
    const std::size_t spatial = std::min(form.rank - 2, kSpatial.size());
    for (std::size_t i = kSpatial.size() - spatial; i < kSpatial.size(); ++i) {
      dims.push_back(Dim{-1, kSpatial[i]});
    }
    graph.value(input).shape = std::move(dims);
  }
  if (graph.inputs.size() != 1) return;
  std::vector<Dim>& dims = *graph.value(graph.inputs[0]).shape;
  if (dims.size() != 4 || !dims[1].known()) return;
  if (const std::optional<std::int64_t> side = InputSide(graph)) {
    dims[2] = Dim{*side, ""};
    dims[3] = Dim{*side, ""};
  }
}

}  // namespace visavis::mxnet
