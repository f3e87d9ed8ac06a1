// ImageView -> Face[]: detectors behind one interface.
#pragma once

#include <array>
#include <functional>
#include <memory>
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
