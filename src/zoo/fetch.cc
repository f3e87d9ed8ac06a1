// FetchAsset: cache, then mirrors, then download.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "visavis/zoo.h"
#include "zoo/cache.h"
#include "zoo/download.h"

namespace visavis {
namespace {

std::vector<std::string> Mirrors(const FetchOptions& options) {
  if (!options.mirrors.empty()) return options.mirrors;
  std::vector<std::string> folders;
  const char* variable = std::getenv("VISAVIS_MIRROR");
  std::string_view rest = variable != nullptr ? variable : "";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (colon != 0) folders.emplace_back(rest.substr(0, colon));
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  return folders;
}

// Copies `from` to `to` if it is the file we look for; false if it is another.
Result<bool> CopyIfRight(const std::string& from, const AssetFile& file, const std::string& to) {
  std::error_code error;
  if (std::filesystem::file_size(from, error) != static_cast<std::uintmax_t>(file.size_bytes) ||
      error) {
    return false;
  }
  std::ifstream source(from, std::ios::binary);
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter copy, AtomicFileWriter::Create(FileSystem::Real(), to));
  Sha256 hash;
  std::vector<std::uint8_t> piece(1 << 20);
  while (source) {
    source.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    const auto bytes = std::span(piece).first(static_cast<std::size_t>(source.gcount()));
    hash.Update(bytes);
    VISAVIS_RETURN_IF_ERROR(copy.Append(bytes));
  }
  if (hash.HexDigest() != file.sha256) return false;
  VISAVIS_RETURN_IF_ERROR(copy.Commit());
  return true;
}

// A mirror may be the folder of all models, or the folder of this one.
Result<bool> CopyFromMirrors(const Asset& asset, const AssetFile& file, const std::string& path,
                             const FetchOptions& options) {
  for (const std::string& mirror : Mirrors(options)) {
    for (const std::string& folder : {"/" + asset.folder, "/" + asset.name, std::string()}) {
      VISAVIS_ASSIGN_OR_RETURN(const bool copied,
                               CopyIfRight(mirror + folder + "/" + file.name, file, path));
      if (copied) return true;
    }
  }
  return false;
}

Error NowhereToBeHad(const Asset& asset, const AssetFile& file, const std::string& path,
                     const std::string& why) {
  std::string message =
      fmt::format("{}: {}: not in the cache ({}), not in the folders of VISAVIS_MIRROR, {}",
                  asset.name, file.name, path, why);
  if (!asset.obtain.empty()) message += "; to get it: " + asset.obtain;
  return Error{ErrorCode::kNotFound, std::move(message)};
}

Status Download(const Asset& asset, const AssetFile& file, const std::string& path,
                const FetchOptions& options) {
  if (file.urls.empty()) return NowhereToBeHad(asset, file, path, "and no URL is known");
  if (!options.allow_download) {
    return NowhereToBeHad(asset, file, path, "and downloads are switched off");
  }
  Status status;
  for (const std::string& url : file.urls) {
    status = DownloadFile(file, url, path, options);
    if (status || status.error().code == ErrorCode::kCancelled) return status;
  }
  return status;
}

// Puts one file where the asset's folder wants it, whatever that takes.
Status EnsureFile(const Asset& asset, const AssetFile& file, const std::string& folder,
                  const FetchOptions& options) {
  const std::string path = folder + "/" + file.name;
  if (IsVerified(path, file.sha256)) return {};
  if (std::filesystem::exists(path)) {
    VISAVIS_ASSIGN_OR_RETURN(const std::string sha256, HashFile(path));
    if (sha256 == file.sha256) return MarkVerified(path, file.sha256);
    VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Remove(path));  // damaged: get it anew
  }
  VISAVIS_ASSIGN_OR_RETURN(const bool copied, CopyFromMirrors(asset, file, path, options));
  if (!copied) VISAVIS_RETURN_IF_ERROR(Download(asset, file, path, options));
  return MarkVerified(path, file.sha256);
}

// The note is shown to whoever first fetches with a way to show it.
Status ShowLicenceOnce(const Asset& asset, const std::string& folder, const FetchOptions& options) {
  const std::string shown = folder + "/.licence-shown";
  if (!options.show_licence || std::filesystem::exists(shown)) return {};
  options.show_licence(asset);
  return WriteFileAtomically(FileSystem::Real(), shown, {});
}

}  // namespace

Result<std::string> FetchAsset(const std::string& name, const FetchOptions& options) {
  const Asset* asset = FindAsset(name);
  if (asset == nullptr) {
    return MakeError(ErrorCode::kNotFound, "{}: no such model in the manifest", name);
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(options));
  const std::string folder = root + "/" + asset->name;

  const bool complete = std::all_of(
      asset->files.begin(), asset->files.end(),
      [&](const AssetFile& file) { return IsVerified(folder + "/" + file.name, file.sha256); });
  if (!complete) {
    VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(folder));
    VISAVIS_ASSIGN_OR_RETURN(const FolderLock lock, FolderLock::Acquire(folder, options.cancel));
    for (const AssetFile& file : asset->files) {
      VISAVIS_RETURN_IF_ERROR(EnsureFile(*asset, file, folder, options));
    }
  }
  VISAVIS_RETURN_IF_ERROR(ShowLicenceOnce(*asset, folder, options));
  return folder;
}

}  // namespace visavis
