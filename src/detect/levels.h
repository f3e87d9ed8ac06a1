// At which sizes a whole-picture detector looks at a photo, and in which pieces.
#pragma once

#include <vector>

#include "visavis/image.h"

namespace visavis {

/// The sizes of faces, by their longer side in pixels of its input, that a network finds reliably.
struct FaceRange {
  double smallest_px = 20;
  double largest_px = 320;
};

/// The photo at one size, and the faces that are looked for at that size.
struct DetectionLevel {
  int width = 0;
  int height = 0;
  double scale_x = 1;  ///< pixels of the level per pixel of the photo
  double scale_y = 1;
  double least_px = 0;    ///< longer side of the smallest face taken from here, pixels of the level
  double largest_px = 0;  ///< and of the largest
};

/// What decides on the levels.
struct LevelPlan {
  FaceRange range;
  double min_size_px = 20;  ///< smallest face wanted, pixels of the photo
  int longest_side_px = 0;  ///< bound on a level's longer side; 0: none
};

/// From finest to coarsest. The finest shows a face of min_size_px at range.smallest_px; coarser
/// ones follow until a face that fills the photo is in range, none more than 4 times smaller than
/// the last, so that the sizes taken from neighbours overlap. One level for a photo so small that
/// the finest shows even a frame-filling face in range.
std::vector<DetectionLevel> PlanLevels(int image_width, int image_height, const LevelPlan& plan);

/// A piece of a level that enters the network at once, and the part of it whose faces are its own:
/// every point of the level, and of its surroundings, is in the core of exactly one tile.
struct Tile {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  double core_x1 = 0;  ///< centres of faces in [core_x1, core_x2) x [core_y1, core_y2)
  double core_y1 = 0;
  double core_x2 = 0;
  double core_y2 = 0;
};

/// Cuts width x height into equal tiles of at most max_width x max_height that overlap by at least
/// `overlap` (less than the maxima), so that a face of up to that size is whole in the tile that
/// owns its centre.
std::vector<Tile> CutIntoTiles(int width, int height, int max_width, int max_height, int overlap);

}  // namespace visavis
