#include "zoo/installed.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "zoo/records.h"
#include "zoo/registry_entry.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr char kFilesName[] = ".files";
constexpr std::size_t kMaxFiles = 100'000;

// Bytes that go when the last name of a file does.
std::int64_t BytesOf(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    struct stat info {};
    if (::lstat(at->path().c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1) {
      bytes += info.st_size;
    }
  }
  return bytes;
}

// A name that .files may hold: anything below the folder.
bool IsBelow(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  const fs::path parts(path);
  return std::none_of(parts.begin(), parts.end(),
                      [](const fs::path& part) { return part == ".."; });
}

}  // namespace

std::string AssetFolder(const std::string& root, const Asset& asset) {
  return root + "/" + asset.name;
}

Result<FolderLock> LockAsset(const std::string& root, const Asset& asset,
                             const std::atomic<bool>* cancel) {
  return FolderLock::Acquire(root + "/1/locks/" + asset.name, cancel);
}

std::vector<AssetFile> InstalledFiles(const std::string& root, const Asset& asset) {
  std::vector<AssetFile> files;
  if (asset.postprocessing.empty()) {
    for (const AssetFile& file : asset.files) {
      files.push_back(WithTrustedChecksum(root, asset, file));
    }
    return files;
  }
  std::ifstream list(AssetFolder(root, asset) + "/" + kFilesName);
  AssetFile file;
  while (files.size() < kMaxFiles && list >> file.sha256 >> file.size_bytes &&
         std::getline(list >> std::ws, file.name)) {
    if (IsHex(file.sha256, 64) && IsBelow(file.name)) files.push_back(file);
  }
  return files;
}

Status RecordInstalledFiles(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    std::string name = at->path().lexically_relative(folder).string();
    const std::string leaf = at->path().filename().string();
    if (leaf.starts_with('.') && leaf.ends_with(".verified")) continue;
    names.push_back(std::move(name));
  }
  if (error) return MakeError(ErrorCode::kIo, "{}: {}", folder, error.message());
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    VISAVIS_ASSIGN_OR_RETURN(const Digests digests, DigestFile(path, /*with_sha384=*/false));
    VISAVIS_RETURN_IF_ERROR(MarkVerified(path, digests));
    text += fmt::format("{} {} {}\n", digests.sha256, digests.size_bytes, name);
  }
  return WriteFileAtomically(
      FileSystem::Real(), folder + "/" + kFilesName,
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

bool IsInstalled(const std::string& root, const Asset& asset) {
  const std::vector<AssetFile> files = InstalledFiles(root, asset);
  const std::string folder = AssetFolder(root, asset);
  return !files.empty() && std::all_of(files.begin(), files.end(), [&](const AssetFile& file) {
    return IsVerified(folder + "/" + file.name, file);
  });
}

Result<std::vector<FileCheck>> VerifyAsset(const std::string& root, const Asset& asset,
                                           const std::atomic<bool>* cancel) {
  using State = FileCheck::State;
  std::vector<FileCheck> checks;
  const std::string folder = AssetFolder(root, asset);
  const std::vector<AssetFile> files = InstalledFiles(root, asset);
  if (files.empty() && !asset.files.empty()) return std::vector{FileCheck{"", State::kMissing, {}}};
  std::optional<FolderLock> lock;  // nothing is locked that is not there
  if (fs::is_directory(folder)) {
    VISAVIS_ASSIGN_OR_RETURN(FolderLock held, LockAsset(root, asset, cancel));
    lock.emplace(std::move(held));
  }
  for (const AssetFile& file : files) {
    if (cancel != nullptr && cancel->load()) {
      return MakeError(ErrorCode::kCancelled, "{}: cancelled", asset.name);
    }
    const std::string path = folder + "/" + file.name;
    std::error_code error;
    if (!fs::is_regular_file(path, error)) {
      checks.push_back({file.name, State::kMissing});
      continue;
    }
    VISAVIS_ASSIGN_OR_RETURN(const Digests digests, DigestFile(path, NeedsSha384(file)));
    if (!file.has_checksum()) {
      checks.push_back({file.name, State::kUnverified, "sha256 " + digests.sha256});
    } else if (IsThatFile(file, digests)) {
      VISAVIS_RETURN_IF_ERROR(MarkVerified(path, digests));
      checks.push_back({file.name, State::kOk});
    } else {
      checks.push_back(
          {file.name, State::kDamaged,
           fmt::format("sha256 {}, {} bytes; want {} {}, {} bytes", digests.sha256,
                       digests.size_bytes, file.sha256.empty() ? "sha384" : "sha256",
                       file.sha256.empty() ? file.sha384 : file.sha256, file.size_bytes)});
    }
  }
  return checks;
}

Result<std::int64_t> RemoveAsset(const std::string& root, const Asset& asset, bool forget,
                                 const std::atomic<bool>* cancel) {
  VISAVIS_ASSIGN_OR_RETURN(const FolderLock lock, LockAsset(root, asset, cancel));
  const ChecksumStore store(root);
  std::vector<AssetFile> files = InstalledFiles(root, asset);
  files.insert(files.end(), asset.files.begin(), asset.files.end());
  std::int64_t freed = 0;
  std::error_code error;
  for (const std::string& folder : {AssetFolder(root, asset), store.Staging() + "/" + asset.name}) {
    freed += BytesOf(folder);
    fs::remove_all(folder, error);
    if (error) return MakeError(ErrorCode::kIo, "{}: cannot remove: {}", folder, error.message());
  }
  for (const AssetFile& file : files) freed += store.Forget(file);
  if (forget) ForgetRecords(root, asset);
  return freed;
}

Result<std::string> ExportAsset(const std::string& root, const Asset& asset,
                                const std::string& output) {
  const std::string folder = AssetFolder(root, asset);
  const std::string target =
      output + "/" + (asset.subdirectory.empty() ? asset.name : asset.subdirectory);
  for (const AssetFile& file : InstalledFiles(root, asset)) {
    const std::string from = folder + "/" + file.name;
    const std::string to = target + "/" + file.name;
    std::error_code error;
    if (fs::is_regular_file(to, error)) {
      VISAVIS_ASSIGN_OR_RETURN(const Digests there, DigestFile(to, NeedsSha384(file)));
      if (IsThatFile(file, there)) continue;
    }
    VISAVIS_RETURN_IF_ERROR(
        FileSystem::Real().CreateDirectories(fs::path(to).parent_path().string()));
    VISAVIS_RETURN_IF_ERROR(CopyFileTo(from, to));
  }
  return target;
}

}  // namespace visavis
