// The model cache: one folder per asset, files known to be right by size and time of last check.
#pragma once

#include <atomic>
#include <string>

#include "visavis/zoo.h"

namespace visavis {

/// The cache's root: `options.cache_dir`, else $XDG_CACHE_HOME/visavis, else ~/.cache/visavis.
/// Errors: kNotFound if none of them is known.
Result<std::string> CacheRoot(const FetchOptions& options);

/// True if the file's checksum was found to be `sha256` and its size and time have not changed
/// since (as version control systems decide it): reading every model at every start would cost more
/// than the work itself.
bool IsVerified(const std::string& path, const std::string& sha256);
/// Records that the file at `path` has this checksum now.
Status MarkVerified(const std::string& path, const std::string& sha256);
/// The sha256 recorded for `path` if it has not changed since; empty otherwise.
std::string VerifiedSha256(const std::string& path);

/// Keeps other processes out of a folder until destroyed (flock: a killed process lets go).
class FolderLock {
 public:
  /// Waits. Errors: kIo, kCancelled.
  static Result<FolderLock> Acquire(const std::string& folder, const std::atomic<bool>* cancel);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace visavis
