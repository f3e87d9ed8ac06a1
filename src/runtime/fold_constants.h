// Folding what is the same for every run.
#pragma once

#include "model/graph/graph.h"
#include "runtime/program.h"

namespace visavis {

/// Replaces nodes whose inputs are all constants by their results, where these are not much larger
/// than their inputs, and drops the nodes. Errors: those of the operators.
Status FoldConstants(Graph& graph, const CompileContext& context);

}  // namespace visavis
