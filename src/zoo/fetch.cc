// FetchAsset: what is there stays, what is missing is got, and nothing half done is ever seen.
#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "visavis/zoo.h"
#include "zoo/cache.h"
#include "zoo/file_source.h"
#include "zoo/installed.h"
#include "zoo/postprocess.h"
#include "zoo/records.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

using Kind = FetchEvent::Kind;

// The note is shown to whoever first fetches with a way to show it.
Status ShowLicenceOnce(const Asset& asset, const std::string& root, const FetchOptions& options) {
  if (!options.show_licence || LicenceWasShown(root, asset)) return {};
  options.show_licence(asset);
  return MarkLicenceShown(root, asset);
}

// What a killed process left: pieces of downloads are kept, everything else starts anew.
void RemoveLeftovers(const std::string& folder, const std::string& staging) {
  std::error_code error;
  for (fs::directory_iterator at(staging, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().extension() != ".part") fs::remove_all(at->path(), ignored);
  }
  error.clear();
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().filename().string().find(".tmp.") != std::string::npos) {
      fs::remove(at->path(), ignored);
    }
  }
}

std::string StagingFolder(const std::string& root, const Asset& asset) {
  return ChecksumStore(root).Staging() + "/" + asset.name;
}

// Files that are changed after they arrive are got and changed aside, and the folder appears whole.
Status FetchAndPostprocess(const Asset& asset, const std::string& folder,
                           const std::string& staging, FileSource& source,
                           const FetchReporter& report, const FetchOptions& options) {
  const std::string aside = staging + "/folder";
  VISAVIS_RETURN_IF_ERROR(source.GetAll(aside));
  report.Tell(Kind::kPostprocessBegin);
  VISAVIS_RETURN_IF_ERROR(Postprocess(asset.postprocessing, aside, options));
  VISAVIS_RETURN_IF_ERROR(RecordInstalledFiles(aside));
  report.Tell(Kind::kPostprocessEnd);
  std::error_code error;
  fs::remove_all(folder, error);
  VISAVIS_RETURN_IF_ERROR(
      FileSystem::Real().CreateDirectories(fs::path(folder).parent_path().string()));
  return FileSystem::Real().Rename(aside, folder);
}

Status FetchMissing(const Asset& asset, const std::string& root, const FetchReporter& report,
                    const FetchOptions& options) {
  const std::string folder = AssetFolder(root, asset);
  const std::string staging = StagingFolder(root, asset);
  VISAVIS_ASSIGN_OR_RETURN(const FolderLock lock, LockAsset(root, asset, options.cancel));
  RemoveLeftovers(folder, staging);
  if (!IsInstalled(root, asset)) {  // another process may have been faster
    FileSource source(asset, root, options);
    VISAVIS_RETURN_IF_ERROR(
        asset.postprocessing.empty()
            ? source.GetAll(folder)
            : FetchAndPostprocess(asset, folder, staging, source, report, options));
  }
  std::error_code error;
  fs::remove_all(staging, error);
  return {};
}

Status FetchOne(const Asset& asset, const std::string& root, const FetchOptions& options) {
  std::error_code error;
  // What is being staged is in work elsewhere, or was left by a process that was killed.
  if (!IsInstalled(root, asset) || fs::exists(StagingFolder(root, asset), error)) {
    const FetchReporter report(options, asset.name);
    report.Tell(Kind::kModelBegin, {}, static_cast<std::int64_t>(asset.files.size()));
    const Status status = FetchMissing(asset, root, report, options);
    report.Tell(Kind::kModelEnd, {}, 0, status.has_value());
    VISAVIS_RETURN_IF_ERROR(status);
  }
  return ShowLicenceOnce(asset, root, options);
}

}  // namespace

Result<std::string> FetchAsset(const std::string& name, const FetchOptions& options) {
  const Asset* asset = LookUpAsset(name, options);
  if (asset == nullptr) {
    return MakeError(ErrorCode::kNotFound, "{}: no such model in the registry", name);
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(options));
  if (asset->stages.empty()) {
    VISAVIS_RETURN_IF_ERROR(FetchOne(*asset, root, options));
  }
  for (const std::string& stage : asset->stages) {
    const Asset* part = LookUpAsset(stage, options);
    if (part == nullptr || !part->stages.empty()) {
      return MakeError(ErrorCode::kNotFound, "{}: its stage {} is not in the registry", asset->name,
                       stage);
    }
    VISAVIS_RETURN_IF_ERROR(FetchOne(*part, root, options));
  }
  return AssetFolder(root, *asset);
}

}  // namespace visavis
