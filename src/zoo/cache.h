// The model cache: one folder per asset, and a store of files by checksum that they are linked to.
// Files are known to be right by size and time of last check.
#pragma once

#include <atomic>
#include <string>

#include "visavis/zoo.h"

namespace visavis {

/// The cache's root: `options.cache_dir`, else $XDG_CACHE_HOME/visavis, else ~/.cache/visavis.
/// Errors: kNotFound if none of them is known.
Result<std::string> CacheRoot(const FetchOptions& options);

/// The asset in the registry of the options; null if unknown.
const Asset* LookUpAsset(const std::string& name, const FetchOptions& options);

/// What a file is, as far as it has been computed.
struct Digests {
  std::int64_t size_bytes = -1;
  std::string sha256 = {};
  std::string sha384 = {};  ///< "" where nobody asked for it
};

/// True if a file with these digests is `file`: one of its builds in size and in every checksum
/// that both know, at least one of them.
bool IsThatFile(const AssetFile& file, const Digests& digests);
/// True if one of its builds is pinned by a SHA-384.
bool NeedsSha384(const AssetFile& file);
/// The size that the file must have; 0 if it is not known or there are several.
std::int64_t KnownSize(const AssetFile& file);

/// Size and digests of a file, read piece by piece.
Result<Digests> DigestFile(const std::string& path, bool with_sha384);

/// Digests recorded for `path`, if its size and time have not changed since (as version control
/// systems decide it: reading every model at every start would cost more than the work itself);
/// otherwise empty ones.
Digests VerifiedDigests(const std::string& path);
/// Records that the file at `path` has these digests now.
Status MarkVerified(const std::string& path, const Digests& digests);
/// The sha256 of VerifiedDigests.
std::string VerifiedSha256(const std::string& path);
/// True if the file at `path` was found to be `file` and has not changed since.
bool IsVerified(const std::string& path, const AssetFile& file);
/// The same, reading the file where nothing is recorded, and recording what was found.
Result<bool> CheckFile(const std::string& path, const AssetFile& file);

/// Keeps other processes and threads out until destroyed (flock: a killed process lets go).
class FolderLock {
 public:
  /// Locks `folder`/.lock; makes the folder. Waits. Errors: kIo, kCancelled.
  static Result<FolderLock> Acquire(const std::string& folder, const std::atomic<bool>* cancel);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Files by checksum below the cache's root, in the layout of Open Model Zoo's downloader:
/// 1/HH/REST, where HHREST is the SHA-256 (or the SHA-384 where only that is pinned), and
/// 1/staging for what is not whole yet. Threads: safe; callers lock what they change.
class ChecksumStore {
 public:
  explicit ChecksumStore(const std::string& root) : root_(root + "/1") {}

  std::string PathOf(const std::string& checksum) const;
  std::string Staging() const { return root_ + "/staging"; }

  /// Puts the file at `path` if the store has it: a hard link, or a copy across file systems.
  Result<bool> Provide(const AssetFile& file, const std::string& path) const;
  /// Moves a finished file into the store, and provides it at `path`.
  Status Keep(const std::string& finished, const AssetFile& file, const Digests& digests,
              const std::string& path) const;
  /// Removes the store's copies of `file` that nothing else is linked to; the bytes freed.
  std::int64_t Forget(const AssetFile& file) const;

 private:
  std::string root_;
};

/// Makes `to` the same file as `from`, or a copy of it; replaces what is there, at once.
Status LinkOrCopy(const std::string& from, const std::string& to);
/// A copy, at once or not at all.
Status CopyFileTo(const std::string& from, const std::string& to);

}  // namespace visavis
