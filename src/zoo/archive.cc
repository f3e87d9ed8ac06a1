#include "zoo/archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/file_system.h"
#include "base/text.h"
#include "base/try.h"
#include "zoo/archive_api.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 1 << 16;
constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kMaxComponentBytes = 200;
constexpr std::int64_t kFreeBytes = 1 << 20;  // not held against the ratio

// "" if the path is safe below a folder; otherwise what is wrong with it.
std::string_view WhatIsWrongWith(std::string_view path, int max_depth) {
  if (path.empty()) return "has no name";
  if (path.size() > kMaxPathBytes) return "has too long a name";
  if (path.front() == '/') return "has an absolute path";
  int depth = 0;
  for (std::string_view rest = path;;) {
    const auto slash = rest.find('/');
    const std::string_view component = rest.substr(0, slash);
    if (component == "..") return "leaves the folder";
    if (component.empty() || component == ".") return "has an empty component in its path";
    if (component.size() > kMaxComponentBytes) return "has too long a name";
    for (const char c : component) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f || c == '\\' || c == ':') {
        return "has a control character, a backslash or a colon in its name";
      }
    }
    if (++depth > max_depth) return "is too many folders deep";
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

// One pass through an archive, entry by entry.
class Reading {
 public:
  Reading(const ArchiveApi& api, const std::string& path, const ArchiveLimits& limits,
          const std::atomic<bool>* cancel)
      : api_(api),
        path_(path),
        limits_(limits),
        cancel_(cancel),
        archive_(api.read_new(), api.read_free),
        block_(kBlockBytes) {}

  Status Open() {
    std::error_code error;
    const auto size = fs::file_size(path_, error);
    if (error) return MakeError(ErrorCode::kNotFound, "{}: {}", path_, error.message());
    archive_bytes_ = static_cast<std::int64_t>(size);
    if (archive_ == nullptr) return MakeError(ErrorCode::kIo, "{}: cannot start libarchive", path_);
    archive* const a = archive_.get();
    // The return value warns where an external program would be used; then opening fails.
    (void)api_.support_zip(a);
    (void)api_.support_tar(a);
    (void)api_.support_gzip(a);
    (void)api_.support_bzip2(a);
    (void)api_.support_xz(a);
    if (api_.open_filename(a, path_.c_str(), kBlockBytes) != ARCHIVE_OK) return Broken();
    return {};
  }

  // False at the end. The entry has been checked.
  Result<bool> Next(ArchiveEntry& entry) {
    VISAVIS_RETURN_IF_ERROR(CheckCancelled());
    archive_entry* header = nullptr;
    const int code = api_.next_header(archive_.get(), &header);
    if (code == ARCHIVE_EOF) return false;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return Broken();
    if (++entries_ > limits_.entries) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: holds more than {} entries", path_,
                       limits_.entries);
    }
    VISAVIS_ASSIGN_OR_RETURN(entry, Check(header));
    return true;
  }

  // Gives the bytes of the entry at hand piece by piece to take(span) -> Status.
  template <typename Take>
  Status Data(const ArchiveEntry& entry, Take take) {
    std::int64_t got = 0;
    for (;;) {
      VISAVIS_RETURN_IF_ERROR(CheckCancelled());
      const la_ssize_t size = api_.read_data(archive_.get(), block_.data(), block_.size());
      if (size < 0) return Broken();
      if (size == 0) break;
      got += size;
      unpacked_ += size;
      if (entry.size_bytes >= 0 && got > entry.size_bytes)
        return Bad(entry.path, "is longer than it says");
      VISAVIS_RETURN_IF_ERROR(CheckUnpacked(unpacked_));
      VISAVIS_RETURN_IF_ERROR(take(std::span(block_).first(static_cast<std::size_t>(size))));
    }
    if (entry.size_bytes >= 0 && got != entry.size_bytes) {
      return Bad(entry.path, "is shorter than it says");
    }
    return {};
  }

  Error Bad(std::string_view entry, std::string_view what) const {
    return MakeError(ErrorCode::kCorruptData, "{}: entry \"{}\" {}", path_,
                     OneLine(entry.substr(0, 200)), what);
  }

 private:
  Error Broken() const {
    const char* why = api_.error_string(archive_.get());
    return MakeError(ErrorCode::kCorruptData, "{}: is no zip or tar archive that can be read: {}",
                     path_, why != nullptr ? OneLine(why) : "unknown");
  }

  Status CheckCancelled() const {
    if (cancel_ == nullptr || !cancel_->load()) return {};
    return MakeError(ErrorCode::kCancelled, "{}: cancelled", path_);
  }

  Status CheckUnpacked(std::int64_t bytes) const {
    if (bytes > limits_.unpacked_bytes) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: unpacks to more than {} bytes", path_,
                       limits_.unpacked_bytes);
    }
    if (bytes > kFreeBytes && bytes / limits_.ratio > archive_bytes_) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: unpacks to more than {} times its size",
                       path_, limits_.ratio);
    }
    return {};
  }

  Result<ArchiveEntry> Check(archive_entry* header) {
    const char* name = api_.pathname_utf8(header);
    if (name == nullptr) name = api_.pathname(header);
    std::string_view path = name != nullptr ? name : "";
    const auto type = api_.filetype(header);
    ArchiveEntry entry;
    entry.is_folder = type == AE_IFDIR;
    while (path.starts_with("./")) path.remove_prefix(2);  // as tar writes them
    while (entry.is_folder && path.ends_with('/')) path.remove_suffix(1);
    if (entry.is_folder && path.empty()) path = ".";  // the folder itself
    entry.path = path;
    if (entry.is_folder && path == ".") return entry;
    if (api_.hardlink(header) != nullptr) return Bad(entry.path, "is a link");
    if (type == AE_IFLNK) return Bad(entry.path, "is a symbolic link");
    // A zip entry without Unix attributes has type 0.
    if (!entry.is_folder && type != AE_IFREG && type != 0) {
      return Bad(entry.path, "is neither a file nor a folder");
    }
    if (api_.is_encrypted(header) != 0) return Bad(entry.path, "is encrypted");
    if (const std::string_view wrong = WhatIsWrongWith(entry.path, limits_.depth); !wrong.empty()) {
      return Bad(entry.path, wrong);
    }
    if (!paths_.insert(entry.path).second && !entry.is_folder) {
      return Bad(entry.path, "is there twice");
    }
    if (!entry.is_folder && api_.size_is_set(header) != 0) {
      entry.size_bytes = api_.size(header);
      if (entry.size_bytes < 0) return Bad(entry.path, "has a negative size");
      declared_ +=
          entry.size_bytes > limits_.unpacked_bytes ? limits_.unpacked_bytes + 1 : entry.size_bytes;
      VISAVIS_RETURN_IF_ERROR(CheckUnpacked(declared_));
    }
    return entry;
  }

  const ArchiveApi& api_;
  const std::string& path_;
  const ArchiveLimits& limits_;
  const std::atomic<bool>* cancel_;
  std::unique_ptr<archive, decltype(ArchiveApi::read_free)> archive_;
  std::vector<std::uint8_t> block_;
  std::int64_t archive_bytes_ = 0;
  std::int64_t entries_ = 0;
  std::int64_t declared_ = 0;
  std::int64_t unpacked_ = 0;
  std::set<std::string> paths_;
};

