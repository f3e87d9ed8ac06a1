// Windows of the photo as network input: cut out, zero-padded, resized and scaled in one pass.
#pragma once

#include <span>

#include "visavis/image.h"

namespace visavis {

/// A window of a photo, in whole pixels. It may reach beyond the photo, where it reads as black.
struct Patch {
  int x = 0;
  int y = 0;
  int width = 0;   ///< >= 1
  int height = 0;  ///< >= 1
};

/// How the resampled pixels are rounded.
enum class PatchRounding {
  kBytes,  ///< to 8 bits, in the fixed point of OpenCV's 8-bit bilinear resize
  kFloat,  ///< not at all, as OpenCV's float bilinear resize
};

/// MTCNN's input scaling: pixel p enters its networks as (p - mean) * scale, channels B, G, R.
inline constexpr float kMtcnnMean = 127.5f;
inline constexpr float kMtcnnScale = 0.0078125f;

/// Writes `patch` of `image` resized bilinearly to side x side, as 3 x side x side floats in
/// MTCNN's scaling. side must be at most kMaxPatchSide.
void SamplePatch(ImageView image, const Patch& patch, int side, PatchRounding rounding,
                 std::span<float> planes);
inline constexpr int kMaxPatchSide = 48;

}  // namespace visavis
