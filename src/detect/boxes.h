// The box arithmetic between MTCNN's stages, in double precision as the zoo's detector does it.
#pragma once

#include <array>

namespace visavis {

/// A window that may hold a face. Corners are inclusive: width is x2 - x1 + 1.
/// Units: pixels of the whole image.
struct Candidate {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;
  float score = 0;
  std::array<float, 4> offsets{};  ///< correction of x1, y1, x2, y2 in box widths and heights

  double width() const { return x2 - x1 + 1; }
  double height() const { return y2 - y1 + 1; }
};

/// Moves the corners by the offsets that a network regressed for this box.
void Calibrate(Candidate& box);

/// The square of the longer side around the same centre, with corners rounded half to even.
void SquareAndRound(Candidate& box);

/// The part inside the image. The zoo's `pad` does this to its caller's boxes in place: crops are
/// taken from the whole square, but calibration, suppression and landmarks after a crop use the
/// clipped box.
void ClipToImage(int image_width, int image_height, Candidate& box);

/// Whether the box is well formed, finite and has a pixel in the image. Only a broken network
/// regresses one that is not finite.
bool TouchesImage(int image_width, int image_height, const Candidate& box);

}  // namespace visavis
