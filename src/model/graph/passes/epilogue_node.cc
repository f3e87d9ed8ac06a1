#include "model/graph/passes/epilogue_node.h"

#include <limits>

#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"

namespace visavis {

std::vector<float> SlopesOf(const Graph& graph, const Node& node, int rank, std::size_t channels) {
  if (IsOnnx(node, "LeakyRelu")) return std::vector<float>(channels, node.Float("alpha", 0.01f));
  if (!IsOnnx(node, "PRelu")) return {};
  const auto slope = PerChannelConstant(graph, node.input(1), rank);
  if (!slope.has_value()) return {};
  if (slope->size() == 1) return std::vector<float>(channels, static_cast<float>((*slope)[0]));
  if (slope->size() != channels) return {};
  return std::vector<float>(slope->begin(), slope->end());
}

std::optional<std::pair<float, float>> ClipBounds(const Graph& graph, const Node& node) {
  if (!IsOnnx(node, "Clip")) return std::nullopt;
  std::pair<float, float> bounds{node.Float("min", std::numeric_limits<float>::lowest()),
                                 node.Float("max", std::numeric_limits<float>::max())};
  for (const std::size_t i : {1u, 2u}) {
    if (node.input(i) == kNoValue) continue;
    const std::vector<double> bound = ConstantDoubles(graph, node.input(i));
    if (bound.size() != 1) return std::nullopt;
    (i == 1 ? bounds.first : bounds.second) = static_cast<float>(bound[0]);
  }
  if (!(bounds.first <= bounds.second)) return std::nullopt;
  return bounds;
}

}  // namespace visavis
