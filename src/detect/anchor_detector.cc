// SCRFD and YuNet: one network that looks at the whole picture, run at as many sizes of the photo
// as its range of face sizes asks for, and one suppression over all of them.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "detect/anchor_network.h"
#include "detect/boxes.h"
#include "detect/levels.h"
#include "detect/nms.h"
#include "image/resize.h"
#include "image/transform.h"
#include "visavis/detect.h"

namespace visavis {
namespace {

/// What the families differ in besides their outputs.
struct FamilyTraits {
  std::string_view name;
  PixelScale pixels;
  float score_threshold;
  float nms_overlap;
};

/// SCRFD: insightface's scrfd.py. YuNet: OpenCV's FaceDetectorYN takes B, G, R from 0 to 255; its
/// default score of 0.9 is for few false alarms, the scores of faces over 20 pixels lie above 0.6.
FamilyTraits TraitsOf(AnchorFamily family) {
  if (family == AnchorFamily::kScrfd) return {"scrfd", {127.5f, 1.0f / 128, false}, 0.5f, 0.4f};
  return {"yunet", {0, 1, true}, 0.6f, 0.3f};
}

/// Face sizes that the networks find (docs/detectors.md has the measurements).
constexpr FaceRange kFaceRange{20, 320};
/// Largest piece of a level in one run of a network that takes any size: bounds its memory.
constexpr int kTileSide = 2560;
/// Overlap of tiles: no less than the largest face that a level which may be cut answers for.
constexpr int kTileOverlap = 400;
/// Images of one size per run.
constexpr std::size_t kLargestBatch = 8;
/// Faces that take part in suppression: only a broken network is this sure of so many.
constexpr std::size_t kMostCandidates = 10'000;
/// JPEG files decode at 1/1, 1/2, 1/4 and 1/8.
constexpr int kLargestReduction = 8;

/// One network input: a tile of a level of a photo.
struct Job {
  std::size_t photo = 0;
  std::size_t level = 0;
  Tile tile;
  int input_width = 0;
  int input_height = 0;
};

/// A photo at its sizes. The finest may be the photo itself.
struct PhotoLevels {
  std::vector<DetectionLevel> levels;
  std::vector<Image> resized;
  std::vector<ImageView> pixels;
};

int RoundUp(int value, int step) { return (value + step - 1) / step * step; }

ImageView Cut(ImageView image, const Tile& tile) {
  return {image.row(tile.y) + static_cast<std::ptrdiff_t>(tile.x) * Image::kChannels, tile.width,
          tile.height, image.stride_bytes};
}

/// Pixels cover areas: the level's (0,0) is the middle of the photo's first 1/scale pixels.
Point PhotoPoint(const Point& p, const Tile& tile, const DetectionLevel& level) {
  return {static_cast<float>((double{p.x} + tile.x + 0.5) / level.scale_x - 0.5),
          static_cast<float>((double{p.y} + tile.y + 0.5) / level.scale_y - 0.5)};
}

/// Whether this level and this tile answer for the face; it is in pixels of the tile.
bool IsOwn(const Face& face, const Tile& tile, const DetectionLevel& level) {
  const double side = std::max(face.box.width(), face.box.height());
  const double x = (double{face.box.x1} + double{face.box.x2}) / 2 + tile.x;
  const double y = (double{face.box.y1} + double{face.box.y2}) / 2 + tile.y;
  return side >= level.least_px && side <= level.largest_px && x >= tile.core_x1 &&
         x < tile.core_x2 && y >= tile.core_y1 && y < tile.core_y2;
}

void MoveToPhoto(const Tile& tile, const DetectionLevel& level, Face& face) {
  const Point corner1 = PhotoPoint({face.box.x1, face.box.y1}, tile, level);
  const Point corner2 = PhotoPoint({face.box.x2, face.box.y2}, tile, level);
  face.box = {corner1.x, corner1.y, corner2.x, corner2.y};
  for (Point& point : face.landmarks) point = PhotoPoint(point, tile, level);
}

class AnchorDetector : public Detector {
 public:
  AnchorDetector(AnchorDetectorOptions options, AnchorNetwork network)
      : options_(std::move(options)),
        network_(std::move(network)),
        traits_(TraitsOf(network_.family())) {
    traits_.score_threshold = options_.score_threshold.value_or(traits_.score_threshold);
    traits_.nms_overlap = options_.nms_overlap.value_or(traits_.nms_overlap);
  }

