// Graph rewrites that make a network cheaper to run without changing what it computes.
#pragma once

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// Each pass takes a valid graph and gives a valid graph with the same inputs, outputs and results
/// (up to rounding). What a pass does not understand it leaves alone.
/// Threads: pure.

/// Drops Identity and inference-time Dropout.
Graph RemoveIdentities(Graph graph);
/// Turns Conv, and Gemm together with the Flatten or Reshape before it, into FusedConv and
/// FusedGemm (fused_ops.h) where the blocked kernels can run them.
Graph FuseLinear(Graph graph);
/// Folds BatchNormalization, and Add, Sub, Mul or Div by per-channel constants, into a FusedConv or
/// FusedGemm before it, and attaches activations and residual additions to it.
Graph AttachEpilogues(Graph graph);
/// Folds the same per-channel affine maps into the FusedConv or FusedGemm after them: the scale
/// into the weights, the shift into the bias and, border-exact, into the value that padding reads.
Graph FoldAffineBefore(Graph graph);

/// Takes QLinearAdd, QLinearMul and QLinearLeakyRelu apart into DequantizeLinear, the plain
/// operator and QuantizeLinear, which is how they are defined; with `convolutions` also every
/// QLinearConv that FuseQuantized makes an int8 layer of, in either form.
Graph TakeQuantizedApart(Graph graph, bool convolutions);
/// Turns Conv, and Gemm or MatMul together with the Flatten before it, between a DequantizeLinear
/// of its input and one of its constant weights, QLinearConv, QGemm and QLinearMatMul, into
/// FusedConv and FusedGemm with int8 weights, and takes the rest apart as above, so that
/// AttachQuantization finds its parts. Runs before constants are folded, on which weights would
/// become floats.
Graph FuseQuantized(Graph graph);
/// Lets quantized FusedConv nodes read their residual as it is stored, quantize their result, and
/// make the quantized copy that the next block's affine map wants; joins what is left between
/// DequantizeLinear and QuantizeLinear into QuantMap.
Graph AttachQuantization(Graph graph);

/// Computes the output branches of a detector that read one value and end in a transpose to
/// channels last by one convolution (FusedConv, ChannelsLast): few channels each, they share blocks
/// of 16.
Graph MergeHeads(Graph graph);

/// All of the above but TakeQuantizedApart and FuseQuantized, in order. Nodes that only compute
/// constants have been folded before (runtime/fold_constants.h). Errors: kInternal if a pass broke
/// the graph.
Result<Graph> OptimizeGraph(Graph graph);

}  // namespace visavis
