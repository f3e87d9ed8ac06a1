// The image pyramid of MTCNN's first stage.
#pragma once

#include <vector>

namespace visavis {

/// The side of P-Net's window, in pixels: the smallest image it can look at.
inline constexpr int kProposalCell = 12;
/// The distance between neighbouring windows, in pixels.
inline constexpr int kProposalStride = 2;

/// One image of the pyramid. `scale` = its pixels per pixel of the photo.
struct PyramidLevel {
  double scale = 1;
  int width = 0;
  int height = 0;
};

/// The levels from finest to coarsest: the finest shows a face of `min_size_px` in one window, each
/// next is `factor` (in (0,1)) times smaller, and all are larger than a window. Sizes are rounded
/// up. Empty for photos with a side of `min_size_px` or less.
std::vector<PyramidLevel> BuildPyramid(int image_width, int image_height, double min_size_px,
                                       double factor);

}  // namespace visavis
