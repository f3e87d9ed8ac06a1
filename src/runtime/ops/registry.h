// The table of dense operators.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "runtime/op.h"
#include "runtime/program.h"

namespace visavis {

/// What a factory makes an operator from. References live only during the call.
struct OperatorArgs {
  const Graph& graph;
  const Node& node;
  const CompileContext& context;

  int opset() const { return graph.opset; }
};

/// Checks attributes (kCorruptData, kInvalidArgument, kUnsupported) and makes the operator.
using OperatorFactory = Result<std::unique_ptr<Operator>> (*)(const OperatorArgs& args);

struct OperatorEntry {
  std::string_view op_type;
  int first_opset;  ///< oldest and newest operator set with these semantics that we implement
  int last_opset;
  OperatorFactory make;
  std::string_view refuses;      ///< what of the operator is not implemented; for docs/operators.md
  std::string_view domain = {};  ///< empty for ONNX's own operators
};

/// Oldest and newest operator set a graph may follow.
inline constexpr int kFirstOpset = 7;
inline constexpr int kLastOpset = 21;

/// All operators, sorted by domain, name and operator set.
std::vector<OperatorEntry> OperatorTable();

/// The dense operator for a node. kUnsupported names node, operator and opset.
Result<std::unique_ptr<Operator>> CreateOperator(const OperatorArgs& args);

}  // namespace visavis
