// Activation nodes that kernels can apply in their epilogue.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// The slopes of PRelu or LeakyRelu over values of rank `rank`, one per channel; empty if `node` is
/// neither, or its slopes are no constants or vary otherwise.
std::vector<float> SlopesOf(const Graph& graph, const Node& node, int rank, std::size_t channels);

/// The bounds of Clip (attributes before opset 11, constants since); nothing for other nodes.
std::optional<std::pair<float, float>> ClipBounds(const Graph& graph, const Node& node);

}  // namespace visavis
