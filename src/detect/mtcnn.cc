// MTCNN: a cascade of small networks that propose, refine and finish face boxes (Zhang, Zhang, Li,
// Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
// 2016), with the arithmetic of the ONNX Model Zoo's mtcnn_detector.py.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "detect/boxes.h"
#include "detect/landmarks.h"
#include "detect/network.h"
#include "detect/nms.h"
#include "detect/patch.h"
#include "detect/proposals.h"
#include "detect/pyramid.h"
#include "visavis/detect.h"

namespace visavis {
namespace {

constexpr int kRefinePatch = 24;
constexpr int kOutputPatch = 48;
/// Overlap above which boxes of different levels, or of one later stage, count as the same face.
constexpr double kSameFaceOverlap = 0.7;

/// Factors nearer to 1 make pyramids of hundreds of levels.
constexpr double kLargestFactor = 0.95;

/// Faces must keep this many pixels in a photo that is decoded smaller: the size down to which the
/// zoo's detector looks for them.
constexpr int kSmallestReducedFace = 20;
/// JPEG files decode at 1/1, 1/2, 1/4 and 1/8.
constexpr int kLargestReduction = 8;

NetworkContract RefineContract() { return {"R-Net", Image::kChannels, kRefinePatch, {4, 2}}; }
NetworkContract OutputContract() { return {"O-Net", Image::kChannels, kOutputPatch, {10, 4, 2}}; }

Patch PatchOf(const Candidate& box) {
  return {static_cast<int>(box.x1), static_cast<int>(box.y1), static_cast<int>(box.width()),
          static_cast<int>(box.height())};
}

std::vector<Patch> PatchesOf(const std::vector<Candidate>& boxes) {
  std::vector<Patch> patches;
  for (const Candidate& box : boxes) patches.push_back(PatchOf(box));
  return patches;
}

bool AreFinite(const Landmarks5& points) {
  return std::all_of(points.begin(), points.end(),
                     [](const Point& p) { return std::abs(p.x) < 1e6f && std::abs(p.y) < 1e6f; });
}

/// R-Net's and O-Net's verdict on a box: `probability` (no, yes) and corner offsets.
bool Accept(std::span<const float> probability, std::span<const float> offsets, float threshold,
            Candidate& box) {
  box.score = probability[1];
  std::copy(offsets.begin(), offsets.end(), box.offsets.begin());
  return box.score > threshold;
}

std::span<const float> Row(const std::vector<float>& matrix, std::size_t width, std::size_t i) {
  return std::span(matrix).subspan(i * width, width);
}

/// Corrects boxes by their offsets and makes them squares for the next network.
void MakeNextSquares(ImageView image, std::vector<Candidate>& boxes) {
  for (Candidate& box : boxes) {
    Calibrate(box);
    SquareAndRound(box);
  }
  std::erase_if(
      boxes, [&](const Candidate& box) { return !TouchesImage(image.width, image.height, box); });
}

Face MakeFace(const Candidate& box, const Landmarks5& landmarks) {
  return {{static_cast<float>(box.x1), static_cast<float>(box.y1), static_cast<float>(box.x2),
           static_cast<float>(box.y2)},
          box.score,
          landmarks};
}

class Mtcnn : public Detector {
 public:
  Mtcnn(MtcnnOptions options, MtcnnNetwork proposal, MtcnnNetwork refine, MtcnnNetwork output,
        std::optional<MtcnnNetwork> landmark)
      : options_(std::move(options)),
        proposal_(std::move(proposal)),
        refine_(std::move(refine)),
        output_(std::move(output)),
        landmark_(std::move(landmark)) {
    for (MtcnnNetwork* network : {&proposal_, &refine_, &output_}) {
      network->Observe(options_.on_network_run);
    }
    if (landmark_) landmark_->Observe(options_.on_network_run);
  }

  std::string_view name() const override { return "mtcnn"; }

  Result<std::vector<Face>> Detect(ImageView image) const override {
    return DetectReduced(image, 1);
  }