  std::string_view name() const override { return traits_.name; }

  Result<std::vector<Face>> Detect(ImageView image) const override {
    return DetectReduced(image, 1);
  }

  Result<std::vector<Face>> DetectReduced(ImageView image, double reduction) const override {
    VISAVIS_ASSIGN_OR_RETURN(std::vector<std::vector<Face>> faces,
                             DetectAll({&image, 1}, reduction));
    return std::move(faces[0]);
  }

  Result<std::vector<std::vector<Face>>> DetectBatch(
      std::span<const ImageView> images) const override {
    return DetectAll(images, 1);
  }

  int MaxReduction() const override {
    int reduction = 1;
    while (reduction < kLargestReduction &&
           options_.min_size_px >= kFaceRange.smallest_px * 2 * reduction) {
      reduction *= 2;
    }
    return reduction;
  }

 private:
  Result<std::vector<std::vector<Face>>> DetectAll(std::span<const ImageView> images,
                                                   double reduction) const;
  LevelPlan PlanFor(double reduction) const;
  Result<std::vector<DetectionLevel>> PlanPhoto(ImageView image, const LevelPlan& plan) const;
  /// Network inputs of all photos, those of one size together.
  std::vector<std::vector<Job>> MakeBatches(const std::vector<PhotoLevels>& photos) const;
  /// Runs the network on jobs of one input size and appends what it finds to faces[photo].
  Status Search(std::span<const Job> jobs, const std::vector<PhotoLevels>& photos,
                AnchorNetwork::Buffers& buffers, std::vector<std::vector<Face>>& faces) const;
  /// One of each face, by falling score.
  std::vector<Face> Merge(std::vector<Face> faces) const;

  AnchorDetectorOptions options_;
  AnchorNetwork network_;
  FamilyTraits traits_;
};

/// The photo at each level's size, each made from the next finer one.
PhotoLevels ResizePhoto(ImageView image, std::vector<DetectionLevel> levels) {
  PhotoLevels photo{std::move(levels), {}, {}};
  photo.resized.reserve(photo.levels.size());
  ImageView finer = image;
  for (const DetectionLevel& level : photo.levels) {
    if (level.width != finer.width || level.height != finer.height) {
      photo.resized.push_back(Resize(finer, level.width, level.height));
      finer = photo.resized.back();
    }
    photo.pixels.push_back(finer);
  }
  return photo;
}

Result<std::vector<std::vector<Face>>> AnchorDetector::DetectAll(std::span<const ImageView> images,
                                                                 double reduction) const {
  const LevelPlan plan = PlanFor(reduction);
  std::vector<PhotoLevels> photos(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    VISAVIS_ASSIGN_OR_RETURN(photos[i].levels, PlanPhoto(images[i], plan));
  }
  ParallelFor(options_.pool, static_cast<std::int64_t>(images.size()), [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i);
    photos[at] = ResizePhoto(images[at], std::move(photos[at].levels));
  });

