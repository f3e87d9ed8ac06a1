// Recognizer: the order of the stages. Photo -> faces -> crops -> embeddings -> comparison.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/align.h"
#include "visavis/contract.h"
#include "visavis/decode.h"
#include "visavis/detect.h"
#include "visavis/embed.h"
#include "visavis/match.h"
#include "visavis/result.h"
#include "visavis/types.h"
#include "visavis/zoo.h"

namespace visavis {

inline constexpr char kDefaultDetector[] = "mtcnn";

/// A detector by name, and what any of them may be told. Values left empty are the detector's own
/// defaults; a value that the detector has no use for is refused.
struct DetectorOptions {
  /// "mtcnn", "scrfd" (500M), "scrfd-2.5g", "yunet", another detector of the registry, the ONNX
  /// file of a SCRFD or YuNet, or a folder with any of det1.onnx (P-Net) to det4.onnx (L-Net) that
  /// take the place of MTCNN's own.
  std::string detector = kDefaultDetector;
  float min_size_px = 20;                ///< smallest face looked for
  std::optional<float> score_threshold;  ///< least score of a face (MTCNN: after O-Net)
  std::optional<float> nms_overlap;      ///< AnchorDetectorOptions::nms_overlap; not MTCNN
  std::optional<int> input_side_px;      ///< AnchorDetectorOptions::input_side_px; not MTCNN
  std::optional<std::array<float, 3>> thresholds;  ///< MtcnnOptions::thresholds; MTCNN only
  std::optional<bool> accurate_landmarks;          ///< MtcnnOptions; MTCNN only; its default is on
  int max_faces = 0;                               ///< keep the best this many; 0 = all
  ThreadPool* pool = nullptr;                      ///< borrowed; null: calling thread only
  Limits limits;
  /// As MtcnnOptions::on_network_run.
  std::function<void(std::string_view network, double seconds)> on_network_run = nullptr;
};

/// Everything in the options that changes what is found, as one line: equal lines, equal faces.
std::string Describe(const DetectorOptions& options);

/// `limits` and `pool` here go to every part that CreateDefault makes.
struct RecognizerOptions {
  DetectorOptions detector;
  EmbedOptions embedder;
  Limits limits;
  FaceChoice choice = FaceChoice::kLargestCentral;
  ThreadPool* pool = nullptr;  ///< borrowed; null: calling thread only
};

/// One face of a photo with everything that was computed for it.
struct RecognizedFace {
  Face face;
  FaceCrop crop;
  Embedding embedding;
};

/// Detects, chooses and aligns the faces of a photo; embeddings stay empty. No face gives an empty
/// vector. Errors: those of Detector::Detect and AlignFace. Threads: safe concurrently.
Result<std::vector<RecognizedFace>> FindFaces(ImageView photo, const Detector& detector,
                                              FaceChoice choice, const CropPose& pose = {});

/// The same for a photo's file bytes, which `name` names in messages. Coordinates are the full
/// photo's, upright.
/// A large JPEG is decoded no larger than the detector needs (Detector::MaxReduction: faces of the
/// least size looked for keep 20 pixels), so only detectors with min_size_px >= 40 gain. If a
/// chosen face would then have to be enlarged to its crop, the photo is decoded again in full, its
/// landmarks are refined there, and the crop is taken from there.
/// Errors: also those of DecodeImage.
Result<std::vector<RecognizedFace>> FindFacesInFile(std::span<const std::uint8_t> bytes,
                                                    const std::string& name,
                                                    const Detector& detector, FaceChoice choice,
                                                    const CropPose& pose = {},
                                                    const Limits& limits = {});

/// Two faces compared.
struct Comparison {
  double similarity = 0;
  double squared_distance = 0;
  bool same_person = false;
  Threshold threshold;
  /// Of being the same person, where the model's contract has a map for it.
  std::optional<double> probability;
};

/// The detector that the options name, from the model cache or its file. Errors: kNotFound for a
/// name that is neither; those of LoadAssetModel, Model::Load and the detector's own.
Result<std::unique_ptr<Detector>> LoadDetector(const DetectorOptions& options = {},
                                               const FetchOptions& fetch = {});

/// A recognition network and what goes with it.
struct LoadedEmbedder {
  Embedder embedder;
  Threshold threshold;
  std::optional<ProbabilityMap> probability;  ///< only from a contract
  std::optional<ModelContract> contract;      ///< the `.visavis.json` beside the model
  /// What was assumed about a file without a contract, one line for people; empty if nothing was.
  std::string assumed;
};
inline constexpr char kDefaultRecognitionModel[] = "mobilefacenet-arcface";
/// `model` is a name of the registry or a model file. A file's contract is obeyed: channel order,
/// mean and scale, template of the crops (they replace those of `options`), threshold and
/// probability. A network without a threshold of its own gets similarity 0.5, the rule of the ONNX
/// Model Zoo's article.
/// Errors: those of LoadAssetModel, Model::Load and ReadContract; kCorruptData if the file is not
/// the one its contract speaks of, or the network not as the contract says; kInvalidArgument for
/// the contract of a detector.
Result<LoadedEmbedder> LoadEmbedder(const std::string& model = kDefaultRecognitionModel,
                                    const EmbedOptions& options = {},
                                    const FetchOptions& fetch = {});

/// The whole chain with its models loaded.
/// Threads: const members are safe concurrently.
class Recognizer {
 public:
  /// With the detector that the options name and MobileFaceNet-ArcFace, from the model cache; see
  /// visavis/zoo.h.
  static Result<Recognizer> CreateDefault(const RecognizerOptions& options = {});
  /// With any parts. `threshold` is the one calibrated for the embedder's network.
  static Recognizer Create(std::unique_ptr<Detector> detector, Embedder embedder,
                           Threshold threshold, const RecognizerOptions& options = {});
  /// With a network and everything that goes with it.
  static Recognizer Create(std::unique_ptr<Detector> detector, LoadedEmbedder loaded,
                           const RecognizerOptions& options = {});
  Recognizer(Recognizer&&) noexcept;
  Recognizer& operator=(Recognizer&&) noexcept;
  ~Recognizer();

  const Detector& detector() const;
  const Embedder& embedder() const;
  const Threshold& threshold() const;
  const std::optional<ProbabilityMap>& probability() const;

  /// Detects, chooses, aligns and embeds. No face gives an empty vector.
  Result<std::vector<RecognizedFace>> Recognize(ImageView photo) const;
  /// The same for the face choice given.
  Result<std::vector<RecognizedFace>> Recognize(ImageView photo, FaceChoice choice) const;
  Result<Comparison> Compare(const Embedding& a, const Embedding& b) const;

 private:
  struct State;
  explicit Recognizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace visavis
