// From a model's graph to a program.
#pragma once

#include "model/graph/graph.h"
#include "runtime/program.h"

namespace visavis {

/// The fastest program for the graph: passes, then fused and blocked operators where they exist.
/// Errors: kUnsupported names node, operator and opset; kCorruptData, kInvalidArgument,
/// kLimitExceeded.
Result<Program> Compile(const Graph& graph, const CompileContext& context);

/// The plain program: every node as its dense operator. What all faster programs are compared with.
Result<Program> CompileReference(const Graph& graph, const CompileContext& context);

}  // namespace visavis
