// MTCNN's first stage: P-Net slid over an image pyramid.
#pragma once

#include <span>
#include <vector>

#include "detect/boxes.h"
#include "detect/network.h"
#include "detect/pyramid.h"
#include "visavis/image.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// P-Net's contract: corner offsets (4) and face probability (2: no, yes) per window.
NetworkContract ProposalContract();

/// Every window of every level whose face probability exceeds `threshold`, thinned by suppression
/// within its level (overlap 0.5 of the union). Boxes are the windows, in pixels of the photo, not
/// yet calibrated; order: level by level, by falling score.
Result<std::vector<Candidate>> ProposeFaces(ImageView image, std::span<const PyramidLevel> levels,
                                            float threshold, const MtcnnNetwork& network,
                                            ThreadPool* pool);

}  // namespace visavis
