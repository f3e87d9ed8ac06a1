// ImageView -> Face[]: detectors behind one interface. What boxes, scores and landmarks mean for
// all of them: docs/detectors.md.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "visavis/limits.h"
#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"
#include "visavis/types.h"

namespace visavis {

/// Finds faces.
/// Threads: const members are safe concurrently.
class Detector {
 public:
  virtual ~Detector() = default;
  virtual std::string_view name() const = 0;
  /// Faces by falling score. No face is an empty vector, not an error.
  /// Errors: kInvalidArgument for an empty view; kLimitExceeded.
  virtual Result<std::vector<Face>> Detect(ImageView image) const = 0;
  /// Detect for each of several photos, result i for photo i: the same faces as one by one.
  virtual Result<std::vector<std::vector<Face>>> DetectBatch(
      std::span<const ImageView> images) const;

  /// As Detect, for a photo that was decoded `reduction` (>= 1) times smaller: sizes in the options
  /// still count pixels of the photo. Boxes and landmarks are in pixels of `image`.
  virtual Result<std::vector<Face>> DetectReduced(ImageView image, double reduction) const;
  /// How many times smaller a photo may be decoded without hiding a face this detector looks for.
  virtual int MaxReduction() const { return 1; }
  /// Improves the landmarks of faces that were found in a smaller copy of `image`. Boxes and
  /// landmarks are in pixels of `image`.
  virtual Status RefineLandmarks(ImageView image, std::vector<Face>& faces) const;
};

/// MTCNN as the ONNX Model Zoo's ArcFace notebook runs it (Zhang et al. 2016).
struct MtcnnOptions {
  float min_size_px = 20;  ///< smallest face side looked for, >= 1; below 12 photos are enlarged
  std::array<float, 3> thresholds{0.6f, 0.7f,
                                  0.8f};  ///< score must exceed these after P-, R- and O-Net
  double pyramid_factor = 0.709;   ///< each level of the pyramid is this much smaller; at most 0.95
  bool accurate_landmarks = true;  ///< refine with L-Net (points are then whole pixels)
  int max_faces = 0;               ///< keep the best this many; 0 = all
  ThreadPool* pool = nullptr;      ///< borrowed; null: calling thread only
  Limits limits;
  /// For measuring: told after every run of a network ("P-Net", "R-Net", "O-Net", "L-Net") how long
  /// it took. Called from all threads at once; may be empty.
  std::function<void(std::string_view network, double seconds)> on_network_run = nullptr;
};

/// The four networks of MTCNN. `landmark` may be absent when accurate_landmarks is off.
struct MtcnnModels {
  const Model* proposal = nullptr;
  const Model* refine = nullptr;
  const Model* output = nullptr;
  const Model* landmark = nullptr;
};
Result<std::unique_ptr<Detector>> CreateMtcnn(const MtcnnModels& models,
                                              const MtcnnOptions& options = {});

/// What the detectors that look at a whole picture at once (SCRFD, YuNet) share.
struct AnchorDetectorOptions {
  /// Faces with a longer side below this are not looked for, >= 1. A photo enters the network at
  /// the scale that makes such a face 20 pixels long: below 20 it is enlarged.
  float min_size_px = 20;
  std::optional<float> score_threshold;  ///< least score of a face; null: the detector's own
  std::optional<float> nms_overlap;  ///< intersection over union above which two boxes are one face
  /// At most this many pixels of the network's input for the longer side of a photo, which then
  /// hides small faces; 0: as many as min_size_px needs.
  int input_side_px = 0;
  int max_faces = 0;           ///< keep the best this many; 0 = all
  ThreadPool* pool = nullptr;  ///< borrowed; null: calling thread only
  Limits limits;
  /// As MtcnnOptions::on_network_run, for the one network.
  std::function<void(std::string_view network, double seconds)> on_network_run = nullptr;
};

/// SCRFD with five landmarks, of any size (Guo et al., "Sample and Computation Redistribution for
/// Efficient Face Detection", arXiv 2105.04714). Defaults: score 0.5, overlap 0.4, as
/// insightface's. Errors: kInvalidArgument for options out of range or a network with other inputs
/// or outputs; those of Session::Create.
Result<std::unique_ptr<Detector>> CreateScrfd(const Model& model,
                                              const AnchorDetectorOptions& options = {});
/// YuNet (Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023), of any size.
/// Defaults: score 0.6, overlap 0.3. Errors: as CreateScrfd.
Result<std::unique_ptr<Detector>> CreateYunet(const Model& model,
                                              const AnchorDetectorOptions& options = {});
/// Whichever of the two the network is, told by its outputs. Errors: as CreateScrfd.
Result<std::unique_ptr<Detector>> CreateAnchorDetector(const Model& model,
                                                       const AnchorDetectorOptions& options = {});

/// Which of several faces a photo is about.
enum class FaceChoice {
  kLargestCentral,  ///< largest area - 2 x squared distance of its centre from the image centre
  kLargest,         ///< largest area
  kBestScore,       ///< highest score
  kAll,             ///< every face, by falling score
};
/// Indices into `faces`, in order of preference; one for all choices but kAll; empty if there is no
/// face.
std::vector<std::size_t> ChooseFaces(const std::vector<Face>& faces, int image_width,
                                     int image_height, FaceChoice choice);

}  // namespace visavis
