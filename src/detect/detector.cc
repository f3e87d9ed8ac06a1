// What detectors do that do not say otherwise.
#include "visavis/detect.h"

namespace visavis {

Result<std::vector<Face>> Detector::DetectReduced(ImageView image, double /*reduction*/) const {
  return Detect(image);
}

Status Detector::RefineLandmarks(ImageView /*image*/, std::vector<Face>& /*faces*/) const {
  return {};
}

}  // namespace visavis
