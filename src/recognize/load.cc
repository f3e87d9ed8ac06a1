// The parts of a Recognizer from the model cache.
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "visavis/contract.h"
#include "visavis/recognize.h"
#include "visavis/zoo.h"

namespace visavis {

Result<std::unique_ptr<Detector>> LoadDetector(const MtcnnOptions& options,
                                               const FetchOptions& fetch) {
  constexpr char kAsset[] = "mtcnn";
  VISAVIS_ASSIGN_OR_RETURN(const Model proposal, LoadAssetModel(kAsset, "det1", fetch));
  VISAVIS_ASSIGN_OR_RETURN(const Model refine, LoadAssetModel(kAsset, "det2", fetch));
  VISAVIS_ASSIGN_OR_RETURN(const Model output, LoadAssetModel(kAsset, "det3", fetch));
  MtcnnModels models{&proposal, &refine, &output, nullptr};
  if (!options.accurate_landmarks) return CreateMtcnn(models, options);
  VISAVIS_ASSIGN_OR_RETURN(const Model landmark, LoadAssetModel(kAsset, "det4", fetch));
  models.landmark = &landmark;
  return CreateMtcnn(models, options);
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
  InputPixels pixels;
  pixels.bgr = contract.input.channel_order == ChannelOrder::kBgr;
  for (std::size_t c = 0; c < 3 && !contract.input.normalised_inside; ++c) {
    pixels.mean[c] = static_cast<float>(contract.input.mean[c]);
    pixels.scale[c] = static_cast<float>(contract.input.scale[c]);
  }
  options.pixels = pixels;
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
