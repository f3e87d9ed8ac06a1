// Shapes of rank-4 values as far as they can be proved equal for every input size.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// floor((symbol + add) / divide), or the number `add` when `symbol` is kNumber. Convolutions and
/// pooling map this form to itself: floor((floor((x+a)/s) + b) / t) = floor((x + a + b s) / (s t)).
struct SymbolicExtent {
  static constexpr int kNumber = -1;
  int symbol = kNumber;
  std::int64_t add = 0;
  std::int64_t divide = 1;
  friend bool operator==(const SymbolicExtent&, const SymbolicExtent&) = default;
};

using SymbolicShape = std::array<SymbolicExtent, 4>;

/// For each value of the graph its shape, where it follows from declared inputs through
/// convolutions, pooling and elementwise nodes; nothing elsewhere. Equal shapes are equal at every
/// run that does not fail; a sum with an upsampled value is taken to have the other summand's
/// shape, which whoever relies on it checks when sizes are known.
std::vector<std::optional<SymbolicShape>> InferSymbolicShapes(const Graph& graph);

}  // namespace visavis
