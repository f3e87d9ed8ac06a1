// Bilinear resize, bit for bit as OpenCV's INTER_LINEAR, to which published detectors are pinned.
#pragma once

#include <span>

#include "image/transform.h"
#include "visavis/image.h"

namespace visavis {

struct ResizeKernels;

/// The picture at another size, in OpenCV's 8-bit fixed point.
/// Shapes:  image HxWx3 u8, not empty; result height x width x 3 u8; both positive.
/// Threads: pure; safe concurrently.
/// Source:  cv2.resize(image, (width, height)) of OpenCV 4 without vendor libraries. Exactly half
///          the size averages 2x2 blocks, as there.
Image Resize(ImageView image, int width, int height);
/// The same by the kernels of one instruction set. All give the same bits.
Image Resize(ImageView image, int width, int height, const ResizeKernels& kernels);

/// The picture at another size as 32-bit floats without rounding, ready for a network:
/// (x - mean) x scale, planar.
/// Shapes:  image HxWx3 u8, not empty; `planes` 3 x height x width.
/// Threads: pure; safe concurrently.
/// Source:  cv2.resize of the picture as float32 (no FMA, no vendor libraries).
void ResizeToPlanarFloat(ImageView image, int width, int height, const PixelScale& pixels,
                         std::span<float> planes);

}  // namespace visavis