// Writes one file that must not exist yet. No component of its path is a link: the folder was
// empty, and links are never made.
Status WriteNew(Reading& reading, const ArchiveEntry& entry, const std::string& target) {
  VISAVIS_RETURN_IF_ERROR(
      FileSystem::Real().CreateDirectories(fs::path(target).parent_path().string()));
  const int fd = ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) {
    if (errno == EEXIST) return reading.Bad(entry.path, "would replace a file");
    return MakeError(ErrorCode::kIo, "{}: cannot create: {}", target, std::strerror(errno));
  }
  ::close(fd);
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<WritableFile> file,
                           FileSystem::Real().OpenForAppend(target, 0));
  VISAVIS_RETURN_IF_ERROR(reading.Data(
      entry, [&](std::span<const std::uint8_t> bytes) { return file->Append(bytes); }));
  return file->Close();
}

}  // namespace

Result<std::vector<ArchiveEntry>> ListArchive(const std::string& path,
                                              const ArchiveLimits& limits) {
  if (!ArchiveApi::Get()) return ArchiveApi::Get().error();
  Reading reading(*ArchiveApi::Get(), path, limits, nullptr);
  VISAVIS_RETURN_IF_ERROR(reading.Open());
  std::vector<ArchiveEntry> entries;
  for (;;) {
    ArchiveEntry entry;
    VISAVIS_ASSIGN_OR_RETURN(const bool more, reading.Next(entry));
    if (!more) return entries;
    entries.push_back(std::move(entry));
  }
}

Result<std::string> ReadArchiveMember(const std::string& path, const std::string& member,
                                      std::int64_t max_bytes) {
  if (!ArchiveApi::Get()) return ArchiveApi::Get().error();
  const ArchiveLimits limits;
  Reading reading(*ArchiveApi::Get(), path, limits, nullptr);
  VISAVIS_RETURN_IF_ERROR(reading.Open());
  for (;;) {
    ArchiveEntry entry;
    VISAVIS_ASSIGN_OR_RETURN(const bool more, reading.Next(entry));
    if (!more) return MakeError(ErrorCode::kNotFound, "{}: holds no {}", path, member);
    if (entry.is_folder || entry.path != member) continue;
    std::string bytes;
    VISAVIS_RETURN_IF_ERROR(reading.Data(entry, [&](std::span<const std::uint8_t> piece) -> Status {
      if (static_cast<std::int64_t>(bytes.size() + piece.size()) > max_bytes) {
        return MakeError(ErrorCode::kLimitExceeded, "{}: {} is longer than {} bytes", path, member,
                         max_bytes);
      }
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return {};
    }));
    return bytes;
  }
}

Result<std::vector<std::string>> UnpackArchive(
    const std::string& path, const std::string& folder,
    const std::function<bool(const std::string&)>& wanted, const ArchiveLimits& limits,
    const std::atomic<bool>* cancel) {
  if (!ArchiveApi::Get()) return ArchiveApi::Get().error();
  Reading reading(*ArchiveApi::Get(), path, limits, cancel);
  VISAVIS_RETURN_IF_ERROR(reading.Open());
  std::vector<std::string> unpacked;
  for (;;) {
    ArchiveEntry entry;
    VISAVIS_ASSIGN_OR_RETURN(const bool more, reading.Next(entry));
    if (!more) return unpacked;
    if (entry.is_folder || !wanted(entry.path)) continue;
    VISAVIS_RETURN_IF_ERROR(WriteNew(reading, entry, folder + "/" + entry.path));
    unpacked.push_back(entry.path);
  }
}

}  // namespace visavis
