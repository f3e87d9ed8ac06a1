#include "base/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/huge_pages.h"
#include "base/try.h"

namespace visavis {
namespace {

Error FromErrno(const char* what, const std::string& path, int error_number) {
  const ErrorCode code =
      error_number == ENOENT || error_number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return MakeError(code, "{}: {}: {}", path, what, std::strerror(error_number));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  Status Append(std::span<const std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        return FromErrno("cannot write", path_, errno);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }

  Status Overwrite(std::int64_t offset, std::span<const std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_.get(), bytes.data(), bytes.size(), offset);
      if (written < 0) {
        if (errno == EINTR) continue;
        return FromErrno("cannot write", path_, errno);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += written;
    }
    return {};
  }

  Status Sync() override {
    // Pipes and terminals cannot be synchronised; that is no failure.
    if (::fsync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS) {
      return FromErrno("cannot flush", path_, errno);
    }
    return {};
  }

  Status Close() override {
    VISAVIS_RETURN_IF_ERROR(Sync());
    if (::close(fd_.Release()) != 0) return FromErrno("cannot close", path_, errno);
    return {};
  }

 private:
  std::string path_;
  Descriptor fd_;
};

class PosixFileSystem : public FileSystem {
 public:
  Result<std::vector<std::uint8_t>> ReadFile(const std::string& path,
                                             std::int64_t max_bytes) const override {
    // O_NONBLOCK: opening a FIFO without a writer must not hang; it has no effect on regular files.
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.get() < 0) return FromErrno("cannot open", path, errno);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return FromErrno("cannot stat", path, errno);
    if (S_ISDIR(info.st_mode)) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: is a directory, want a file", path);
    }
    if (!S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode)) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: is a device or socket, want a file", path);
    }
    if (info.st_size > max_bytes) return TooLong(path, info.st_size, max_bytes);
    if (S_ISFIFO(info.st_mode)) ::fcntl(fd.get(), F_SETFL, 0);

    std::vector<std::uint8_t> bytes;
    bytes.reserve(static_cast<std::size_t>(info.st_size));
    AdviseHugePages(bytes.data(), bytes.capacity());
    bytes.resize(static_cast<std::size_t>(info.st_size));
    std::size_t filled = 0;
    for (;;) {
      if (filled == bytes.size()) {
        // Either the expected end or a file of unknown or growing size.
        std::uint8_t extra[4096];
        const ssize_t got = ::read(fd.get(), extra, sizeof extra);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return FromErrno("cannot read", path, errno);
        if (got == 0) return bytes;
        if (static_cast<std::int64_t>(filled) + got > max_bytes) {
          return TooLong(path, static_cast<std::int64_t>(filled) + got, max_bytes);
        }
        bytes.insert(bytes.end(), extra, extra + got);
        filled = bytes.size();
        continue;
      }
      const ssize_t got = ::read(fd.get(), bytes.data() + filled, bytes.size() - filled);
      if (got < 0) {
        if (errno == EINTR) continue;
        return FromErrno("cannot read", path, errno);
      }
      if (got == 0) {
        bytes.resize(filled);
        return bytes;
      }
      filled += static_cast<std::size_t>(got);
    }
  }

  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return FromErrno("cannot create", path, errno);
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(path, fd));
  }

  Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path,
                                                      std::int64_t keep_bytes) override {
    Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (fd.get() < 0) return FromErrno("cannot open", path, errno);
    const off_t end = ::lseek(fd.get(), 0, SEEK_END);
    if (end < 0) return FromErrno("cannot seek", path, errno);
    if (end < keep_bytes) {
      return MakeError(ErrorCode::kCorruptData, "{}: has {} bytes, want at least {}", path, end,
                       keep_bytes);
    }
    if (::ftruncate(fd.get(), keep_bytes) != 0) return FromErrno("cannot cut", path, errno);
    if (::lseek(fd.get(), keep_bytes, SEEK_SET) < 0) return FromErrno("cannot seek", path, errno);
    return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(path, fd.Release()));
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return FromErrno("cannot rename to", to, errno);
    return {};
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return FromErrno("cannot remove", path, errno);
    return {};
  }

  Status CreateDirectories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error)
      return MakeError(ErrorCode::kIo, "{}: cannot create directory: {}", path, error.message());
    return {};
  }

 private:
  static Error TooLong(const std::string& path, std::int64_t found, std::int64_t limit) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: {} bytes, limit is {}", path, found, limit);
  }
};

// A name beside `path` that no other process or thread uses.
std::string TemporaryName(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}.tmp.{}.{}", path, ::getpid(), counter.fetch_add(1));
}

// The user knows the path they asked for, not our temporary one.
Error WithName(Error error, const std::string& temporary, const std::string& path) {
  if (const auto at = error.message.find(temporary); at != std::string::npos) {
    error.message.replace(at, temporary.size(), path);
  }
  return error;
}

}  // namespace

FileSystem& FileSystem::Real() {
  static PosixFileSystem instance;
  return instance;
}

Result<AtomicFileWriter> AtomicFileWriter::Create(FileSystem& fs, std::string path) {
  std::string temporary = TemporaryName(path);
  auto file = fs.CreateFile(temporary);
  if (!file) return WithName(std::move(file).error(), temporary, path);
  return AtomicFileWriter(fs, std::move(path), std::move(temporary), std::move(file).value());
}

AtomicFileWriter::AtomicFileWriter(FileSystem& fs, std::string path, std::string temporary,
                                   std::unique_ptr<WritableFile> file)
    : fs_(&fs), path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}

AtomicFileWriter::AtomicFileWriter(AtomicFileWriter&& other) noexcept = default;

AtomicFileWriter::~AtomicFileWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  (void)fs_->Remove(temporary_);
}

Status AtomicFileWriter::Append(std::span<const std::uint8_t> bytes) {
  if (Status status = file_->Append(bytes); !status) {
    return WithName(std::move(status).error(), temporary_, path_);
  }
  return {};
}

Status AtomicFileWriter::Append(std::string_view text) {
  return Append(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

Status AtomicFileWriter::Commit() {
  if (Status status = file_->Close(); !status) {
    return WithName(std::move(status).error(), temporary_, path_);
  }
  VISAVIS_RETURN_IF_ERROR(fs_->Rename(temporary_, path_));
  file_.reset();
  return {};
}

Status WriteFileAtomically(FileSystem& fs, const std::string& path,
                           std::span<const std::uint8_t> bytes) {
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter writer, AtomicFileWriter::Create(fs, path));
  VISAVIS_RETURN_IF_ERROR(writer.Append(bytes));
  return writer.Commit();
}

}  // namespace visavis
