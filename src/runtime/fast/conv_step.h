// The steps of a blocked convolution: direct and Winograd.
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

/// Scratch of a Winograd step that `threads` threads share.
std::size_t WinogradScratchBytes(const FusedConvNode& node, const ConvAlgorithm& algorithm,
                                 int vectors, const Nchw& output, int threads);

/// The node's epilogue with its residual, if any, taken from `residual` at `image`.
Epilogue EpilogueAt(const FusedConvNode& node, const BlockedValue& residual, const std::byte* base,
                    int image);
/// 2 per multiply-add of the plain definition.
double ConvFlops(const FusedConvNode& node, const Nchw& output);
/// "avx512 c16", "avx512 c16 bf16".
std::string KernelName(const KernelTable& kernels, bool bf16);

}  // namespace visavis
