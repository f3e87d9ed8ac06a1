// Pictures for people: faces marked on a photo, and two photos compared.
#pragma once

#include <span>
#include <string>

#include "image/text.h"
#include "visavis/image.h"
#include "visavis/types.h"

namespace visavis {

/// Rows and columns for a picture of width x height that fits max_width x max_height at the same
/// shape, at most `max_scale` times as large.
struct PictureSize {
  int width = 0;
  int height = 0;
};
PictureSize FitInside(int width, int height, int max_width, int max_height, double max_scale = 1);

/// Another size without aliasing: halves by area averages, then bilinear. For looking at, not for
/// networks.
Image Rescale(ImageView image, int width, int height);

/// A copy of `photo`, at most `max_side_px` wide and high and `max_scale` times as large, with
/// every face's box, landmarks and score. Shapes: photo not empty. Units:  faces in pixels of
/// `photo`, finite; parts outside it are not drawn.
Image DrawFaces(ImageView photo, std::span<const Face> faces, const Font& font,
                int max_side_px = 1600, double max_scale = 1);

/// One half of a comparison.
struct ComparedPhoto {
  ImageView photo;
  std::span<const Face> faces;  ///< in pixels of the photo
  ImageView crop;               ///< the aligned face that was compared; may be empty
  std::string caption;          ///< e.g. the file's name
};

/// What the comparison found.
struct ComparisonText {
  std::string verdict;  ///< "same person"
  std::string detail;   ///< "similarity 0.769, threshold 0.28"
  bool same = false;    ///< chooses the colour
};

/// Two photos side by side, below them their aligned faces around the verdict; 1200 px wide.
Image DrawComparison(const ComparedPhoto& left, const ComparedPhoto& right,
                     const ComparisonText& text, const Font& font);

}  // namespace visavis
