// Archives of untrusted origin: what they hold, and unpacking without harm.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// What an archive may hold. A value above is kLimitExceeded.
struct ArchiveLimits {
  std::int64_t entries = 10'000;
  std::int64_t unpacked_bytes = 8LL << 30;
  /// Unpacked bytes per byte of the archive, beyond the first MiB: no model compresses like this.
  std::int64_t ratio = 200;
  int depth = 16;  ///< folders within folders
};

struct ArchiveEntry {
  std::string path;  ///< relative, of components that are neither "." nor ".."
  bool is_folder = false;
  std::int64_t size_bytes = -1;  ///< -1 = the archive does not say
};

/// Any of zip, tar, and tar compressed with gzip, bzip2 or xz, told by content. Every path is
/// checked before anything is made of it: absolute paths, "..", backslashes, control characters,
/// symbolic and hard links, devices, encrypted and repeated entries are refused.
/// Errors: kNotFound, kCorruptData (broken, or refused: the message names the entry),
///         kLimitExceeded, kUnsupported (libarchive not installed), kCancelled.
Result<std::vector<ArchiveEntry>> ListArchive(const std::string& path,
                                              const ArchiveLimits& limits = {});

/// The bytes of one file of an archive. Errors: those of ListArchive; kNotFound if it is not there.
Result<std::string> ReadArchiveMember(const std::string& path, const std::string& member,
                                      std::int64_t max_bytes);

/// Unpacks the files for which wanted(path) is true into `folder`, which must be new or empty:
/// files that are there are refused. Returns the paths of the unpacked files. After an error the
/// folder may hold some of them. Errors: those of ListArchive, and kIo.
Result<std::vector<std::string>> UnpackArchive(
    const std::string& path, const std::string& folder,
    const std::function<bool(const std::string&)>& wanted, const ArchiveLimits& limits = {},
    const std::atomic<bool>* cancel = nullptr);

}  // namespace visavis
