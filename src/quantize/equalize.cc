#include "quantize/equalize.h"

#include <algorithm>
#include <cmath>

#include "model/graph/passes/fused_ops.h"
#include "quantize/layers.h"

namespace visavis {
namespace {

constexpr double kLargestStretch = 1e3;

// s x -> s f(x) for every s > 0.
bool IsHomogeneous(const Node& node) {
  return IsOnnx(node, "Relu") || IsOnnx(node, "PRelu") || IsOnnx(node, "LeakyRelu");
}

bool IsBatchNorm(const Graph& graph, const Node& node) {
  return IsOnnx(node, "BatchNormalization") && node.inputs.size() == 5 &&
         node.outputs.size() == 1 && graph.constant(node.inputs[1]) != nullptr &&
         graph.constant(node.inputs[2]) != nullptr;
}

// gamma and beta over s: the map's result over s.
void DivideBatchNorm(Graph& graph, int index, const std::vector<double>& stretch) {
  for (const std::size_t input : {1, 2}) {
    Node& node = graph.nodes[static_cast<std::size_t>(index)];
    Tensor divided = graph.constant(node.inputs[input])->Clone();
    const auto values = divided.data<float>();
    for (std::size_t c = 0; c < values.size(); ++c) {
      values[c] = static_cast<float>(values[c] / stretch[c]);
    }
    node.inputs[input] =
        graph.AddConstant(graph.value(node.inputs[input]).name, std::move(divided));
  }
}

void DivideLayer(Graph& graph, const Layer& layer, const std::vector<double>& stretch) {
  const std::span<const float> old = WeightsOf(graph, layer);
  std::vector<float> weights(old.begin(), old.end());
  std::vector<float> bias = BiasOf(graph, layer);
  const auto row = static_cast<std::size_t>(layer.row());
  for (std::size_t o = 0; o < bias.size(); ++o) {
    for (std::size_t i = 0; i < row; ++i) {
      weights[o * row + i] = static_cast<float>(weights[o * row + i] / stretch[o]);
    }
    bias[o] = static_cast<float>(bias[o] / stretch[o]);
  }
  SetWeights(graph, layer, weights);
  SetBias(graph, layer, bias);
}

// fn(weight, input channel) for all weights of a layer.
template <typename Fn>
void ForEachWeight(const Layer& layer, std::span<float> weights, Fn&& fn) {
  const int outs = layer.out / layer.groups;
  std::size_t at = 0;
  for (int o = 0; o < layer.out; ++o) {
    const int first = o / outs * layer.per_group;
    for (int i = 0; i < layer.per_group; ++i) {
      for (int t = 0; t < layer.taps; ++t) fn(weights[at++], static_cast<std::size_t>(first + i));
    }
  }
}

}  // namespace

std::vector<EqualizedPair> FindEqualizedPairs(const Graph& graph) {
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  const auto sole_reader = [&](ValueId id) {
    const bool output = std::ranges::find(graph.outputs, id) != graph.outputs.end();
    const std::vector<int>& readers = consumers[static_cast<std::size_t>(id)];
    return output || readers.size() != 1 ? -1 : readers[0];
  };
  std::vector<EqualizedPair> pairs;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto first = LayerOf(graph, static_cast<int>(i));
    if (!first && !IsBatchNorm(graph, graph.nodes[i])) continue;
    const std::size_t channels =
        first ? static_cast<std::size_t>(first->out)
              : static_cast<std::size_t>(graph.constant(graph.nodes[i].inputs[1])->elements());
    ValueId value = graph.nodes[i].outputs[0];
    int reader = sole_reader(value);
    // The slope of a PRelu may be any constant: it is not touched.
    while (reader >= 0 && IsHomogeneous(graph.nodes[static_cast<std::size_t>(reader)]) &&
           graph.nodes[static_cast<std::size_t>(reader)].inputs[0] == value) {
      value = graph.nodes[static_cast<std::size_t>(reader)].outputs[0];
      reader = sole_reader(value);
    }
    if (reader < 0) continue;
    const auto second = LayerOf(graph, reader);
    if (!second || !second->conv || static_cast<std::size_t>(second->in()) != channels ||
        graph.nodes[static_cast<std::size_t>(reader)].inputs[0] != value) {
      continue;
    }
    pairs.push_back({static_cast<int>(i), reader, value});
  }
  return pairs;
}

void Equalize(Graph& graph, const EqualizedPair& pair, std::span<const float> channel_range) {
  const Layer second = *LayerOf(graph, pair.second);
  const std::span<const float> old = WeightsOf(graph, second);
  std::vector<float> weights(old.begin(), old.end());
  std::vector<float> weight_range(channel_range.size(), 0);
  ForEachWeight(second, weights, [&](float& w, std::size_t c) {
    weight_range[c] = std::max(weight_range[c], std::abs(w));
  });
  const double share = second.per_group == 1 ? 1.0 : 0.5;
  std::vector<double> stretch(channel_range.size(), 1.0);
  std::vector<bool> live(channel_range.size(), false);
  double sum = 0;
  int count = 0;
  for (std::size_t c = 0; c < stretch.size(); ++c) {
    live[c] = channel_range[c] > 0 && weight_range[c] > 0;
    if (!live[c]) continue;
    stretch[c] = share * std::log(double{channel_range[c]}) -
                 (1 - share) * std::log(double{weight_range[c]});
    sum += stretch[c];
    ++count;
  }
  // Powers of two: the float network stays the same bit by bit, and calibration sets that differ a
  // little agree on nearly all factors, hence on how nearly all weights are rounded.
  for (std::size_t c = 0; c < stretch.size(); ++c) {
    const double factor = std::exp2(std::nearbyint((stretch[c] - sum / count) / std::log(2.0)));
    stretch[c] = !live[c] ? 1.0 : std::clamp(factor, 1 / kLargestStretch, kLargestStretch);
  }
  if (const auto first = LayerOf(graph, pair.first)) {
    DivideLayer(graph, *first, stretch);
  } else {
    DivideBatchNorm(graph, pair.first, stretch);
  }
  ForEachWeight(second, weights,
                [&](float& w, std::size_t c) { w = static_cast<float>(w * stretch[c]); });
  SetWeights(graph, second, weights);
}

}  // namespace visavis