  Result<std::vector<Face>> DetectReduced(ImageView image, double reduction) const override {
    const double min_size_px = options_.min_size_px / reduction;
    VISAVIS_RETURN_IF_ERROR(CheckImage(image, min_size_px));
    VISAVIS_ASSIGN_OR_RETURN(std::vector<Candidate> boxes, Propose(image, min_size_px));
    VISAVIS_ASSIGN_OR_RETURN(boxes, Refine(image, std::move(boxes)));
    VISAVIS_ASSIGN_OR_RETURN(std::vector<Face> faces, Finish(image, std::move(boxes)));
    if (options_.max_faces > 0 && faces.size() > static_cast<std::size_t>(options_.max_faces)) {
      faces.resize(static_cast<std::size_t>(options_.max_faces));
    }
    VISAVIS_RETURN_IF_ERROR(RefineLandmarks(image, faces));
    return faces;
  }

  int MaxReduction() const override {
    int reduction = 1;
    while (reduction < kLargestReduction &&
           options_.min_size_px >= kSmallestReducedFace * 2 * reduction) {
      reduction *= 2;
    }
    return reduction;
  }

  Status RefineLandmarks(ImageView image, std::vector<Face>& faces) const override {
    if (!landmark_) return {};
    return MoveLandmarks(image, *landmark_, options_.pool, faces);
  }

 private:
  Status CheckImage(ImageView image, double min_size_px) const;
  /// P-Net over the pyramid: squares that may hold a face.
  Result<std::vector<Candidate>> Propose(ImageView image, double min_size_px) const;
  /// R-Net on each square: fewer and better squares.
  Result<std::vector<Candidate>> Refine(ImageView image, std::vector<Candidate> boxes) const;
  /// O-Net on each square: faces with landmarks, by falling score.
  Result<std::vector<Face>> Finish(ImageView image, std::vector<Candidate> boxes) const;

  MtcnnOptions options_;
  MtcnnNetwork proposal_;
  MtcnnNetwork refine_;
  MtcnnNetwork output_;
  std::optional<MtcnnNetwork> landmark_;
};

Status Mtcnn::CheckImage(ImageView image, double min_size_px) const {
  if (image.empty() || image.data == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "detect: image is {}x{} pixels, want at least 1x1", image.width, image.height);
  }
  const Limits& limits = options_.limits;
  const double finest_scale = std::max(1.0, kProposalCell / min_size_px);
  const double side = finest_scale * std::max(image.width, image.height);
  const double pixels = finest_scale * image.width * finest_scale * image.height;
  if (side > limits.image_side_px || pixels > static_cast<double>(limits.image_pixels)) {
    return MakeError(ErrorCode::kLimitExceeded,
                     "detect: image of {}x{} pixels, enlarged {:.3g} times to see faces of {} "
                     "pixels, exceeds {} pixels a side or {} in all",
                     image.width, image.height, finest_scale, min_size_px, limits.image_side_px,
                     limits.image_pixels);
  }
  return {};
}

Result<std::vector<Candidate>> Mtcnn::Propose(ImageView image, double min_size_px) const {
  const std::vector<PyramidLevel> levels =
      BuildPyramid(image.width, image.height, min_size_px, options_.pyramid_factor);
  VISAVIS_ASSIGN_OR_RETURN(
      std::vector<Candidate> boxes,
      ProposeFaces(image, levels, options_.thresholds[0], proposal_, options_.pool));
  boxes = KeepMaxima(boxes, kSameFaceOverlap, Overlap::kUnion);
  MakeNextSquares(image, boxes);
  return boxes;
}

Result<std::vector<Candidate>> Mtcnn::Refine(ImageView image, std::vector<Candidate> boxes) const {
  const std::vector<Patch> patches = PatchesOf(boxes);
  for (Candidate& box : boxes) ClipToImage(image.width, image.height, box);
  std::vector<std::vector<float>> outputs;  // offsets, probability
  VISAVIS_RETURN_IF_ERROR(refine_.RunPatches(
      patches.size(),
      [&](std::size_t i, std::span<float> planes) {
        SamplePatch(image, patches[i], kRefinePatch, PatchRounding::kBytes, planes);
      },
      options_.pool, outputs));

  std::vector<Candidate> accepted;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (Accept(Row(outputs[1], 2, i), Row(outputs[0], 4, i), options_.thresholds[1], boxes[i])) {
      accepted.push_back(boxes[i]);
    }
  }
  accepted = KeepMaxima(accepted, kSameFaceOverlap, Overlap::kUnion);
  MakeNextSquares(image, accepted);
  return accepted;
}

