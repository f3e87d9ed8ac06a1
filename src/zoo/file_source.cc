#include "zoo/file_source.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "zoo/archive.h"
#include "zoo/download.h"
#include "zoo/records.h"
#include "zoo/registry_entry.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

using Kind = FetchEvent::Kind;
using Clock = std::chrono::steady_clock;

constexpr auto kProgressEvery = std::chrono::milliseconds(200);

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

// The entry that a member's path means: that very path, or the only one that ends with it.
Result<std::string> FindMember(const std::vector<ArchiveEntry>& entries, const std::string& archive,
                               const std::string& member) {
  std::string found;
  for (const ArchiveEntry& entry : entries) {
    if (entry.is_folder) continue;
    if (entry.path == member) return member;
    if (!entry.path.ends_with("/" + member)) continue;
    if (!found.empty()) {
      return MakeError(ErrorCode::kCorruptData, "{}: holds several {}", archive, member);
    }
    found = entry.path;
  }
  if (found.empty()) return MakeError(ErrorCode::kNotFound, "{}: holds no {}", archive, member);
  return found;
}

void RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
}

// Removes a file or folder at the end of a scope.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) { RemoveTree(path_); }
  ~Scratch() { RemoveTree(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  std::string path_;
};

}  // namespace

FileSource::FileSource(const Asset& asset, const std::string& root, const FetchOptions& options)
    : asset_(asset), root_(root), options_(options), store_(root), report_(options, asset.name) {}

Status FileSource::GetAll(const std::string& folder) {
  std::map<std::string, std::vector<Wanted>> in_archives;
  for (const AssetFile& known : asset_.files) {
    const AssetFile file = WithTrustedChecksum(root_, asset_, known);
    const std::string path = folder + "/" + file.name;
    report_.Tell(Kind::kFileBegin, file.name, KnownSize(file));
    const Result<bool> got = Get(file, path);
    if (!got || *got) report_.Tell(Kind::kFileEnd, file.name, 0, got.has_value());
    if (!got) return got.error();
    if (!*got) in_archives[file.archive].push_back({file, path});
  }
  for (const AssetFile& archive : asset_.archives) {
    const auto at = in_archives.find(archive.name);
    if (at == in_archives.end()) continue;
    const Status status = GetFromArchive(archive, at->second);
    for (const Wanted& wanted : at->second) {
      report_.Tell(Kind::kFileEnd, wanted.file.name, 0, status.has_value());
    }
    VISAVIS_RETURN_IF_ERROR(status);
  }
  return {};
}

Result<bool> FileSource::Get(const AssetFile& file, const std::string& path) {
  std::error_code error;
  if (file.has_checksum()) {
    if (IsVerified(path, file)) return true;
    if (fs::exists(path, error)) {
      VISAVIS_ASSIGN_OR_RETURN(const bool right, CheckFile(path, file));
      if (right) return true;
      report_.Note(file.name + ": is damaged, and fetched anew");
      VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Remove(path));
    }
  }
  VISAVIS_RETURN_IF_ERROR(
      FileSystem::Real().CreateDirectories(fs::path(path).parent_path().string()));
  const std::string finished = StagingPath(file);
  VISAVIS_ASSIGN_OR_RETURN(const bool stored, store_.Provide(file, path));
  if (stored) return true;
  VISAVIS_RETURN_IF_ERROR(
      FileSystem::Real().CreateDirectories(fs::path(finished).parent_path().string()));
  Digests digests;
  std::string from = "a mirror";
  VISAVIS_ASSIGN_OR_RETURN(const bool mirrored, CopyFromMirrors(file, finished, &digests));
  if (!mirrored) {
    if (file.urls.empty() && !file.archive.empty()) return false;
    VISAVIS_RETURN_IF_ERROR(Download(file, finished, &digests, &from));
  }
  VISAVIS_RETURN_IF_ERROR(KeepFile(finished, file, digests, path, from));
  return true;
}

