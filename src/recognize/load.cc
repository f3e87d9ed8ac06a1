// The parts of a Recognizer from the model cache.
#include <utility>

#include "base/try.h"
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

Result<LoadedEmbedder> LoadEmbedder(const std::string& model_name, const EmbedOptions& options,
                                    const FetchOptions& fetch) {
  const Asset* asset = FindAsset(model_name);
  VISAVIS_ASSIGN_OR_RETURN(Model model, asset != nullptr
                                            ? LoadAssetModel(model_name, {}, fetch)
                                            : Model::Load(model_name, options.session.limits));
  VISAVIS_ASSIGN_OR_RETURN(Embedder embedder, Embedder::Create(std::move(model), options));
  Threshold threshold{0.5, "rule of the ONNX Model Zoo's article, not calibrated for this network"};
  if (asset != nullptr && asset->threshold > 0) {
    threshold = {asset->threshold, asset->threshold_origin};
  }
  return LoadedEmbedder{std::move(embedder), std::move(threshold)};
}

}  // namespace visavis
