// Cross-layer equalisation: channels of one activation brought to like ranges.
#pragma once

#include <span>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// A per-channel stretch that two neighbours can trade without changing the network: `first` makes
/// the channels (a layer, or a BatchNormalization in front of a padded convolution), `second` reads
/// them, and whatever lies between maps s x to s f(x) for s > 0 (ReLU, PReLU, LeakyReLU).
struct EqualizedPair {
  int first = -1;            ///< index of the node
  int second = -1;           ///< index of the layer's node
  ValueId value = kNoValue;  ///< what `second` reads: its ranges are made alike
};

/// All pairs in order. Prepared graphs only.
std::vector<EqualizedPair> FindEqualizedPairs(const Graph& graph);

/// Divides channel c of the pair's activation by s_c = range_c^a / weight_c^(1 - a), made to have
/// geometric mean 1: weights and bias of `first` by s_c, weights of `second` times s_c. range_c is
/// the channel's largest magnitude in calibration, weight_c that of the weights that read it;
/// a = 1 before a depthwise layer, whose weights have a scale per channel anyway, else 1/2.
/// Channels that are always 0 keep their scale.
/// Source: Nagel et al. 2019, section 4.1, and Xiao et al. 2023 (SmoothQuant), for ranges from
/// data.
void Equalize(Graph& graph, const EqualizedPair& pair, std::span<const float> channel_range);

}  // namespace visavis
