#include "model/rewrite/opset.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/try.h"
#include "model/graph/onnx_types.h"
#include "model/onnx/onnx_import.h"
#include "model/rewrite/opset_site.h"

namespace visavis {
namespace {

// Operators whose forms the steps know, by the operator set that brought them (at least 7) and the
// last one that has them.
struct Known {
  std::string_view op_type;
  int first = kMinOpset;
  int last = kMaxOpset;
};
constexpr std::array kKnown{
    Known{"Abs"},
    Known{"Add"},
    Known{"And"},
    Known{"ArgMax"},
    Known{"ArgMin"},
    Known{"AveragePool"},
    Known{"BatchNormalization"},
    Known{"Cast"},
    Known{"CastLike", 15},
    Known{"Ceil"},
    Known{"Clip"},
    Known{"Concat"},
    Known{"Constant"},
    Known{"ConstantOfShape", 9},
    Known{"Conv"},
    Known{"Cos"},
    Known{"DequantizeLinear", 10},
    Known{"Div"},
    Known{"Dropout"},
    Known{"Elu"},
    Known{"Equal"},
    Known{"Erf", 9},
    Known{"Exp"},
    Known{"Expand", 8},
    Known{"Flatten"},
    Known{"Floor"},
    Known{"Gather"},
    Known{"Gemm"},
    Known{"GlobalAveragePool"},
    Known{"GlobalMaxPool"},
    Known{"Greater"},
    Known{"GreaterOrEqual", 12},
    Known{"HardSigmoid"},
    Known{"HardSwish", 14},
    Known{"Identity"},
    Known{"InstanceNormalization"},
    Known{"LeakyRelu"},
    Known{"Less"},
    Known{"LessOrEqual", 12},
    Known{"Log"},
    Known{"LogSoftmax"},
    Known{"LpNormalization"},
    Known{"MatMul"},
    Known{"Max"},
    Known{"MaxPool"},
    Known{"Mean"},
    Known{"Min"},
    Known{"Mul"},
    Known{"Neg"},
    Known{"Not"},
    Known{"Or"},
    Known{"PRelu"},
    Known{"Pad"},
    Known{"Pow"},
    Known{"QLinearConv", 10},
    Known{"QLinearMatMul", 10},
    Known{"QuantizeLinear", 10},
    Known{"Reciprocal"},
    Known{"ReduceL1"},
    Known{"ReduceL2"},
    Known{"ReduceLogSum"},
    Known{"ReduceLogSumExp"},
    Known{"ReduceMax"},
    Known{"ReduceMean"},
    Known{"ReduceMin"},
    Known{"ReduceProd"},
    Known{"ReduceSum"},
    Known{"ReduceSumSquare"},
    Known{"Relu"},
    Known{"Reshape"},
    Known{"Resize", 10},
    Known{"Round", 11},
    Known{"Selu"},
    Known{"Shape"},
    Known{"Sigmoid"},
    Known{"Sign", 9},
    Known{"Sin"},
    Known{"Size"},
    Known{"Slice"},
    Known{"Softmax"},
    Known{"Softplus"},
    Known{"Softsign"},
    Known{"Split"},
    Known{"Sqrt"},
    Known{"Squeeze"},
    Known{"Sub"},
    Known{"Sum"},
    Known{"Tanh"},
    Known{"ThresholdedRelu", 10},
    Known{"Tile"},
    Known{"Transpose"},
    Known{"Unsqueeze"},
    Known{"Upsample", 7, 9},
    Known{"Where", 9},
    Known{"Xor"},
};

Status CheckKnown(const Graph& graph, int opset) {
  for (const Node& node : graph.nodes) {
    if (!node.domain.empty()) continue;
    if (std::ranges::find(kKnown, node.op_type, &Known::op_type) != kKnown.end()) continue;
    return MakeError(ErrorCode::kUnsupported,
                     "opset {}: node {}: how {} changes between operator sets is not known here",
                     opset, graph.Describe(node), node.op_type);
  }
  return {};
}

Status CheckAvailable(const Graph& graph, int opset) {
  for (const Node& node : graph.nodes) {
    if (!node.domain.empty()) continue;
    const auto* known = std::ranges::find(kKnown, node.op_type, &Known::op_type);
    if (opset < known->first || opset > known->last) {
      return MakeError(ErrorCode::kUnsupported,
                       "opset {}: node {}: {} is in operator sets {} to {}", opset,
                       graph.Describe(node), node.op_type, known->first, known->last);
    }
    if (opset < 13 && node.op_type == "Cast" && node.Int("to", 0) == OnnxTypeOf(DType::kBF16)) {
      return MakeError(ErrorCode::kUnsupported,
                       "opset {}: node {}: bfloat16 came with operator set 13", opset,
                       graph.Describe(node));
    }
  }
  for (const Value& value : graph.values) {
    if (opset < 13 && value.constant != nullptr && value.dtype == DType::kBF16) {
      return MakeError(ErrorCode::kUnsupported,
                       "opset {}: constant '{}': bfloat16 came with operator set 13", opset,
                       value.name);
    }
  }
  return {};
}

// All nodes across the border between operator sets `version` - 1 and `version`.
Status Cross(Graph& graph, const std::vector<InferredValue>& inferred, int version, bool up) {
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    OpsetSite site{graph, inferred, up ? version : version - 1, node, {}, {}};
    for (const OpsetStep& step : OpsetSteps()) {
      if (step.version != version || step.op_type != node.op_type || !node.domain.empty()) continue;
      const auto change = up ? step.up : step.down;
      if (change != nullptr) VISAVIS_RETURN_IF_ERROR(change(site));
      break;
    }
    std::ranges::move(site.before, std::back_inserter(nodes));
    if (!site.dropped) nodes.push_back(std::move(node));
    std::ranges::move(site.after, std::back_inserter(nodes));
  }
  graph.nodes = std::move(nodes);
  return {};
}

}  // namespace

Result<Graph> ChangeOpset(Graph graph, int opset) {
  if (opset < kMinOpset || opset > kMaxOpset) {
    return MakeError(ErrorCode::kInvalidArgument, "opset {}: want {} to {}", opset, kMinOpset,
                     kMaxOpset);
  }
  VISAVIS_RETURN_IF_ERROR(CheckKnown(graph, opset));
  const std::vector<InferredValue> inferred = InferShapes(graph);
  for (int v = graph.opset + 1; v <= opset; ++v) {
    VISAVIS_RETURN_IF_ERROR(Cross(graph, inferred, v, true));
  }
  for (int v = graph.opset; v > opset; --v) {
    VISAVIS_RETURN_IF_ERROR(Cross(graph, inferred, v, false));
  }
  graph.opset = opset;
  VISAVIS_RETURN_IF_ERROR(CheckAvailable(graph, opset));
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(graph, "after the change of opset"));
  return graph;
}

}  // namespace visavis
