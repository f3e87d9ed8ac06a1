#include "detect/pyramid.h"

#include <algorithm>
#include <cmath>

namespace visavis {

std::vector<PyramidLevel> BuildPyramid(int image_width, int image_height, double min_size_px,
                                       double factor) {
  const double finest = kProposalCell / min_size_px;
  std::vector<PyramidLevel> levels;
  // The shorter side is shrunk step by step but the scale is a power: the zoo rounds them apart,
  // and a level more or less can depend on it.
  double shorter_side = std::min(image_width, image_height) * finest;
  for (int i = 0; shorter_side > kProposalCell; ++i, shorter_side *= factor) {
    const double scale = finest * std::pow(factor, i);
    levels.push_back({scale, static_cast<int>(std::ceil(image_width * scale)),
                      static_cast<int>(std::ceil(image_height * scale))});
  }
  return levels;
}

}  // namespace visavis
