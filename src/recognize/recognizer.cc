#include <memory>
#include <span>
#include <utility>

#include "base/try.h"
#include "visavis/recognize.h"

namespace visavis {
struct Recognizer::State {
  std::unique_ptr<Detector> detector;
  Embedder embedder;
  Threshold threshold;
  std::optional<ProbabilityMap> probability;
  FaceChoice choice = FaceChoice::kLargestCentral;
};

Result<Recognizer> Recognizer::CreateDefault(const RecognizerOptions& options) {
  MtcnnOptions detector_options = options.detector;
  detector_options.pool = options.pool;
  detector_options.limits = options.limits;
  VISAVIS_ASSIGN_OR_RETURN(std::unique_ptr<Detector> detector, LoadDetector(detector_options));
  EmbedOptions embed_options = options.embedder;
  embed_options.session.pool = options.pool;
  embed_options.session.limits = options.limits;
  VISAVIS_ASSIGN_OR_RETURN(LoadedEmbedder loaded,
                           LoadEmbedder(kDefaultRecognitionModel, embed_options));
  return Create(std::move(detector), std::move(loaded), options);
}

Recognizer Recognizer::Create(std::unique_ptr<Detector> detector, Embedder embedder,
                              Threshold threshold, const RecognizerOptions& options) {
  return Recognizer(std::make_unique<State>(
      State{std::move(detector), std::move(embedder), std::move(threshold), {}, options.choice}));
}

Recognizer Recognizer::Create(std::unique_ptr<Detector> detector, LoadedEmbedder loaded,
                              const RecognizerOptions& options) {
  return Recognizer(std::make_unique<State>(State{std::move(detector), std::move(loaded.embedder),
                                                  std::move(loaded.threshold),
                                                  std::move(loaded.probability), options.choice}));
}

Recognizer::Recognizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Recognizer::Recognizer(Recognizer&&) noexcept = default;
Recognizer& Recognizer::operator=(Recognizer&&) noexcept = default;
Recognizer::~Recognizer() = default;

const Detector& Recognizer::detector() const { return *state_->detector; }
const Embedder& Recognizer::embedder() const { return state_->embedder; }
const Threshold& Recognizer::threshold() const { return state_->threshold; }
const std::optional<ProbabilityMap>& Recognizer::probability() const { return state_->probability; }

Result<std::vector<RecognizedFace>> Recognizer::Recognize(ImageView photo) const {
  return Recognize(photo, state_->choice);
}

Result<std::vector<RecognizedFace>> Recognizer::Recognize(ImageView photo,
                                                          FaceChoice choice) const {
  VISAVIS_ASSIGN_OR_RETURN(
      std::vector<RecognizedFace> faces,
      FindFaces(photo, *state_->detector, choice, state_->embedder.crop_pose()));
  std::vector<ImageView> crops;
  for (const RecognizedFace& face : faces) crops.push_back(face.crop.image);
  VISAVIS_ASSIGN_OR_RETURN(std::vector<Embedding> embeddings, state_->embedder.Embed(crops));
  for (std::size_t i = 0; i < faces.size(); ++i) faces[i].embedding = std::move(embeddings[i]);
  return faces;
}

Result<Comparison> Recognizer::Compare(const Embedding& a, const Embedding& b) const {
  VISAVIS_ASSIGN_OR_RETURN(const double similarity, Similarity(a, b));
  Comparison comparison{similarity,
                        SquaredDistance(similarity),
                        SamePerson(similarity, state_->threshold),
                        state_->threshold,
                        {}};
  if (state_->probability) comparison.probability = state_->probability->At(similarity);
  return comparison;
}

}  // namespace visavis
