// The five landmarks of a face: O-Net's, and L-Net's refinement of them.
#pragma once

#include <span>
#include <vector>

#include "detect/boxes.h"
#include "detect/network.h"
#include "visavis/image.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"
#include "visavis/types.h"

namespace visavis {

/// O-Net's output for one box, x1..x5 and y1..y5 as fractions of its width and height, in pixels.
Landmarks5 LandmarksInBox(const Candidate& box, std::span<const float> fractions);

/// L-Net's contract: a displacement (x, y) for each of five patches stacked as channels.
NetworkContract LandmarkContract();

/// Moves every landmark by what L-Net sees in the patch around it, a quarter of the face wide.
/// Points become whole pixels (cut towards zero), as the zoo's are.
Status MoveLandmarks(ImageView image, const MtcnnNetwork& network, ThreadPool* pool,
                     std::vector<Face>& faces);

}  // namespace visavis
