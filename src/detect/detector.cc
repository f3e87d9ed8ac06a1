// What detectors do that do not say otherwise.
#include <utility>

#include "base/try.h"
#include "visavis/detect.h"

namespace visavis {

Result<std::vector<std::vector<Face>>> Detector::DetectBatch(
    std::span<const ImageView> images) const {
  std::vector<std::vector<Face>> faces;
  for (const ImageView& image : images) {
    VISAVIS_ASSIGN_OR_RETURN(std::vector<Face> found, Detect(image));
    faces.push_back(std::move(found));
  }
  return faces;
}

Result<std::vector<Face>> Detector::DetectReduced(ImageView image, double /*reduction*/) const {
  return Detect(image);
}

Status Detector::RefineLandmarks(ImageView /*image*/, std::vector<Face>& /*faces*/) const {
  return {};
}

}  // namespace visavis