  std::vector<std::vector<Face>> faces(images.size());
  AnchorNetwork::Buffers buffers;
  for (const std::vector<Job>& batch : MakeBatches(photos)) {
    VISAVIS_RETURN_IF_ERROR(Search(batch, photos, buffers, faces));
  }
  for (std::vector<Face>& found : faces) found = Merge(std::move(found));
  return faces;
}

LevelPlan AnchorDetector::PlanFor(double reduction) const {
  return {kFaceRange, options_.min_size_px / reduction, options_.input_side_px};
}

Result<std::vector<DetectionLevel>> AnchorDetector::PlanPhoto(ImageView image,
                                                              const LevelPlan& plan) const {
  if (image.empty() || image.data == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "detect: image is {}x{} pixels, want at least 1x1", image.width, image.height);
  }
  const Limits& limits = options_.limits;
  const double longest = std::max(image.width, image.height);
  double scale = std::max(1.0, plan.range.smallest_px / plan.min_size_px);
  if (plan.longest_side_px > 0)
    scale = std::min(scale, std::max(1.0, plan.longest_side_px / longest));
  if (longest * scale > limits.image_side_px ||
      scale * image.width * scale * image.height > static_cast<double>(limits.image_pixels)) {
    return MakeError(ErrorCode::kLimitExceeded,
                     "detect: image of {}x{} pixels, enlarged {:.3g} times to see faces of {} "
                     "pixels, exceeds {} pixels a side or {} in all",
                     image.width, image.height, scale, plan.min_size_px, limits.image_side_px,
                     limits.image_pixels);
  }
  LevelPlan own = plan;
  const int side = std::min(network_.fixed_width(), network_.fixed_height());
  if (side > 0 && longest * plan.range.smallest_px / plan.min_size_px > side) {
    // Tiles of the only size there is overlap by half at most, which no face may exceed.
    own.range.largest_px *= std::min(1.0, side / 2.0 / kTileOverlap);
  }
  return PlanLevels(image.width, image.height, own);
}

std::vector<std::vector<Job>> AnchorDetector::MakeBatches(
    const std::vector<PhotoLevels>& photos) const {
  const bool fixed = network_.fixed_width() > 0;
  const int max_width = fixed ? network_.fixed_width() : kTileSide;
  const int max_height = fixed ? network_.fixed_height() : kTileSide;
  const int overlap = std::min(kTileOverlap, std::min(max_width, max_height) / 2);
  std::map<std::pair<int, int>, std::vector<Job>> by_size;
  for (std::size_t p = 0; p < photos.size(); ++p) {
    for (std::size_t l = 0; l < photos[p].levels.size(); ++l) {
      const DetectionLevel& level = photos[p].levels[l];
      for (const Tile& tile :
           CutIntoTiles(level.width, level.height, max_width, max_height, overlap)) {
        const int width = fixed ? max_width : RoundUp(tile.width, network_.input_step());
        const int height = fixed ? max_height : RoundUp(tile.height, network_.input_step());
        by_size[{width, height}].push_back({p, l, tile, width, height});
      }
    }
  }
  const std::size_t largest = network_.takes_batches() ? kLargestBatch : 1;
  std::vector<std::vector<Job>> batches;
  for (const auto& [size, jobs] : by_size) {
    for (std::size_t begin = 0; begin < jobs.size(); begin += largest) {
      const std::size_t count = std::min(largest, jobs.size() - begin);
      const auto first = jobs.begin() + static_cast<std::ptrdiff_t>(begin);
      batches.emplace_back(first, first + static_cast<std::ptrdiff_t>(count));
    }
  }
  return batches;
}

Status AnchorDetector::Search(std::span<const Job> jobs, const std::vector<PhotoLevels>& photos,
                              AnchorNetwork::Buffers& buffers,
                              std::vector<std::vector<Face>>& faces) const {
  const int width = jobs[0].input_width;
  const int height = jobs[0].input_height;
  const std::size_t image_floats = static_cast<std::size_t>(Image::kChannels) *
                                   static_cast<std::size_t>(width) *
                                   static_cast<std::size_t>(height);
  buffers.input.resize(jobs.size() * image_floats);
  ParallelFor(options_.pool, static_cast<std::int64_t>(jobs.size()), [&](std::int64_t i, int) {
    const Job& job = jobs[static_cast<std::size_t>(i)];
    ToPlanarFloat(
        Cut(photos[job.photo].pixels[job.level], job.tile), traits_.pixels, width, height,
        std::span(buffers.input).subspan(static_cast<std::size_t>(i) * image_floats, image_floats));
  });
  const int batch = static_cast<int>(jobs.size());
  VISAVIS_RETURN_IF_ERROR(network_.Run(batch, height, width, buffers));
  for (int i = 0; i < batch; ++i) {
    const Job& job = jobs[static_cast<std::size_t>(i)];
    const DetectionLevel& level = photos[job.photo].levels[job.level];
    VISAVIS_ASSIGN_OR_RETURN(
        const std::vector<Face> found,
        network_.Decode(buffers, i, batch, height, width, traits_.score_threshold));
    for (Face face : found) {
      if (!IsOwn(face, job.tile, level)) continue;
      MoveToPhoto(job.tile, level, face);
      faces[job.photo].push_back(face);
    }
  }
  return {};
}

