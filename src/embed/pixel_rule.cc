#include "embed/pixel_rule.h"

#include <algorithm>
#include <string_view>

namespace visavis {

bool NormalisesPixels(const Graph& graph) {
  const auto named = [](const Node& node, std::string_view op_type, std::string_view mxnet_name) {
    return node.op_type == op_type || node.name.starts_with(op_type) ||
           node.name.starts_with(mxnet_name);
  };
  const auto end = graph.nodes.begin() +
                   static_cast<std::ptrdiff_t>(std::min<std::size_t>(graph.nodes.size(), 8));
  return std::any_of(graph.nodes.begin(), end,
                     [&](const Node& n) { return named(n, "Sub", "_minus"); }) &&
         std::any_of(graph.nodes.begin(), end,
                     [&](const Node& n) { return named(n, "Mul", "_mul"); });
}

}  // namespace visavis
