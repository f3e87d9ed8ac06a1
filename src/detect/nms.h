// Non-maximum suppression.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "detect/boxes.h"

namespace visavis {

/// What the intersection of two boxes is compared with.
enum class Overlap {
  kUnion,    ///< area of the union
  kSmaller,  ///< area of the smaller box
};

/// Greedy suppression: repeatedly keeps the box of the highest score (the later one of equals) and
/// drops every box whose overlap with it exceeds `threshold`, which must be in (0,1]. Returns the
/// indices of the kept boxes by falling score.
/// Boxes must be finite, with width and height >= 1.
std::vector<std::size_t> SuppressNonMaxima(std::span<const Candidate> boxes, double threshold,
                                           Overlap overlap);

/// The kept boxes themselves.
std::vector<Candidate> KeepMaxima(std::span<const Candidate> boxes, double threshold,
                                  Overlap overlap);

}  // namespace visavis
