// LoadAssetModel: a network of an asset, from its ONNX conversion where it comes in another form.
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "visavis/zoo.h"
#include "zoo/cache.h"
#include "zoo/installed.h"

namespace visavis {
namespace {

// Raised whenever the same files would be converted to another ONNX file.
constexpr int kConverterVersion = 1;

bool HoldsWeights(const AssetFile& file) {
  return file.name.ends_with(".onnx") || file.name.ends_with(".params") ||
         file.name.ends_with(".caffemodel");
}

// The only file with weights of `network` that fulfils `also`; null if there is none, or several.
template <typename Condition>
const AssetFile* OnlyWeights(const std::vector<AssetFile>& files, const std::string& network,
                             Condition also) {
  const AssetFile* found = nullptr;
  for (const AssetFile& file : files) {
    const std::string leaf = std::filesystem::path(file.name).filename().string();
    if (!HoldsWeights(file) || !leaf.starts_with(network) || !also(file)) continue;
    if (found != nullptr) return nullptr;
    found = &file;
  }
  return found;
}

// A pack holds several networks; without a name, its recogniser is meant.
const AssetFile* WeightsOf(const std::vector<AssetFile>& files, const std::string& network) {
  const AssetFile* only = OnlyWeights(files, network, [](const AssetFile&) { return true; });
  if (only != nullptr || !network.empty()) return only;
  return OnlyWeights(files, network,
                     [](const AssetFile& file) { return file.role == "recognition"; });
}

// Conversions are told apart by their source and by who converted.
std::string ConvertedPath(const std::string& folder, const AssetFile& weights) {
  return fmt::format("{}/onnx/{}-{}-v{}.onnx", folder,
                     std::filesystem::path(weights.name).stem().string(),
                     VerifiedSha256(folder + "/" + weights.name).substr(0, 12), kConverterVersion);
}

Status Convert(const std::string& source, const std::string& destination,
               const FetchOptions& options) {
  const std::string folder = std::filesystem::path(destination).parent_path().string();
  VISAVIS_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Acquire(folder, options.cancel));
  if (!VerifiedSha256(destination).empty()) return {};  // another process was faster
  VISAVIS_ASSIGN_OR_RETURN(const Model model, Model::Load(source));
  VISAVIS_RETURN_IF_ERROR(model.SaveOnnx(destination));
  VISAVIS_ASSIGN_OR_RETURN(const Digests digests, DigestFile(destination, /*with_sha384=*/false));
  return MarkVerified(destination, digests);
}

}  // namespace

Result<Model> LoadAssetModel(const std::string& asset_name, const std::string& network,
                             const FetchOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(const std::string folder, FetchAsset(asset_name, options));
  const Asset& asset = *LookUpAsset(asset_name, options);
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(options));
  const std::vector<AssetFile> files = InstalledFiles(root, asset);
  const AssetFile* weights = WeightsOf(files, network);
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
