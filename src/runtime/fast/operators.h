// The operators over blocked values: what the fast compiler emits.
#pragma once

#include <memory>
#include <vector>

#include "model/graph/passes/fused_ops.h"
#include "runtime/fast/blocked.h"
#include "runtime/fast/fast_context.h"
#include "runtime/fast/fused_node.h"
#include "runtime/op.h"

namespace visavis {

/// Dense convolution. Inputs: x blocked, then the residual blocked if the node has one.
/// `residual_alike`: the residual has the result's layout, so the result may take its memory.
std::unique_ptr<Operator> MakeBlockedConv(FusedConvNode node, BlockedSpec spec, bool residual_alike,
                                          const FastContext& context);
/// Convolution of few dense channels. Inputs: x dense NCHW, then the residual as above.
/// `border`: what padding reads, per input channel.
std::unique_ptr<Operator> MakeStemConv(FusedConvNode node, const std::vector<double>& border,
                                       BlockedSpec spec, const FastContext& context);
/// Depthwise convolution. Inputs as MakeBlockedConv.
std::unique_ptr<Operator> MakeDepthwise(FusedConvNode node, BlockedSpec spec, bool residual_alike,
                                        const FastContext& context);
/// Fully connected layer. Input: blocked without border, of `blocked_channels` channels, or dense
/// if that is 0. Output dense [N,M].
std::unique_ptr<Operator> MakeFullyConnected(FusedGemmNode node, int blocked_channels,
                                             DType blocked_store, const FastContext& context);

/// Geometry of a pooling node.
struct PoolGeometry {
  std::array<int, 2> kernel{1, 1};
  int stride = 1;
  std::array<int, 4> pad{0, 0, 0, 0};
  bool ceil_mode = false;
  bool average = false;
  bool count_include_pad = false;
};
/// MaxPool or AveragePool, blocked to blocked.
std::unique_ptr<Operator> MakeBlockedPool(const PoolGeometry& geometry, BlockedSpec spec,
                                          const FastContext& context);

/// y = epilogue(scale * x), blocked to blocked; null `scale` is 1. A second input is added if
/// `adds`, and broadcasts.
std::unique_ptr<Operator> MakeBlockedAffine(int channels, PerChannel scale, FusedEpilogue epilogue,
                                            bool adds, BlockedSpec spec,
                                            const FastContext& context);
/// Nearest-neighbour upsampling of rows and columns, source index floor(i / scale). Inputs: x
/// blocked; if `adds` a blocked addend of the result's shape; then the node's own second, third ...
/// inputs (dense), of which `scales_input` and `sizes_input` (indices here, -1: none) tell the
/// size.
struct UpsampleGeometry {
  std::vector<float> scales;  ///< constants of the node; empty if they come by input
  int scales_input = -1;
  int sizes_input = -1;
};
std::unique_ptr<Operator> MakeBlockedUpsample(UpsampleGeometry geometry, bool adds,
                                              BlockedSpec spec, const FastContext& context);

/// Changes of layout.
std::unique_ptr<Operator> MakeToBlocked(BlockedSpec spec, const FastContext& context);
/// From blocked to blocked with another border.
std::unique_ptr<Operator> MakeReborder(BlockedSpec spec, const FastContext& context);
std::unique_ptr<Operator> MakeToDense(const FastContext& context);
/// Which channels become the last axis of [N,H,W,count], or of [H,W,N,count] if `batch_third`.
struct ChannelRange {
  bool batch_third = false;
  int begin = 0;
  int count = -1;  ///< -1: all
};
std::unique_ptr<Operator> MakeToChannelsLast(const ChannelRange& range, const FastContext& context);

}  // namespace visavis
