// The parts of a Recognizer from the model cache.
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "recognize/contract_pixels.h"
#include "visavis/contract.h"
#include "visavis/recognize.h"
#include "visavis/zoo.h"

namespace visavis {
namespace {

constexpr std::string_view kMtcnn = "mtcnn";

/// Short names for the members of each family that suit most photos.
struct DetectorName {
  std::string_view name;
  std::string_view asset;
};
constexpr std::array kDetectorNames{DetectorName{"scrfd", "scrfd-500m"},
                                    DetectorName{"yunet", "yunet-n"}};

Error NoUse(const DetectorOptions& options, std::string_view what) {
  return MakeError(ErrorCode::kInvalidArgument, "detector {}: has no use for {}", options.detector,
                   what);
}

std::string InFolder(const std::string& folder, std::string_view network) {
  return (std::filesystem::path(folder) / fmt::format("{}.onnx", network)).string();
}

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// A folder that holds none of the networks is a mistake.
Status CheckMtcnnFolder(const std::string& detector) {
  if (detector == kMtcnn) return {};
  for (const char* network : {"det1", "det2", "det3", "det4"}) {
    if (Exists(InFolder(detector, network))) return {};
  }
  return MakeError(ErrorCode::kNotFound,
                   "detector {}: the folder has none of det1.onnx to det4.onnx", detector);
}

/// From the folder if it has the network, else MTCNN's own.
Result<Model> LoadMtcnnNetwork(const DetectorOptions& options, const std::string& network,
                               const FetchOptions& fetch) {
  if (options.detector != kMtcnn) {
    const std::string path = InFolder(options.detector, network);
    if (Exists(path)) return Model::Load(path, options.limits);
  }
  return LoadAssetModel(std::string(kMtcnn), network, fetch);
}

// What every detector takes.
template <typename Own>
void SetCommon(const DetectorOptions& options, Own& own) {
  own.min_size_px = options.min_size_px;
  own.max_faces = options.max_faces;
  own.pool = options.pool;
  own.limits = options.limits;
  own.on_network_run = options.on_network_run;
}

Result<std::unique_ptr<Detector>> LoadMtcnn(const DetectorOptions& options,
                                            const FetchOptions& fetch) {
  if (options.nms_overlap) return NoUse(options, "nms_overlap");
  if (options.input_side_px) return NoUse(options, "input_side_px");
  MtcnnOptions own;
  SetCommon(options, own);
  if (options.thresholds) own.thresholds = *options.thresholds;
  if (options.score_threshold) own.thresholds[2] = *options.score_threshold;
  own.accurate_landmarks = options.accurate_landmarks.value_or(own.accurate_landmarks);

  VISAVIS_RETURN_IF_ERROR(CheckMtcnnFolder(options.detector));
  const auto load = [&](const char* network) { return LoadMtcnnNetwork(options, network, fetch); };
  VISAVIS_ASSIGN_OR_RETURN(const Model proposal, load("det1"));
  VISAVIS_ASSIGN_OR_RETURN(const Model refine, load("det2"));
  VISAVIS_ASSIGN_OR_RETURN(const Model output, load("det3"));
  MtcnnModels models{&proposal, &refine, &output, nullptr};
  if (!own.accurate_landmarks) return CreateMtcnn(models, own);
  VISAVIS_ASSIGN_OR_RETURN(const Model landmark, load("det4"));
  models.landmark = &landmark;
  return CreateMtcnn(models, own);
}

Result<Model> LoadAnchorModel(const DetectorOptions& options, const FetchOptions& fetch) {
  std::string name = options.detector;
  for (const DetectorName& known : kDetectorNames) {
    if (known.name == name) name = known.asset;
  }
  if (FindAsset(name) != nullptr) return LoadAssetModel(name, {}, fetch);
  if (!Exists(name)) {
    return MakeError(ErrorCode::kNotFound,
                     "detector {}: want mtcnn, scrfd, scrfd-2.5g, yunet or a model file, and there "
                     "is no such file",
                     name);
  }
  return Model::Load(name, options.limits);
}

Result<std::unique_ptr<Detector>> LoadAnchorDetector(const DetectorOptions& options,
                                                     const FetchOptions& fetch) {
  if (options.thresholds) return NoUse(options, "thresholds of three stages");
  if (options.accurate_landmarks) return NoUse(options, "accurate_landmarks");
  AnchorDetectorOptions own;
  SetCommon(options, own);
  own.score_threshold = options.score_threshold;
  own.nms_overlap = options.nms_overlap;
  own.input_side_px = options.input_side_px.value_or(own.input_side_px);
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadAnchorModel(options, fetch));
  return CreateAnchorDetector(model, own);
}

}  // namespace

std::string Describe(const DetectorOptions& options) {
  const auto or_default = [](const auto& value) {
    return value ? fmt::format("{}", *value) : std::string("default");
  };
  const std::string thresholds =
      options.thresholds ? fmt::format("{}", fmt::join(*options.thresholds, ",")) : "default";
  return fmt::format(
      "{} min_size {} score {} nms {} input {} thresholds {} accurate_landmarks {} max_faces {}",
      options.detector, options.min_size_px, or_default(options.score_threshold),
      or_default(options.nms_overlap), or_default(options.input_side_px), thresholds,
      or_default(options.accurate_landmarks), options.max_faces);
}

