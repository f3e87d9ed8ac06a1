// Affine warp, bit for bit as OpenCV's 8-bit warpAffine.
#pragma once

#include "visavis/image.h"

namespace visavis {

/// (x,y) -> (xx x + xy y + x0, yx x + yy y + y0), in pixels.
struct AffineTransform {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;
};

/// The picture seen through `to_result`, bilinear; what lies outside the source reads as black.
/// Shapes:  image HxWx3 u8; result height x width x 3 u8, both positive. A transform without an
///          inverse gives the source's top-left pixel everywhere.
/// Threads: pure; safe concurrently.
/// Source:  cv2.warpAffine(image, M, (width, height), borderValue=0) of OpenCV up to 4.10:
///          positions in 1/32 px, weights in 1/2^15.
Image WarpAffine(ImageView image, const AffineTransform& to_result, int width, int height);

}  // namespace visavis
