// MobileFaceNet "y1": depthwise-separable residual network with a global depthwise output.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/graph/graph.h"

namespace visavis {

/// See BuildArch.
Graph BuildMobileFaceNet(std::string_view graph_name, std::uint64_t seed);

}  // namespace visavis
