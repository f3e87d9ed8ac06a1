// From a detector's maps of scores, boxes and landmarks to faces.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "visavis/types.h"

namespace visavis {

/// How a detector writes a box. Everything is in units of the stride.
enum class BoxCode {
  /// Distances from the anchor to the left, top, right and bottom side (SCRFD).
  kDistances,
  /// Offset of the centre from the anchor, then logarithms of width and height (YuNet).
  kCentreAndSize,
};

/// Anchors: `per_cell` in each cell of a grid, all at (column x stride, row x stride), in pixels of
/// the input as Point counts them. Rows of the maps below go by grid row, column, anchor.
struct AnchorGrid {
  int stride = 8;
  int columns = 0;
  int rows = 0;
  int per_cell = 1;

  std::size_t anchors() const {
    return static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows) *
           static_cast<std::size_t>(per_cell);
  }
};

/// One image's maps, one row per anchor.
struct AnchorMaps {
  /// Probabilities whose geometric mean is the score; the second is empty for SCRFD.
  std::array<std::span<const float>, 2> probabilities;
  std::span<const float> boxes;      ///< x 4, by BoxCode
  std::span<const float> landmarks;  ///< x 10: offset (x, y) of each landmark from the anchor
};

/// Appends the faces that score `threshold` or more, in pixels of the input. Anchors with numbers
/// that are not finite, or boxes that are inside out, are left out.
/// Source: SCRFD: insightface detection/scrfd/tools/scrfd.py; YuNet: libfacedetection.train and
/// OpenCV's FaceDetectorYN.
void DecodeAnchors(const AnchorGrid& grid, BoxCode code, const AnchorMaps& maps, float threshold,
                   std::vector<Face>& faces);

}  // namespace visavis
