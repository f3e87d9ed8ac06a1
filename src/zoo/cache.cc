#include "zoo/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;

std::string StampPath(const std::string& path) {
  const auto slash = path.rfind('/');
  return path.substr(0, slash + 1) + "." + path.substr(slash + 1) + ".verified";
}

// Size and time of last change, as text; empty if there is no such file.
std::string Fingerprint(const std::string& path, std::int64_t* size_bytes = nullptr) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  if (size_bytes != nullptr) *size_bytes = info.st_size;
  return fmt::format("{} {}.{:09}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

bool BuildMatches(std::int64_t size_bytes, const std::string& sha256, const std::string& sha384,
                  const Digests& digests) {
  if (size_bytes > 0 && digests.size_bytes >= 0 && size_bytes != digests.size_bytes) return false;
  bool compared = false;
  for (const auto& [want, have] :
       {std::pair(&sha256, &digests.sha256), std::pair(&sha384, &digests.sha384)}) {
    if (want->empty() || have->empty()) continue;
    if (*want != *have) return false;
    compared = true;
  }
  return compared;
}

// Every checksum under which a file may be stored.
std::vector<std::string> Keys(const AssetFile& file) {
  std::vector<std::string> keys;
  const auto add = [&](const std::string& sha256, const std::string& sha384) {
    if (!sha256.empty()) keys.push_back(sha256);
    if (!sha384.empty()) keys.push_back(sha384);
  };
  add(file.sha256, file.sha384);
  for (const AssetBuild& build : file.other_builds) add(build.sha256, build.sha384);
  return keys;
}

}  // namespace

Result<std::string> CacheRoot(const FetchOptions& options) {
  if (!options.cache_dir.empty()) return options.cache_dir;
  // The XDG specification says to ignore relative paths.
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  if (xdg != nullptr && xdg[0] == '/') return std::string(xdg) + "/visavis";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/visavis";
  return MakeError(ErrorCode::kNotFound,
                   "model cache: neither XDG_CACHE_HOME nor HOME is an absolute path");
}

const Asset* LookUpAsset(const std::string& name, const FetchOptions& options) {
  return options.registry != nullptr ? options.registry->Find(name) : FindAsset(name);
}

bool IsThatFile(const AssetFile& file, const Digests& digests) {
  return BuildMatches(file.size_bytes, file.sha256, file.sha384, digests) ||
         std::any_of(file.other_builds.begin(), file.other_builds.end(),
                     [&](const AssetBuild& build) {
                       return BuildMatches(build.size_bytes, build.sha256, build.sha384, digests);
                     });
}

bool NeedsSha384(const AssetFile& file) {
  return !file.sha384.empty() ||
         std::any_of(file.other_builds.begin(), file.other_builds.end(),
                     [](const AssetBuild& build) { return !build.sha384.empty(); });
}

std::int64_t KnownSize(const AssetFile& file) {
  const bool one =
      std::all_of(file.other_builds.begin(), file.other_builds.end(),
                  [&](const AssetBuild& build) { return build.size_bytes == file.size_bytes; });
  return one ? file.size_bytes : 0;
}

Result<Digests> DigestFile(const std::string& path, bool with_sha384) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return MakeError(ErrorCode::kIo, "{}: cannot open", path);
  Sha256 sha256;
  Sha384 sha384;
  Digests digests{.size_bytes = 0};
  std::vector<char> piece(kPieceBytes);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto bytes = std::span(reinterpret_cast<const std::uint8_t*>(piece.data()),
                                 static_cast<std::size_t>(file.gcount()));
    sha256.Update(bytes);
    if (with_sha384) sha384.Update(bytes);
    digests.size_bytes += file.gcount();
  }
  if (!file.eof()) return MakeError(ErrorCode::kIo, "{}: cannot read", path);
  digests.sha256 = sha256.HexDigest();
  if (with_sha384) digests.sha384 = sha384.HexDigest();
  return digests;
}

// A stamp is one or two lines: "SHA256 SIZE TIME", "SHA384".
Digests VerifiedDigests(const std::string& path) {
  Digests digests;
  const std::string fingerprint = Fingerprint(path, &digests.size_bytes);
  if (fingerprint.empty()) return {};
  std::ifstream stamp(StampPath(path));
  std::string recorded;
  if (!(stamp >> digests.sha256) || !std::getline(stamp >> std::ws, recorded) ||
      recorded != fingerprint) {
    return {};
  }
  stamp >> digests.sha384;
  return digests;
}

