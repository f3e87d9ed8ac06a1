// Second moments of what layers read: what adaptive rounding weighs errors by.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "quantize/layers.h"
#include "quantize/observe.h"
#include "quantize/weights.h"

namespace visavis {

/// For each layer, by node, one matrix per group: the mean of w w^T over windows w that the layer
/// reads, at up to 64 places of every sample (chosen by a generator of fixed seed).
/// Errors: those of RunAndLook; kUnsupported for a window of attributes that cannot be read.
Result<std::map<int, std::vector<Moments>>> ObserveMoments(const Graph& graph,
                                                           std::span<const Layer> layers,
                                                           std::span<const Sample> samples,
                                                           const QuantizeHooks& hooks);

}  // namespace visavis
