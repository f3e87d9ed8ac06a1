#include "model/info.h"

#include "model/cost.h"
#include "model/graph/shape_inference.h"
#include "model/recognise.h"

namespace visavis {
namespace {

std::vector<std::string> Extents(const std::vector<Dim>& shape) {
  std::vector<std::string> extents;
  for (const Dim& dim : shape) {
    if (dim.known()) {
      extents.push_back(std::to_string(dim.extent));
    } else {
      extents.push_back(dim.symbol.empty() ? "?" : dim.symbol);
    }
  }
  return extents;
}

ModelInfo::Port PortOf(const Value& value, const InferredValue& inferred) {
  ModelInfo::Port port;
  port.name = value.name;
  port.dtype = inferred.dtype.value_or(value.dtype);
  const auto& shape = inferred.shape ? inferred.shape : value.shape;
  if (shape) port.shape = Extents(*shape);
  return port;
}

}  // namespace

ModelInfo InfoOf(const Graph& graph, const std::map<std::string, Shape>& input_shapes) {
  const std::vector<InferredValue> inferred = InferShapes(graph, input_shapes);
  const auto port = [&](ValueId id) {
    return PortOf(graph.value(id), inferred[static_cast<std::size_t>(id)]);
  };
  ModelInfo info;
  info.recognised_as = RecogniseNetwork(graph);
  info.producer = graph.producer;
  info.opset = graph.opset;
  for (const ValueId id : graph.inputs) info.inputs.push_back(port(id));
  for (const ValueId id : graph.outputs) info.outputs.push_back(port(id));
  for (const Node& node : graph.nodes) ++info.operators[node.op_type];
  info.nodes = static_cast<std::int64_t>(graph.nodes.size());
  const NetworkCost cost = CostOf(graph, input_shapes);
  info.stored_parameters = cost.stored_parameters;
  info.parameters = cost.parameters;
  info.flops = cost.flops;
  info.multiply_adds = cost.multiply_adds;
  info.notes = graph.notes;
  return info;
}

}  // namespace visavis
