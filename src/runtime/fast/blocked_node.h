// ONNX nodes that can run on blocked values, read into what their operators want.
#pragma once

#include <optional>

#include "model/graph/graph.h"
#include "runtime/fast/operators.h"

namespace visavis {

/// MaxPool or AveragePool with equal strides, no dilation and no second output; else nothing.
std::optional<PoolGeometry> ReadPool(const Node& node);

/// A map of one value: Relu, PRelu, LeakyRelu, Clip, BatchNormalization, arithmetic with a
/// constant.
struct PointwiseNode {
  ValueId x = kNoValue;
  PerChannel scale;  ///< empty: 1
  FusedEpilogue epilogue;
};
/// Nothing if `node` is none of these, or does not fit `channels` channels.
std::optional<PointwiseNode> ReadPointwise(const Graph& graph, const Node& node, int channels);

/// Resize or Upsample in nearest mode whose source index is floor(i / scale); else nothing. Input
/// indices are the node's own.
std::optional<UpsampleGeometry> ReadUpsample(const Graph& graph, const Node& node);

/// ChannelsLast, or a Transpose that is the same of all channels; else nothing.
std::optional<ChannelRange> ReadChannelsLast(const Node& node);

}  // namespace visavis