// A mirror may be the folder of all models, or the folder of this one. A file without checksum is
// believed only where the caller believes any.
Result<bool> FileSource::CopyFromMirrors(const AssetFile& file, const std::string& path,
                                         Digests* digests) {
  if (!file.has_checksum() && !options_.allow_unverified) return false;
  const std::string name = fs::path(file.name).filename().string();
  for (const std::string& mirror : Mirrors(options_)) {
    for (const std::string& folder : {"/" + asset_.folder, "/" + asset_.name, std::string()}) {
      const std::string from = mirror + folder + "/" + name;
      std::error_code error;
      const auto size = fs::file_size(from, error);
      const std::int64_t known = KnownSize(file);
      if (error || (known > 0 && size != static_cast<std::uintmax_t>(known))) continue;
      VISAVIS_RETURN_IF_ERROR(CopyFileTo(from, path));
      VISAVIS_ASSIGN_OR_RETURN(*digests, DigestFile(path, NeedsSha384(file)));
      if (!file.has_checksum() || IsThatFile(file, *digests)) return true;
      VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Remove(path));
    }
  }
  return false;
}

Error FileSource::NowhereToBeHad(const AssetFile& file, const std::string& why) const {
  std::string message =
      fmt::format("{}: {}: not in the cache ({}), not in the folders of VISAVIS_MIRROR, {}",
                  asset_.name, file.name, root_, why);
  if (!asset_.obtain.empty()) message += "; to get it: " + asset_.obtain;
  return Error{ErrorCode::kNotFound, std::move(message)};
}

// Asked for when the first byte would come over the network: who has the files already has agreed
// with whoever gave them.
Status FileSource::AcceptLicence() {
  if (licence_accepted_ || !asset_.must_accept_licence() || LicenceWasAccepted(root_, asset_)) {
    return {};
  }
  const bool asked = !options_.accept_licence && options_.ask_licence;
  if (!options_.accept_licence && !(asked && options_.ask_licence(asset_))) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: licence not accepted ({}): {}; `visavis zoo pull --accept-license {}` "
                     "accepts it",
                     asset_.name, TermsName(asset_.terms), asset_.licence, asset_.name);
  }
  licence_accepted_ = true;
  return RecordAcceptance(root_, asset_, asked ? "prompt" : "--accept-license");
}

Status FileSource::Download(const AssetFile& file, const std::string& finished, Digests* digests,
                            std::string* from) {
  if (file.urls.empty()) return NowhereToBeHad(file, "and no URL is known");
  if (!options_.allow_download) return NowhereToBeHad(file, "and downloads are switched off");
  if (!file.has_checksum() && !options_.allow_unverified) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: {}: no checksum is known for it; --allow-unverified takes whatever the "
                     "server sends, and records its checksum for the next time",
                     asset_.name, file.name);
  }
  VISAVIS_RETURN_IF_ERROR(AcceptLicence());
  Status status;
  const FetchOptions options = WithProgress(file);
  for (const std::string& url : file.urls) {
    Result<Digests> result = DownloadFile(file, url, finished, options);
    if (result) {
      *digests = *std::move(result);
      *from = url;
      return {};
    }
    if (!status) report_.Note(status.error().message);  // the last one is returned
    status = result.error();
    if (status.error().code == ErrorCode::kCancelled) return status;
  }
  return status;
}

FetchOptions FileSource::WithProgress(const AssetFile& file) const {
  FetchOptions options = options_;
  auto last = std::make_shared<Clock::time_point>();
  options.progress = [this, last, name = file.name](const std::string& part, std::int64_t done,
                                                    std::int64_t total) {
    if (options_.progress) options_.progress(part, done, total);
    const auto now = Clock::now();
    if (now - *last < kProgressEvery && done != total) return;
    *last = now;
    report_.Tell(Kind::kFileProgress, name, done);
  };
  return options;
}