Result<std::vector<Face>> Mtcnn::Finish(ImageView image, std::vector<Candidate> boxes) const {
  const std::vector<Patch> patches = PatchesOf(boxes);
  for (Candidate& box : boxes) ClipToImage(image.width, image.height, box);
  std::vector<std::vector<float>> outputs;  // landmarks, offsets, probability
  VISAVIS_RETURN_IF_ERROR(output_.RunPatches(
      patches.size(),
      [&](std::size_t i, std::span<float> planes) {
        SamplePatch(image, patches[i], kOutputPatch, PatchRounding::kFloat, planes);
      },
      options_.pool, outputs));

  std::vector<Candidate> accepted;
  std::vector<Landmarks5> landmarks;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    Candidate& box = boxes[i];
    if (!Accept(Row(outputs[2], 2, i), Row(outputs[1], 4, i), options_.thresholds[2], box))
      continue;
    const Landmarks5 points = LandmarksInBox(box, Row(outputs[0], 10, i));
    Calibrate(box);
    if (!TouchesImage(image.width, image.height, box) || !AreFinite(points)) continue;
    accepted.push_back(box);
    landmarks.push_back(points);
  }
  std::vector<Face> faces;
  for (const std::size_t i : SuppressNonMaxima(accepted, kSameFaceOverlap, Overlap::kSmaller)) {
    faces.push_back(MakeFace(accepted[i], landmarks[i]));
  }
  return faces;
}

Status CheckOptions(const MtcnnOptions& options) {
  const bool thresholds_ok = std::all_of(options.thresholds.begin(), options.thresholds.end(),
                                         [](float t) { return t >= 0 && t <= 1; });
  if (!(options.min_size_px >= 1) || !std::isfinite(options.min_size_px)) {
    return MakeError(ErrorCode::kInvalidArgument, "MTCNN: min_size_px is {}, want at least 1",
                     options.min_size_px);
  }
  if (!(options.pyramid_factor > 0 && options.pyramid_factor <= kLargestFactor)) {
    return MakeError(ErrorCode::kInvalidArgument, "MTCNN: pyramid_factor is {}, want (0, {}]",
                     options.pyramid_factor, kLargestFactor);
  }
  if (!thresholds_ok) {
    return MakeError(ErrorCode::kInvalidArgument, "MTCNN: thresholds are {}, {}, {}, want 0 to 1",
                     options.thresholds[0], options.thresholds[1], options.thresholds[2]);
  }
  if (options.max_faces < 0) {
    return MakeError(ErrorCode::kInvalidArgument, "MTCNN: max_faces is {}, want 0 (all) or more",
                     options.max_faces);
  }
  return {};
}

Result<MtcnnNetwork> CreateNetwork(const Model* model, const NetworkContract& contract,
                                   const Limits& limits) {
  if (model == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "MTCNN: the model of {} is missing",
                     contract.name);
  }
  return MtcnnNetwork::Create(*model, contract, limits);
}

}  // namespace

Result<std::unique_ptr<Detector>> CreateMtcnn(const MtcnnModels& models,
                                              const MtcnnOptions& options) {
  VISAVIS_RETURN_IF_ERROR(CheckOptions(options));
  const Limits& limits = options.limits;
  VISAVIS_ASSIGN_OR_RETURN(MtcnnNetwork proposal,
                           CreateNetwork(models.proposal, ProposalContract(), limits));
  VISAVIS_ASSIGN_OR_RETURN(MtcnnNetwork refine,
                           CreateNetwork(models.refine, RefineContract(), limits));
  VISAVIS_ASSIGN_OR_RETURN(MtcnnNetwork output,
                           CreateNetwork(models.output, OutputContract(), limits));
  std::optional<MtcnnNetwork> landmark;
  if (options.accurate_landmarks) {
    VISAVIS_ASSIGN_OR_RETURN(landmark, CreateNetwork(models.landmark, LandmarkContract(), limits));
  }
  return std::unique_ptr<Detector>(std::make_unique<Mtcnn>(
      options, std::move(proposal), std::move(refine), std::move(output), std::move(landmark)));
}

}  // namespace visavis
