// Folding what is the same for every run.
#pragma once

#include "model/graph/graph.h"
#include "runtime/program.h"

namespace visavis {

/// Replaces nodes whose inputs are all constants by their results, where these are not much larger
/// than their inputs, and drops the nodes. With `keep_quantized`, DequantizeLinear nodes stay, so
/// that passes still see the integers. Errors: those of the operators.
Status FoldConstants(Graph& graph, const CompileContext& context, bool keep_quantized = false);

}  // namespace visavis
