// From a graph with fused nodes to a program over blocked values.
#pragma once

#include "model/graph/graph.h"
#include "runtime/program.h"

namespace visavis {

/// Compiles a graph that has been through OptimizeGraph: what can be blocked runs on the kernels of
/// the context's ISA, the rest as dense operators, with changes of layout only in between.
/// Errors: kUnsupported names node, operator and opset.
Result<Program> CompileFast(const Graph& graph, const CompileContext& context);

}  // namespace visavis
