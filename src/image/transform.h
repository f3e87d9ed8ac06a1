// Whole-picture operations that need no resampling.
#pragma once

#include <array>
#include <span>

#include "visavis/image.h"

namespace visavis {

/// The picture seen in a mirror: left and right exchanged.
Image Mirror(ImageView image);

/// A copy of a view, with rows without gaps.
Image Copy(ImageView image);

/// Shapes: image HxWx3 u8; `planes` 3xHxW float, channel order of the image (RGB), values 0..255.
/// `planes` must have exactly 3 x H x W elements.
void ToPlanarFloat(ImageView image, std::span<float> planes);

/// As ToPlanarFloat, with value (x - mean) x scale, and channels reversed (BGR) if asked.
struct PixelScale {
  float mean = 0;
  float scale = 1;
  bool reverse_channels = false;
};
void ToPlanarFloat(ImageView image, const PixelScale& pixels, std::span<float> planes);

/// The same with a mean and a scale per plane, in the planes' order.
struct PlaneScale {
  std::array<float, 3> mean{};
  std::array<float, 3> scale{1, 1, 1};
  bool reverse_channels = false;
};
void ToPlanarFloatByPlane(ImageView image, const PlaneScale& pixels, std::span<float> planes);

}  // namespace visavis