Status MarkVerified(const std::string& path, const Digests& digests) {
  const std::string text = digests.sha256 + " " + Fingerprint(path) + "\n" +
                           (digests.sha384.empty() ? "" : digests.sha384 + "\n");
  return WriteFileAtomically(
      FileSystem::Real(), StampPath(path),
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string VerifiedSha256(const std::string& path) { return VerifiedDigests(path).sha256; }

bool IsVerified(const std::string& path, const AssetFile& file) {
  return IsThatFile(file, VerifiedDigests(path));
}

Result<bool> CheckFile(const std::string& path, const AssetFile& file) {
  if (IsVerified(path, file)) return true;
  VISAVIS_ASSIGN_OR_RETURN(const Digests digests, DigestFile(path, NeedsSha384(file)));
  if (!IsThatFile(file, digests)) return false;
  VISAVIS_RETURN_IF_ERROR(MarkVerified(path, digests));
  return true;
}

Result<FolderLock> FolderLock::Acquire(const std::string& folder, const std::atomic<bool>* cancel) {
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(folder));
  const std::string path = folder + "/.lock";
  FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.fd_ < 0) {
    return MakeError(ErrorCode::kIo, "{}: cannot open: {}", path, std::strerror(errno));
  }
  while (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return MakeError(ErrorCode::kIo, "{}: cannot lock: {}", path, std::strerror(errno));
    }
    if (cancel != nullptr && cancel->load()) {
      return MakeError(ErrorCode::kCancelled, "{}: cancelled while waiting", path);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

Status CopyFileTo(const std::string& from, const std::string& to) {
  std::ifstream source(from, std::ios::binary);
  if (!source) return MakeError(ErrorCode::kIo, "{}: cannot open", from);
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter copy, AtomicFileWriter::Create(FileSystem::Real(), to));
  std::vector<std::uint8_t> piece(kPieceBytes);
  while (source) {
    source.read(reinterpret_cast<char*>(piece.data()), static_cast<std::streamsize>(piece.size()));
    VISAVIS_RETURN_IF_ERROR(
        copy.Append(std::span(piece).first(static_cast<std::size_t>(source.gcount()))));
  }
  if (!source.eof()) return MakeError(ErrorCode::kIo, "{}: cannot read", from);
  return copy.Commit();
}

Status LinkOrCopy(const std::string& from, const std::string& to) {
  static std::atomic<unsigned> counter{0};
  const std::string temporary = fmt::format("{}.tmp.{}.l{}", to, ::getpid(), counter.fetch_add(1));
  if (::link(from.c_str(), temporary.c_str()) != 0) return CopyFileTo(from, to);
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Rename(temporary, to));
  // Renaming a link over another link to the same file leaves both names.
  ::unlink(temporary.c_str());
  return {};
}

std::string ChecksumStore::PathOf(const std::string& checksum) const {
  return root_ + "/" + checksum.substr(0, 2) + "/" + checksum.substr(2);
}

Result<bool> ChecksumStore::Provide(const AssetFile& file, const std::string& path) const {
  for (const std::string& key : Keys(file)) {
    const std::string stored = PathOf(key);
    std::error_code error;
    if (!std::filesystem::is_regular_file(stored, error)) continue;
    const Result<bool> right = CheckFile(stored, file);
    if (!right || !*right) {
      std::filesystem::remove(stored, error);  // damaged: nobody is helped by it
      continue;
    }
    VISAVIS_RETURN_IF_ERROR(LinkOrCopy(stored, path));
    VISAVIS_RETURN_IF_ERROR(MarkVerified(path, VerifiedDigests(stored)));
    return true;
  }
  return false;
}

Status ChecksumStore::Keep(const std::string& finished, const AssetFile& file,
                           const Digests& digests, const std::string& path) const {
  const bool by_sha384 = file.sha256.empty() && !digests.sha384.empty();
  const std::string stored = PathOf(by_sha384 ? digests.sha384 : digests.sha256);
  VISAVIS_RETURN_IF_ERROR(
      FileSystem::Real().CreateDirectories(std::filesystem::path(stored).parent_path().string()));
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().Rename(finished, stored));
  VISAVIS_RETURN_IF_ERROR(MarkVerified(stored, digests));
  VISAVIS_RETURN_IF_ERROR(LinkOrCopy(stored, path));
  return MarkVerified(path, digests);
}

std::int64_t ChecksumStore::Forget(const AssetFile& file) const {
  std::int64_t freed = 0;
  for (const std::string& key : Keys(file)) {
    const std::string stored = PathOf(key);
    struct stat info {};
    if (::stat(stored.c_str(), &info) != 0 || info.st_nlink > 1) continue;
    std::error_code error;
    if (std::filesystem::remove(stored, error)) freed += info.st_size;
    std::filesystem::remove(StampPath(stored), error);
    std::filesystem::remove(std::filesystem::path(stored).parent_path(), error);  // if empty
  }
  return freed;
}

}  // namespace visavis
