#include "detect/landmarks.h"

#include <algorithm>
#include <cmath>

#include "base/try.h"
#include "detect/patch.h"

namespace visavis {
namespace {

constexpr std::size_t kLandmarks = 5;
constexpr int kLandmarkPatch = 24;
/// Side of a landmark's patch as a fraction of the face.
constexpr double kPatchFraction = 0.25;
/// L-Net's point lies in [0,1] of the patch; one farther from the middle is not believed.
constexpr float kFarthestMove = 0.35f;

/// The even number of pixels that L-Net's patches of this face are wide, at least 2.
int PatchSide(const Box& box) {
  const double face =
      std::max(double{box.x2} - double{box.x1}, double{box.y2} - double{box.y1}) + 1;
  const double side = std::nearbyint(face * kPatchFraction);
  return std::max(2, static_cast<int>(side + std::fmod(side, 2)));
}

Patch PatchAround(const Point& point, int side) {
  const double half = 0.5 * side;
  return {static_cast<int>(std::nearbyint(double{point.x} - half)),
          static_cast<int>(std::nearbyint(double{point.y} - half)), side, side};
}

Point MovedPoint(const Patch& patch, float right, float down) {
  if (std::abs(right - 0.5f) > kFarthestMove || std::abs(down - 0.5f) > kFarthestMove) {
    right = 0.5f;
    down = 0.5f;
  }
  return {static_cast<float>(std::trunc(patch.x + double{right} * patch.width)),
          static_cast<float>(std::trunc(patch.y + double{down} * patch.height))};
}

}  // namespace

Landmarks5 LandmarksInBox(const Candidate& box, std::span<const float> fractions) {
  Landmarks5 points;
  for (std::size_t k = 0; k < kLandmarks; ++k) {
    points[k].x = static_cast<float>(box.x1 + box.width() * double{fractions[k]});
    points[k].y = static_cast<float>(box.y1 + box.height() * double{fractions[kLandmarks + k]});
  }
  return points;
}

NetworkContract LandmarkContract() {
  return {"L-Net", Image::kChannels * int{kLandmarks}, kLandmarkPatch, {2, 2, 2, 2, 2}};
}

Status MoveLandmarks(ImageView image, const MtcnnNetwork& network, ThreadPool* pool,
                     std::vector<Face>& faces) {
  const auto patch_of = [&](const Face& face, std::size_t landmark) {
    return PatchAround(face.landmarks[landmark], PatchSide(face.box));
  };
  std::vector<std::vector<float>> outputs;  // one per landmark
  VISAVIS_RETURN_IF_ERROR(network.RunPatches(
      faces.size(),
      [&](std::size_t i, std::span<float> planes) {
        const std::size_t patch_floats = planes.size() / kLandmarks;
        for (std::size_t k = 0; k < kLandmarks; ++k) {
          SamplePatch(image, patch_of(faces[i], k), kLandmarkPatch, PatchRounding::kFloat,
                      planes.subspan(k * patch_floats, patch_floats));
        }
      },
      pool, outputs));
  for (std::size_t i = 0; i < faces.size(); ++i) {
    for (std::size_t k = 0; k < kLandmarks; ++k) {
      const Patch patch = patch_of(faces[i], k);
      faces[i].landmarks[k] = MovedPoint(patch, outputs[k][2 * i], outputs[k][2 * i + 1]);
    }
  }
  return {};
}

}  // namespace visavis
