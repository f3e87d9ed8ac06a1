#include "model/onnx/repairs.h"

#include "base/error.h"
#include "base/try.h"

namespace visavis::onnx_format {
namespace {

// Until opset 8, spatial=0 meant statistics per position; ours are [C] all the same.
Status DropSpatial(Graph& graph, std::string_view where) {
  int repaired = 0;
  for (Node& node : graph.nodes) {
    const auto spatial = node.attributes.find("spatial");
    if (node.op_type != "BatchNormalization" || spatial == node.attributes.end()) continue;
    const Tensor* scale = graph.constant(node.input(1));
    if (node.Int("spatial", 1) == 0) {
      if (scale != nullptr && scale->shape().rank() != 1) {
        return MakeError(ErrorCode::kUnsupported,
                         "{}: node {}: spatial=0 with scale {}, want one scale per channel", where,
                         graph.Describe(node), scale->shape().ToString());
      }
      ++repaired;
    }
    node.attributes.erase(spatial);
  }
  if (repaired > 0) {
    graph.notes.push_back(
        fmt::format("{} BatchNormalization nodes said spatial=0 with one scale per channel; read "
                    "as spatial=1",
                    repaired));
  }
  return {};
}

}  // namespace

Status RepairLegacy(Graph& graph, std::string_view where) { return DropSpatial(graph, where); }

}  // namespace visavis::onnx_format
