#include "zoo/registry_folder.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "zoo/omz_model.h"
#include "zoo/registry_entry.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxFileBytes = 1 << 20;
constexpr int kMaxDepth = 6;
constexpr std::size_t kMaxFiles = 10'000;
constexpr std::string_view kModelFile = "model.yml";
constexpr std::string_view kCompositeFile = "composite-model.yml";

bool IsEntry(const fs::path& path) {
  return path.extension() == ".json" || path.filename() == kModelFile ||
         path.filename() == kCompositeFile;
}

// Entries below a folder by path. Symbolic links to folders are not followed: they may loop.
Result<std::vector<fs::path>> EntryFiles(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  fs::recursive_directory_iterator at(folder, error);
  if (error) return MakeError(ErrorCode::kNotFound, "{}: {}", folder, error.message());
  std::size_t seen = 0;
  for (; at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (error) return MakeError(ErrorCode::kIo, "{}: {}", folder, error.message());
    if (++seen > kMaxFiles * 10 || files.size() > kMaxFiles) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: holds more than {} entries", folder,
                       kMaxFiles);
    }
    if (at.depth() >= kMaxDepth) at.disable_recursion_pending();
    if (at->is_regular_file(error) && IsEntry(at->path())) files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::string> ReadText(const fs::path& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path.string(), kMaxFileBytes));
  return std::string(bytes.begin(), bytes.end());
}

// The composite model that a model.yml is a stage of: the one in the folder above.
std::string CompositeOf(const fs::path& path) {
  const fs::path above = path.parent_path().parent_path();
  std::error_code error;
  return fs::exists(above / kCompositeFile, error) ? above.filename().string() : std::string();
}

// Where the copy of an entry belongs in a registry folder.
std::string PlaceOf(const fs::path& from, const Asset& asset) {
  if (from.extension() == ".json") return asset.name + ".json";
  const std::string file = from.filename().string();
  return asset.composite.empty() ? asset.name + "/" + file
                                 : asset.composite + "/" + asset.name + "/" + file;
}

}  // namespace

std::string UserRegistryFolder() {
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  if (xdg != nullptr && xdg[0] == '/') return std::string(xdg) + "/visavis/registry";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.config/visavis/registry";
  return {};
}

Result<Asset> ReadRegistryFile(const std::string& path_text) {
  const fs::path path = fs::path(path_text).lexically_normal();
  VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  const std::string name = fs::absolute(path).parent_path().filename().string();
  Result<Asset> asset = path.filename() == kModelFile
                            ? ParseOmzModel(text, name, CompositeOf(fs::absolute(path)), path_text)
                        : path.filename() == kCompositeFile
                            ? ParseOmzComposite(text, name, path_text)
                            : ParseRegistryEntry(text, path_text);
  if (asset) asset->origin = path_text;
  return asset;
}

std::vector<Asset> ReadRegistryFolder(const std::string& folder, std::vector<Error>& problems) {
  std::vector<Asset> assets;
  const Result<std::vector<fs::path>> files = EntryFiles(folder);
  if (!files) {
    problems.push_back(files.error());
    return assets;
  }
  for (const fs::path& path : *files) {
    Result<Asset> asset = ReadRegistryFile(path.string());
    if (asset) {
      assets.push_back(std::move(asset).value());
    } else {
      problems.push_back(asset.error());
    }
  }
  return assets;
}

Result<std::vector<ImportedEntry>> ImportIntoRegistry(const std::string& path,
                                                      const std::string& registry, bool force,
                                                      bool dry_run) {
  std::error_code error;
  std::vector<fs::path> files = {path};
  if (fs::is_directory(path, error)) {
    VISAVIS_ASSIGN_OR_RETURN(files, EntryFiles(path));
    if (files.empty()) {
      return MakeError(ErrorCode::kNotFound, "{}: holds no model.yml, composite-model.yml or .json",
                       path);
    }
  } else if (!IsEntry(path)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: want a model.yml, a composite-model.yml, a .json entry or a folder",
                     path);
  }
  std::vector<ImportedEntry> entries;
  std::vector<std::pair<std::string, std::string>> copies;  // path and text
  for (const fs::path& from : files) {
    VISAVIS_ASSIGN_OR_RETURN(const Asset asset, ReadRegistryFile(from.string()));
    VISAVIS_ASSIGN_OR_RETURN(std::string text, ReadText(from));
    const std::string to = registry + "/" + PlaceOf(from, asset);
    bool replaced = false;
    if (const Result<std::string> there = ReadText(to); there && *there != text) {
      if (!force) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "{}: another entry \"{}\" is there; --force replaces it", to, asset.name);
      }
      replaced = true;
    }
    entries.push_back({asset.name, from.string(), dry_run ? std::string() : to, replaced});
    copies.emplace_back(to, std::move(text));
  }
  if (dry_run) return entries;
  for (const auto& [to, text] : copies) {
    VISAVIS_RETURN_IF_ERROR(
        FileSystem::Real().CreateDirectories(fs::path(to).parent_path().string()));
    VISAVIS_RETURN_IF_ERROR(WriteFileAtomically(
        FileSystem::Real(), to,
        std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())));
  }
  return entries;
}

}  // namespace visavis
