// Photo -> faces -> crops, without decoding more of a file than they need.
#include <algorithm>
#include <utility>

#include "base/try.h"
#include "visavis/align.h"
#include "visavis/recognize.h"

namespace visavis {
namespace {

std::vector<Face> Chosen(const std::vector<Face>& faces, ImageView photo, FaceChoice choice) {
  std::vector<Face> chosen;
  for (const std::size_t i : ChooseFaces(faces, photo.width, photo.height, choice)) {
    chosen.push_back(faces[i]);
  }
  return chosen;
}

Result<std::vector<RecognizedFace>> AlignAll(ImageView photo, const std::vector<Face>& faces,
                                             const CropPose& pose) {
  std::vector<RecognizedFace> found;
  for (const Face& face : faces) {
    VISAVIS_ASSIGN_OR_RETURN(FaceCrop crop, AlignFace(photo, face.landmarks, pose));
    found.push_back({face, std::move(crop), {}});
  }
  return found;
}

/// How many times larger a photo is than its smaller copy.
struct Reduction {
  double x = 1;
  double y = 1;

  explicit Reduction(const DecodedImage& photo)
      : x(static_cast<double>(photo.full_width) / photo.image.width()),
        y(static_cast<double>(photo.full_height) / photo.image.height()) {}

  /// Pixels cover areas: the copy's (0,0) is the middle of the photo's first x by y pixels.
  Point FullPoint(float copy_x, float copy_y) const {
    return {static_cast<float>((double{copy_x} + 0.5) * x - 0.5),
            static_cast<float>((double{copy_y} + 0.5) * y - 0.5)};
  }
  Face FullFace(Face face) const {
    const Point corner1 = FullPoint(face.box.x1, face.box.y1);
    const Point corner2 = FullPoint(face.box.x2, face.box.y2);
    face.box = {corner1.x, corner1.y, corner2.x, corner2.y};
    for (Point& point : face.landmarks) point = FullPoint(point.x, point.y);
    return face;
  }
};

/// Whether the pixels around the landmarks would be enlarged in the crop.
Result<bool> NeedsMoreDetail(const Face& face, const CropPose& pose) {
  VISAVIS_ASSIGN_OR_RETURN(const SimilarityTransform to_crop,
                           EstimateSimilarity(face.landmarks, TemplatePoints(pose)));
  return to_crop.a * to_crop.a + to_crop.b * to_crop.b > 1;
}

/// Crops from the smaller copy, everything else in the photo's coordinates.
Result<std::vector<RecognizedFace>> AlignFromCopy(const DecodedImage& photo,
                                                  const std::vector<Face>& faces,
                                                  const CropPose& pose) {
  VISAVIS_ASSIGN_OR_RETURN(std::vector<RecognizedFace> found, AlignAll(photo.image, faces, pose));
  for (RecognizedFace& face : found) {
    face.face = Reduction(photo).FullFace(face.face);
    VISAVIS_ASSIGN_OR_RETURN(face.crop.from_image,
                             EstimateSimilarity(face.face.landmarks, TemplatePoints(pose)));
  }
  return found;
}

}  // namespace

Result<std::vector<RecognizedFace>> FindFaces(ImageView photo, const Detector& detector,
                                              FaceChoice choice, const CropPose& pose) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Face> faces, detector.Detect(photo));
  return AlignAll(photo, Chosen(faces, photo, choice), pose);
}

Result<std::vector<RecognizedFace>> FindFacesInFile(std::span<const std::uint8_t> bytes,
                                                    const std::string& name,
                                                    const Detector& detector, FaceChoice choice,
                                                    const CropPose& pose, const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(
      const DecodedImage photo,
      DecodeImage(bytes, name, {.limits = limits, .max_downscale = detector.MaxReduction()}));
  const Reduction reduction(photo);
  const double factor = std::min(reduction.x, reduction.y);
  if (factor <= 1) return FindFaces(photo.image, detector, choice, pose);

  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Face> all,
                           detector.DetectReduced(photo.image, factor));
  std::vector<Face> faces = Chosen(all, photo.image, choice);
  bool decode_fully = false;
  for (const Face& face : faces) {
    VISAVIS_ASSIGN_OR_RETURN(const bool more, NeedsMoreDetail(face, pose));
    decode_fully = decode_fully || more;
  }
  if (!decode_fully) return AlignFromCopy(photo, faces, pose);

  VISAVIS_ASSIGN_OR_RETURN(const DecodedImage full, DecodeImage(bytes, name, {.limits = limits}));
  for (Face& face : faces) face = reduction.FullFace(face);
  VISAVIS_RETURN_IF_ERROR(detector.RefineLandmarks(full.image, faces));
  return AlignAll(full.image, faces, pose);
}

}  // namespace visavis
