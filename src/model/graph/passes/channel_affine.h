// Nodes that compute scale[c] * x + shift[c] with constants.
#pragma once

#include <optional>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// y = scale * x + shift along axis 1; both vectors have one element (for all channels) or one per
/// channel.
struct ChannelAffine {
  ValueId x = kNoValue;
  std::vector<double> scale;
  std::vector<double> shift;

  double ScaleAt(std::size_t channel) const {
    return scale.size() == 1 ? scale[0] : scale[channel];
  }
  double ShiftAt(std::size_t channel) const {
    return shift.size() == 1 ? shift[0] : shift[channel];
  }
  /// True if the map makes sense for `channels` channels.
  bool Fits(std::size_t channels) const {
    return (scale.size() == 1 || scale.size() == channels) &&
           (shift.size() == 1 || shift.size() == channels);
  }
};

/// The map that `node` computes on values of rank `rank` (2 or 4): inference-time
/// BatchNormalization, or Add, Sub, Mul, Div with a constant that varies along axis 1 at most.
std::optional<ChannelAffine> AsChannelAffine(const Graph& graph, const Node& node, int rank);

/// The constant `id` as one number per channel of values of rank `rank`, or as a single number;
/// nothing if it varies along another axis or is no float constant.
std::optional<std::vector<double>> PerChannelConstant(const Graph& graph, ValueId id, int rank);

}  // namespace visavis
