#include <utility>

#include "base/try.h"
#include "visavis/align.h"
#include "visavis/recognize.h"

namespace visavis {

Result<std::vector<RecognizedFace>> FindFaces(ImageView photo, const Detector& detector,
                                              FaceChoice choice, int crop_size_px) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Face> faces, detector.Detect(photo));
  std::vector<RecognizedFace> found;
  for (const std::size_t i : ChooseFaces(faces, photo.width, photo.height, choice)) {
    VISAVIS_ASSIGN_OR_RETURN(FaceCrop crop, AlignFace(photo, faces[i].landmarks, crop_size_px));
    found.push_back({faces[i], std::move(crop), {}});
  }
  return found;
}

}  // namespace visavis