Result<std::unique_ptr<Detector>> LoadDetector(const DetectorOptions& options,
                                               const FetchOptions& fetch) {
  const bool mtcnn = options.detector == kMtcnn ||
                     (FindAsset(options.detector) == nullptr && IsFolder(options.detector));
  return mtcnn ? LoadMtcnn(options, fetch) : LoadAnchorDetector(options, fetch);
}

namespace {

Threshold DefaultThreshold() {
  return {0.5, "rule of the ONNX Model Zoo's article, not calibrated for this network"};
}

/// The options that a contract asks for.
Result<EmbedOptions> Obey(const ModelContract& contract, const std::string& path,
                          EmbedOptions options) {
  if (contract.task != ModelTask::kRecognition) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: its contract says {}, want recognition",
                     path, Name(contract.task));
  }
  VISAVIS_ASSIGN_OR_RETURN(options.face_template, ParseFaceTemplate(contract.face_template));
  options.pixels = PixelsOf(contract.input);
  return options;
}

/// Whether the network is what its contract says, as far as the checksum does not tell.
Status CheckPorts(const Embedder& embedder, const ModelContract& contract,
                  const std::string& path) {
  const auto differs = [&](const char* what, const auto& found, const auto& said) {
    return MakeError(ErrorCode::kCorruptData, "{}: {} is {}, but {} says {}", path, what, found,
                     ContractPathFor(path), said);
  };
  const Session& session = embedder.session();
  if (session.inputs()[0].name != contract.input.name) {
    return differs("the input", session.inputs()[0].name, contract.input.name);
  }
  if (session.outputs()[0].name != contract.outputs[0].name) {
    return differs("the output", session.outputs()[0].name, contract.outputs[0].name);
  }
  if (embedder.crop_size_px() != contract.crop_size_px) {
    return differs("the crop's side", embedder.crop_size_px(), contract.crop_size_px);
  }
  if (embedder.dimension() != contract.outputs[0].dimension) {
    return differs("the embedding's dimension", embedder.dimension(),
                   contract.outputs[0].dimension);
  }
  return {};
}

Result<LoadedEmbedder> LoadWithContract(const std::string& path, ModelContract contract,
                                        const EmbedOptions& options) {
  VISAVIS_RETURN_IF_ERROR(CheckContract(contract, path));
  VISAVIS_ASSIGN_OR_RETURN(const EmbedOptions obedient, Obey(contract, path, options));
  VISAVIS_ASSIGN_OR_RETURN(Model model, Model::Load(path, options.session.limits));
  VISAVIS_ASSIGN_OR_RETURN(Embedder embedder, Embedder::Create(std::move(model), obedient));
  VISAVIS_RETURN_IF_ERROR(CheckPorts(embedder, contract, path));
  Threshold threshold = DefaultThreshold();
  if (contract.threshold) threshold = {contract.threshold->similarity, contract.threshold->origin};
  std::optional<ProbabilityMap> probability = contract.probability;
  return LoadedEmbedder{
      std::move(embedder), std::move(threshold), std::move(probability), std::move(contract), {}};
}

std::string Assumptions(const Embedder& embedder, const std::string& path, bool given) {
  const InputPixels& pixels = embedder.pixels();
  const std::string normalisation =
      pixels == InputPixels{}
          ? "normalised inside the graph"
          : fmt::format("(pixel - {}) x {:.6g} outside", pixels.mean[0], pixels.scale[0]);
  return fmt::format("{}: no contract beside it; {} {}, {}, template {}", path,
                     given ? "told" : "assumed", pixels.bgr ? "BGR" : "RGB", normalisation,
                     Name(embedder.crop_pose().face_template));
}

}  // namespace

Result<LoadedEmbedder> LoadEmbedder(const std::string& model_name, const EmbedOptions& options,
                                    const FetchOptions& fetch) {
  if (const Asset* asset = FindAsset(model_name)) {
    VISAVIS_ASSIGN_OR_RETURN(Model model, LoadAssetModel(model_name, {}, fetch));
    VISAVIS_ASSIGN_OR_RETURN(Embedder embedder, Embedder::Create(std::move(model), options));
    Threshold threshold = DefaultThreshold();
    if (asset->threshold > 0) threshold = {asset->threshold, asset->threshold_origin};
    return LoadedEmbedder{std::move(embedder), std::move(threshold), {}, {}, {}};
  }
  VISAVIS_ASSIGN_OR_RETURN(std::optional<ModelContract> contract, FindContractFor(model_name));
  if (contract) return LoadWithContract(model_name, *std::move(contract), options);
  VISAVIS_ASSIGN_OR_RETURN(Model model, Model::Load(model_name, options.session.limits));
  VISAVIS_ASSIGN_OR_RETURN(Embedder embedder, Embedder::Create(std::move(model), options));
  std::string assumed = Assumptions(embedder, model_name, options.pixels.has_value());
  return LoadedEmbedder{std::move(embedder), DefaultThreshold(), {}, {}, std::move(assumed)};
}

}  // namespace visavis
