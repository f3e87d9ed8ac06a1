// LoadAssetModel: a network of an asset, from its ONNX conversion where it comes as MXNet files.
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "visavis/zoo.h"
#include "zoo/cache.h"

namespace visavis {
namespace {

// Raised whenever the same MXNet files would be converted to another ONNX file.
constexpr int kConverterVersion = 1;

bool HoldsWeights(const AssetFile& file) {
  return file.name.ends_with(".onnx") || file.name.ends_with(".params");
}

// The file with the weights of `network`; null if there is none, or several for an empty name.
const AssetFile* WeightsOf(const Asset& asset, const std::string& network) {
  const AssetFile* found = nullptr;
  for (const AssetFile& file : asset.files) {
    if (!HoldsWeights(file) || !file.name.starts_with(network)) continue;
    if (found != nullptr) return nullptr;
    found = &file;
  }
  return found;
}

// Conversions are told apart by their source and by who converted.
std::string ConvertedPath(const std::string& folder, const AssetFile& weights) {
  return fmt::format("{}/onnx/{}-{}-v{}.onnx", folder,
                     std::filesystem::path(weights.name).stem().string(),
                     weights.sha256.substr(0, 12), kConverterVersion);
}

Status Convert(const std::string& source, const std::string& destination,
               const FetchOptions& options) {
  const std::string folder = std::filesystem::path(destination).parent_path().string();
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(folder));
  VISAVIS_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Acquire(folder, options.cancel));
  if (!VerifiedSha256(destination).empty()) return {};  // another process was faster
  VISAVIS_ASSIGN_OR_RETURN(const Model model, Model::Load(source));
  VISAVIS_RETURN_IF_ERROR(model.SaveOnnx(destination));
  VISAVIS_ASSIGN_OR_RETURN(const std::string sha256, HashFile(destination));
  return MarkVerified(destination, sha256);
}

}  // namespace

Result<Model> LoadAssetModel(const std::string& asset_name, const std::string& network,
                             const FetchOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(const std::string folder, FetchAsset(asset_name, options));
  const Asset& asset = *FindAsset(asset_name);
  const AssetFile* weights = WeightsOf(asset, network);
  if (weights == nullptr) {
    return MakeError(ErrorCode::kNotFound, "{}: has no single network \"{}\"", asset_name, network);
  }
  const std::string source = folder + "/" + weights->name;
  if (weights->name.ends_with(".onnx")) return Model::Load(source);

  const std::string converted = ConvertedPath(folder, *weights);
  if (VerifiedSha256(converted).empty()) {
    VISAVIS_RETURN_IF_ERROR(Convert(source, converted, options));
  }
  return Model::Load(converted);
}

}  // namespace visavis