Status FileSource::KeepFile(const std::string& finished, const AssetFile& file,
                            const Digests& digests, const std::string& path,
                            const std::string& from) {
  if (!file.has_checksum()) {
    VISAVIS_RETURN_IF_ERROR(RecordTrustedChecksum(root_, asset_, file, digests, from));
    report_.Note(fmt::format("{}: no checksum was known; recorded sha256 {} of {} bytes from {}",
                             file.name, digests.sha256, digests.size_bytes, from));
  }
  return store_.Keep(finished, file, digests, path);
}

Status FileSource::GetFromArchive(const AssetFile& archive, const std::vector<Wanted>& wanted) {
  const bool vouched = archive.has_checksum() || options_.allow_unverified;
  for (const Wanted& one : wanted) {
    if (vouched || one.file.has_checksum()) continue;
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: {}: neither it nor its archive has a known checksum; --allow-unverified "
                     "takes it as it comes",
                     asset_.name, one.file.name);
  }
  const std::string path = StagingPath(archive);
  Digests digests;
  VISAVIS_ASSIGN_OR_RETURN(const bool mirrored, CopyFromMirrors(archive, path, &digests));
  if (!mirrored) {
    // The members' checksums vouch for an archive without its own.
    FetchOptions options = options_;
    options.allow_unverified = true;
    FileSource source(asset_, root_, options);
    source.licence_accepted_ = licence_accepted_;
    std::string from;
    report_.Tell(Kind::kFileBegin, archive.name, KnownSize(archive));
    const Status status = source.Download(archive, path, &digests, &from);
    report_.Tell(Kind::kFileEnd, archive.name, 0, status.has_value());
    VISAVIS_RETURN_IF_ERROR(status);
    licence_accepted_ = source.licence_accepted_;
  }
  const Status status = UnpackWanted(archive, path, wanted);
  RemoveTree(path);
  return status;
}

Status FileSource::UnpackWanted(const AssetFile& archive, const std::string& path,
                                const std::vector<Wanted>& wanted) {
  report_.Tell(Kind::kPostprocessBegin);
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<ArchiveEntry> entries, ListArchive(path));
  std::map<std::string, const Wanted*> members;
  for (const Wanted& one : wanted) {
    const std::string& member = one.file.member.empty() ? one.file.name : one.file.member;
    VISAVIS_ASSIGN_OR_RETURN(const std::string found, FindMember(entries, archive.name, member));
    members[found] = &one;
  }
  const std::string folder = path + ".unpacked";
  const Scratch scratch(folder);
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(folder));
  VISAVIS_ASSIGN_OR_RETURN(
      const std::vector<std::string> unpacked,
      UnpackArchive(
          path, folder, [&](const std::string& name) { return members.contains(name); }, {},
          options_.cancel));
  for (const std::string& name : unpacked) {
    const Wanted& one = *members.at(name);
    const std::string file = folder + "/" + name;
    VISAVIS_ASSIGN_OR_RETURN(const Digests digests, DigestFile(file, NeedsSha384(one.file)));
    if (one.file.has_checksum() && !IsThatFile(one.file, digests)) {
      return MakeError(ErrorCode::kCorruptData, "{}: {}: sha256 of {} is {}, want {}", asset_.name,
                       archive.name, name, digests.sha256, one.file.sha256);
    }
    VISAVIS_RETURN_IF_ERROR(KeepFile(file, one.file, digests, one.path, archive.name));
  }
  report_.Tell(Kind::kPostprocessEnd);
  return {};
}

std::string FileSource::StagingPath(const AssetFile& file) const {
  const std::string& key = !file.sha256.empty() ? file.sha256 : file.sha384;
  const std::string unknown = "unverified-" + std::string(fs::path(file.name).filename());
  return store_.Staging() + "/" + asset_.name + "/" + (key.empty() ? unknown : key);
}

}  // namespace visavis
