#include "model/mxnet/mxnet_import.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/mxnet/input_shape.h"
#include "model/mxnet/params.h"
#include "model/mxnet/symbol.h"
#include "model/mxnet/translation.h"

namespace visavis {
namespace mxnet {
namespace {

// A training checkpoint goes on behind the embedding "fc1" with the classifier "fc7".
std::vector<Edge> HeadsOfInference(const Symbol& symbol) {
  const auto is_classifier = [](const SymbolNode& n) { return n.name.starts_with("fc7"); };
  if (std::ranges::none_of(symbol.nodes, is_classifier)) return symbol.heads;
  for (std::size_t i = 0; i < symbol.nodes.size(); ++i) {
    if (symbol.nodes[i].name == "fc1" && !symbol.nodes[i].is_variable()) {
      return {Edge{static_cast<int>(i), 0}};
    }
  }
  return symbol.heads;
}

// Inputs of `node` that carry data at inference; the labels of loss layers do not.
std::size_t InferenceInputs(const SymbolNode& node) {
  const bool loss = node.op == "SoftmaxOutput" || node.op == "Softmax";
  return loss ? std::min<std::size_t>(node.inputs.size(), 1) : node.inputs.size();
}

std::vector<bool> Needed(const Symbol& symbol, const std::vector<Edge>& heads) {
  std::vector<bool> needed(symbol.nodes.size(), false);
  for (const Edge& head : heads) needed[static_cast<std::size_t>(head.node)] = true;
  for (std::size_t i = symbol.nodes.size(); i-- > 0;) {
    if (!needed[i]) continue;
    const SymbolNode& node = symbol.nodes[i];
    for (std::size_t k = 0; k < InferenceInputs(node); ++k) {
      needed[static_cast<std::size_t>(node.inputs[k].node)] = true;
    }
  }
  return needed;
}

// Without declared shapes, an input has the rank of the first window that is slid over anything.
int RankOfInputs(const Symbol& symbol, std::string_view where) {
  for (const SymbolNode& node : symbol.nodes) {
    const std::size_t extents = AttributeReader(node, where).Tuple("kernel", {}).size();
    if (extents > 0) return static_cast<int>(extents) + 2;
  }
  return 2;
}

Result<Graph> Translate(const Symbol& symbol, const Params& params, std::string_view where) {
  const std::vector<Edge> heads = HeadsOfInference(symbol);
  const std::vector<bool> needed = Needed(symbol, heads);
  Translation translation(symbol, params, RankOfInputs(symbol, where), where);
  for (std::size_t i = 0; i < symbol.nodes.size(); ++i) {
    const SymbolNode& node = symbol.nodes[i];
    if (!needed[i] || node.is_variable()) continue;
    const Translator translate = FindTranslator(node.op);
    if (translate == nullptr) {
      return MakeError(ErrorCode::kUnsupported, "{}: node {}: MXNet operator {} is not supported",
                       where, node.name, node.op);
    }
    NodeTranslation translated(translation, static_cast<int>(i));
    VISAVIS_RETURN_IF_ERROR(translate(translated));
  }
  for (const Edge& head : heads) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId output, translation.ValueOf(head));
    translation.graph().outputs.push_back(output);
  }
  return std::move(translation.graph());
}

}  // namespace
}  // namespace mxnet

Result<Graph> ImportMxnet(std::span<const std::uint8_t> symbol, std::string_view symbol_path,
                          std::span<const std::uint8_t> params, std::string_view params_path,
                          const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(const mxnet::Symbol parsed,
                           mxnet::ParseSymbol(symbol, symbol_path, limits));
  VISAVIS_ASSIGN_OR_RETURN(const mxnet::Params tensors,
                           mxnet::ParseParams(params, params_path, limits));
  VISAVIS_ASSIGN_OR_RETURN(Graph graph, mxnet::Translate(parsed, tensors, symbol_path));
  graph.producer = "MXNet";
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(graph, symbol_path));
  mxnet::DeclareInputShapes(graph);
  return graph;
}

}  // namespace visavis
