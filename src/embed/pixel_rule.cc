#include "embed/pixel_rule.h"

#include <string_view>

namespace visavis {

bool NormalisesPixels(const Graph& graph) {
  constexpr int kFirst = 8;
  bool subtracts = false;
  bool scales = false;
  int seen = 0;
  for (const Node& node : graph.nodes) {
    // Quantized files put pairs behind the input, and the weights' before everything else.
    if (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear") continue;
    if (++seen > kFirst) break;
    const auto named = [&](std::string_view op_type, std::string_view mxnet_name) {
      return node.op_type == op_type || node.name.starts_with(op_type) ||
             node.name.starts_with(mxnet_name);
    };
    subtracts |= named("Sub", "_minus");
    scales |= named("Mul", "_mul") || node.op_type == "QLinearMul";
  }
  return subtracts && scales;
}

}  // namespace visavis
