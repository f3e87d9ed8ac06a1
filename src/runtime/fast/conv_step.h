// The steps of a blocked convolution: direct, Winograd and on matrix tiles.
#pragma once

#include <memory>

#include "runtime/fast/blocked.h"
#include "runtime/fast/conv_weights.h"
#include "runtime/fast/fused_node.h"
#include "runtime/step.h"

namespace visavis {

/// What both steps are made from; the references outlive them. Input 0 is x, input 1 the residual
/// if the node has one; all blocked.
struct ConvStepArgs {
  const FusedConvNode& node;
  const BlockedSpec& spec;
  const KernelTable& kernels;
  const NodeTypes& types;
  ConvAlgorithm algorithm;
  PackedConv weights;
};
std::unique_ptr<Step> MakeDirectStep(const ConvStepArgs& args);
std::unique_ptr<Step> MakeWinogradStep(const ConvStepArgs& args, int threads);
std::unique_ptr<Step> MakeTileStep(const ConvStepArgs& args);

/// Scratch of a Winograd step that `threads` threads share.
std::size_t WinogradScratchBytes(const FusedConvNode& node, const ConvAlgorithm& algorithm,
                                 int vectors, const Nchw& output, int threads);

/// Scratch of a tile step: the planes of one image.
std::size_t TileScratchBytes(const FusedConvNode& node, const ConvAlgorithm& algorithm,
                             const Nchw& output);

/// What a plan prints of any of them.
StepInfo DescribeConv(const ConvStepArgs& args, const Nchw& output);
/// The node's epilogue with its residual, if any, taken from `residual` at `image`.
Epilogue EpilogueAt(const FusedConvNode& node, const BlockedValue& residual, const std::byte* base,
                    int image);
/// The input rows under rows of a convolution's output (RowStep::Under).
RowRange RowsUnder(const FusedConvNode& node, RowRange rows);
/// 2 per multiply-add of the plain definition.
double ConvFlops(const FusedConvNode& node, const Nchw& output);
/// "avx512 c16", "avx512 c16 bf16".
std::string KernelName(const KernelTable& kernels, bool bf16);

}  // namespace visavis
