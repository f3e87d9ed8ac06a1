// The disk behind an interface, so that a full disk or an unreadable folder can be tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// A file being written. Destroying it without Close abandons the write; the file may remain.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual Status Append(std::span<const std::uint8_t> bytes) = 0;
  /// Replaces bytes that were written before; does not move the end.
  virtual Status Overwrite(std::int64_t offset, std::span<const std::uint8_t> bytes) = 0;
  /// Flushes to stable storage.
  virtual Status Sync() = 0;
  /// Flushes to stable storage and closes.
  virtual Status Close() = 0;
};

/// What visavis asks of a disk. Errors name the path and the operating system's reason.
/// Threads: all members are safe concurrently.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// The whole file. kNotFound if it does not exist, kLimitExceeded if it is longer than
  /// `max_bytes` (checked before allocation, and again while reading files whose size is not
  /// known), kInvalidArgument if it is no regular file or pipe, kIo otherwise.
  virtual Result<std::vector<std::uint8_t>> ReadFile(const std::string& path,
                                                     std::int64_t max_bytes) const = 0;
  virtual Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) = 0;
  /// Opens `path` (made if it does not exist), cuts it to `keep_bytes` and appends after them.
  /// kCorruptData if it is shorter.
  virtual Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path,
                                                              std::int64_t keep_bytes) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  virtual Status Remove(const std::string& path) = 0;
  virtual Status CreateDirectories(const std::string& path) = 0;

  /// The operating system's own.
  static FileSystem& Real();
};

/// Writes `path` whole or not at all: a temporary neighbour is written, flushed and renamed over
/// it, and removed on any failure.
Status WriteFileAtomically(FileSystem& fs, const std::string& path,
                           std::span<const std::uint8_t> bytes);

/// The same for output that is produced piece by piece. Commit makes it visible; destruction
/// without Commit removes the temporary file.
class AtomicFileWriter {
 public:
  static Result<AtomicFileWriter> Create(FileSystem& fs, std::string path);
  AtomicFileWriter(AtomicFileWriter&& other) noexcept;
  AtomicFileWriter& operator=(AtomicFileWriter&&) = delete;
  ~AtomicFileWriter();
  Status Append(std::span<const std::uint8_t> bytes);
  Status Append(std::string_view text);
  Status Commit();

 private:
  AtomicFileWriter(FileSystem& fs, std::string path, std::string temporary,
                   std::unique_ptr<WritableFile> file);
  FileSystem* fs_;
  std::string path_;
  std::string temporary_;
  std::unique_ptr<WritableFile> file_;  // null once committed or moved from
};

}  // namespace visavis
