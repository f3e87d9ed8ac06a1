// Small graphs for tests.
#pragma once

#include <fmt/format.h>

#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/tensor.h"

namespace visavis {

/// A chain of nodes over one input, x, with constants. Nodes are named after their type and place:
/// Conv0, Relu1.
struct GraphBuilder {
  Graph graph;
  ValueId last = kNoValue;  ///< what the next node reads

  GraphBuilder(int opset, const std::vector<std::int64_t>& extents) {
    graph.opset = opset;
    last = graph.AddValue("x");
    graph.inputs = {last};
    graph.value(last).shape.emplace();
    for (const std::int64_t extent : extents) graph.value(last).shape->push_back(Dim{extent, ""});
  }
  ValueId Ints(const std::vector<std::int64_t>& values) {
    return graph.AddConstant(fmt::format("ints{}", graph.values.size()),
                             Tensor::From<std::int64_t>(Shape{std::ssize(values)},
                                                        std::span<const std::int64_t>(values)));
  }
  ValueId Floats(Shape shape, const std::vector<float>& values) {
    return graph.AddConstant(fmt::format("floats{}", graph.values.size()),
                             Tensor::From<float>(std::move(shape), std::span<const float>(values)));
  }
  /// The graph's outputs become those of this node.
  Node& Add(const std::string& type, const std::vector<ValueId>& more = {},
            std::map<std::string, Attribute, std::less<>> attributes = {}, int outputs = 1) {
    Node node;
    node.name = fmt::format("{}{}", type, graph.nodes.size());
    node.op_type = type;
    node.inputs = {last};
    node.inputs.insert(node.inputs.end(), more.begin(), more.end());
    for (int i = 0; i < outputs; ++i) {
      node.outputs.push_back(graph.AddValue(fmt::format("{}_y{}", node.name, i)));
    }
    node.attributes = std::move(attributes);
    last = node.outputs[0];
    graph.nodes.push_back(node);
    graph.outputs = node.outputs;
    return graph.nodes.back();
  }
};

}  // namespace visavis