std::vector<Face> AnchorDetector::Merge(std::vector<Face> faces) const {
  std::ranges::stable_sort(faces, std::ranges::greater(), &Face::score);
  if (faces.size() > kMostCandidates) faces.resize(kMostCandidates);
  std::vector<Candidate> boxes;
  for (const Face& face : faces) {
    boxes.push_back({face.box.x1, face.box.y1, face.box.x2, face.box.y2, face.score, {}});
  }
  std::vector<Face> kept;
  for (const std::size_t i :
       SuppressNonMaxima(boxes, double{traits_.nms_overlap}, Overlap::kUnion)) {
    if (options_.max_faces > 0 && kept.size() == static_cast<std::size_t>(options_.max_faces))
      break;
    kept.push_back(faces[i]);
  }
  return kept;
}

Status CheckOptions(const AnchorDetectorOptions& options) {
  const auto wrong = [](std::string_view name, auto value, std::string_view want) {
    return MakeError(ErrorCode::kInvalidArgument, "detector: {} is {}, want {}", name, value, want);
  };
  if (!(options.min_size_px >= 1) || !std::isfinite(options.min_size_px)) {
    return wrong("min_size_px", options.min_size_px, "at least 1");
  }
  const float score = options.score_threshold.value_or(1);
  if (!(score > 0 && score <= 1)) return wrong("score_threshold", score, "(0, 1]");
  const float overlap = options.nms_overlap.value_or(1);
  if (!(overlap > 0 && overlap <= 1)) return wrong("nms_overlap", overlap, "(0, 1]");
  constexpr int kLeastInput = 32;
  if (options.input_side_px != 0 && options.input_side_px < kLeastInput) {
    return wrong("input_side_px", options.input_side_px, "0 (as needed) or at least 32");
  }
  if (options.max_faces < 0) return wrong("max_faces", options.max_faces, "0 (all) or more");
  return {};
}

Result<std::unique_ptr<Detector>> CreateOf(const AnchorFamily* family, const Model& model,
                                           const AnchorDetectorOptions& options) {
  VISAVIS_RETURN_IF_ERROR(CheckOptions(options));
  VISAVIS_ASSIGN_OR_RETURN(
      AnchorNetwork network,
      AnchorNetwork::Create(model, options.pool, options.limits, options.on_network_run));
  if (family != nullptr && network.family() != *family) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: is {}, want {}",
                     model.path().empty() ? "detector model" : model.path(),
                     FamilyName(network.family()), FamilyName(*family));
  }
  return std::unique_ptr<Detector>(std::make_unique<AnchorDetector>(options, std::move(network)));
}

}  // namespace

Result<std::unique_ptr<Detector>> CreateScrfd(const Model& model,
                                              const AnchorDetectorOptions& options) {
  constexpr AnchorFamily kFamily = AnchorFamily::kScrfd;
  return CreateOf(&kFamily, model, options);
}

Result<std::unique_ptr<Detector>> CreateYunet(const Model& model,
                                              const AnchorDetectorOptions& options) {
  constexpr AnchorFamily kFamily = AnchorFamily::kYunet;
  return CreateOf(&kFamily, model, options);
}

Result<std::unique_ptr<Detector>> CreateAnchorDetector(const Model& model,
                                                       const AnchorDetectorOptions& options) {
  return CreateOf(nullptr, model, options);
}

}  // namespace visavis
