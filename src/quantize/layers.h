// The layers of a prepared graph: what carries weights that can be 8-bit integers.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// A Conv or Gemm (transB = 1, alpha = beta = 1) with constant float weights [out][per_group][taps]
/// and a constant bias or none.
struct Layer {
  int node = -1;  ///< index into Graph::nodes
  std::string name;
  bool conv = false;
  int out = 0;
  int groups = 1;
  int per_group = 0;  ///< input channels that one output channel reads
  int taps = 1;       ///< of its window

  int in() const { return groups * per_group; }
  int row() const { return per_group * taps; }  ///< weights per output channel
};

/// What a layer's node is, if it is one. Names are unique: a nameless node is called by its output.
std::optional<Layer> LayerOf(const Graph& graph, int node);
/// All layers in order.
std::vector<Layer> FindLayers(const Graph& graph);

std::span<const float> WeightsOf(const Graph& graph, const Layer& layer);
/// `out` numbers; zeros if the layer has no bias.
std::vector<float> BiasOf(const Graph& graph, const Layer& layer);
void SetWeights(Graph& graph, const Layer& layer, std::span<const float> weights);
void SetBias(Graph& graph, const Layer& layer, std::span<const float> bias);

}  // namespace visavis
