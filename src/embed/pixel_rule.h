// Who normalises pixels: the network or its caller.
#pragma once

#include "model/graph/graph.h"

namespace visavis {

/// What is subtracted from pixels, and then divided by, outside networks that do not normalise
/// themselves.
inline constexpr float kPixelMean = 127.5f;

/// Whether the network subtracts a mean and scales by itself.
/// Source: insightface looks for a Sub and a Mul among the first eight nodes, by name; the operator
/// counts too, since exporters may rename nodes. QuantizeLinear and DequantizeLinear do not count
/// among the eight.
bool NormalisesPixels(const Graph& graph);

}  // namespace visavis
