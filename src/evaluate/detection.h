// How well a detector finds faces: precision, recall and average precision as WIDER FACE counts
// them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "visavis/types.h"

namespace visavis {

/// One photo's annotated faces and what a detector found there.
struct DetectionSample {
  std::vector<Box> faces;
  /// One per face: whether missing it counts. Finding one that does not count is neither right nor
  /// wrong.
  std::vector<bool> counted;
  std::vector<Face> found;  ///< in any order; landmarks play no part
};

struct DetectionOptions {
  double overlap = 0.5;   ///< intersection over union from which a box is on a face, in (0, 1]
  int thresholds = 1000;  ///< points of the curve, >= 1
};

/// One point of a curve: what is found with at least this score.
struct DetectionPoint {
  double score = 0;  ///< in the detector's own scale
  double precision = 0;
  double recall = 0;
};

struct DetectionCurve {
  std::int64_t faces = 0;  ///< counted
  std::int64_t found = 0;  ///< boxes of the detector
  double average_precision = 0;
  std::vector<DetectionPoint> points;  ///< by falling score
};

/// Scores are scaled to [0, 1] over all samples; the curve has a point at each of 1 - i /
/// thresholds (i = 1, ...). In each photo boxes by falling score claim the face they overlap most
/// (widths and heights with one pixel added, as the protocol's code has it). Precision is faces
/// claimed per box: a second box on a face is a false alarm, one on a face that does not count is
/// left out, and so are photos without any annotated face. The average precision is the area under
/// precision made monotone, as PASCAL VOC's. Source: WIDER FACE's eval_tools (Yang, Luo, Loy, Tang,
/// CVPR 2016).
DetectionCurve EvaluateDetection(std::span<const DetectionSample> samples,
                                 const DetectionOptions& options = {});

}  // namespace visavis
