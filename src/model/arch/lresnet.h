// LResNet*E-IR: the improved residual network of ArcFace.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/graph/graph.h"

namespace visavis {

/// LResNet{depth}E-IR with `units` residual units in its four stages. See BuildArch.
Graph BuildLResNetEIr(std::string_view graph_name, const std::array<int, 4>& units,
                      std::uint64_t seed);

}  // namespace visavis
