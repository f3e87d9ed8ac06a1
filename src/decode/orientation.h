// EXIF orientation: reading the tag, and turning pixels upright.
#pragma once

#include <cstdint>
#include <span>

#include "visavis/image.h"

namespace visavis {

/// How to turn stored pixels upright; values of the EXIF tag 0x0112.
enum class Orientation {
  kUpright = 1,
  kMirror = 2,         ///< mirror left-right
  kRotate180 = 3,      ///< turn by a half
  kFlip = 4,           ///< mirror top-bottom
  kTranspose = 5,      ///< swap x and y
  kRotate90 = 6,       ///< turn clockwise by a quarter
  kAntiTranspose = 7,  ///< swap x and y, then turn by a half
  kRotate270 = 8,      ///< turn counter-clockwise by a quarter
};

/// Whether upright pixels have width and height exchanged.
bool SwapsSides(Orientation orientation);

/// The orientation that an EXIF block (its TIFF header onwards; a leading "Exif\0\0" is skipped)
/// declares. kUpright when the tag is absent or the block is broken: orientation is a hint, and a
/// picture with a damaged hint is still a picture.
/// Source: CIPA DC-008 (Exif 2.32) 4.5-4.6; TIFF 6.0 section 2.
Orientation ReadExifOrientation(std::span<const std::uint8_t> exif);

/// `image` turned upright. Moves it through when nothing is to be done.
Image TurnUpright(Image image, Orientation orientation);

}  // namespace visavis
