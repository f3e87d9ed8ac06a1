// Which quantized layers are computed in bfloat16 instead of int8: Precision::kFast.
#pragma once

#include "model/graph/graph.h"
#include "runtime/fast/cost.h"

namespace visavis {

/// Makes float layers of those quantized convolutions of `graph` that `model` (of bf16) estimates
/// faster that way, with the weights that their bytes stand for, and drops the quantization of
/// values that float layers hand on. The choice is the division of all layers and stored values
/// into float and bytes that has the least sum of
///  - for each layer its estimate,
///  - for each stored value the step that makes bytes of it where a layer of the one kind makes it
///    for one of the other, and the one that makes floats of bytes; int8 kernels store floats
///    themselves, for nothing.
/// It depends on the graph and the model alone: on neither batch nor threads. Layers whose input
/// size is open, depthwise ones, those of a picture and fully connected ones stay in int8. Returns
/// the graph as it was if no layer changes.
/// Runs before FuseQuantized.
Graph MixPrecision(const Graph& graph, const CostModel& model);

}  // namespace visavis
