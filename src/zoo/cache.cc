#include "zoo/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"

namespace visavis {
namespace {

std::string StampPath(const std::string& path) {
  const auto slash = path.rfind('/');
  return path.substr(0, slash + 1) + "." + path.substr(slash + 1) + ".verified";
}

// Size and time of last change, as text; empty if there is no such file.
std::string Fingerprint(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return fmt::format("{} {}.{:09}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
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

std::string VerifiedSha256(const std::string& path) {
  const std::string fingerprint = Fingerprint(path);
  std::ifstream stamp(StampPath(path));
  std::string sha256;
  std::string recorded;
  if (fingerprint.empty() || !(stamp >> sha256) || !std::getline(stamp >> std::ws, recorded)) {
    return {};
  }
  return recorded == fingerprint ? sha256 : std::string();
}

bool IsVerified(const std::string& path, const std::string& sha256) {
  return VerifiedSha256(path) == sha256;
}

Status MarkVerified(const std::string& path, const std::string& sha256) {
  const std::string text = sha256 + " " + Fingerprint(path) + "\n";
  return WriteFileAtomically(
      FileSystem::Real(), StampPath(path),
      std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Result<FolderLock> FolderLock::Acquire(const std::string& folder, const std::atomic<bool>* cancel) {
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

}  // namespace visavis
