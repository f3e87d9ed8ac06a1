// What a graph does to pixels before its first layer.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// The arithmetic between the input and the first layer: x -> (x - mean) x scale per channel.
struct InputChain {
  std::array<double, 3> mean{};
  std::array<double, 3> scale{1, 1, 1};
  std::vector<std::string> steps;  ///< e.g. "Sub 127.5", "Mul 0.0078125", in order
  int subtractions = 0;            ///< steps that move the zero
  int scalings = 0;
  bool reversed = false;  ///< a Gather turns BGR into RGB or back; mean and scale are the input's
  bool normalises() const { return subtractions > 0 || scalings > 0; }
  /// Scaled and moved twice: pixels would have to come in as what no camera gives.
  bool twice() const { return subtractions > 1 && scalings > 1; }
};

/// Follows Sub, Add, Mul and Div by constants (one, or one per channel), Identity, Dropout, Cast,
/// and a Gather that reverses three channels.
InputChain ReadInputChain(const Graph& graph);

/// "(pixel - 127.5) x 0.0078125", per channel where they differ.
std::string NormalisationText(const std::array<double, 3>& mean,
                              const std::array<double, 3>& scale);

}  // namespace visavis
