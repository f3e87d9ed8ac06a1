#include "base/file_system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_folder.h"

namespace visavis {
namespace {

class FileSystemTest : public ScratchTest {
 protected:
  std::size_t FilesInDir() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(dir_), {}));
  }
};

std::vector<std::uint8_t> Bytes(std::string_view text) { return {text.begin(), text.end()}; }

TEST_F(FileSystemTest, WritesWholeAndReadsBack) {
  FileSystem& fs = FileSystem::Real();
  const std::string path = dir_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(fs, path, Bytes("hello")));
  EXPECT_EQ(fs.ReadFile(path, 5).value(), Bytes("hello"));
  EXPECT_EQ(FilesInDir(), 1u);
}

TEST_F(FileSystemTest, NamesTheCauseOfEveryFailure) {
  FileSystem& fs = FileSystem::Real();
  EXPECT_EQ(fs.ReadFile(dir_ + "/none", 10).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(fs.ReadFile(dir_, 10).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fs.ReadFile("/dev/zero", 10).error().code, ErrorCode::kInvalidArgument);
  std::ofstream(dir_ + "/long") << "0123456789x";
  EXPECT_EQ(fs.ReadFile(dir_ + "/long", 10).error().code, ErrorCode::kLimitExceeded);
  std::filesystem::create_symlink(dir_ + "/loop", dir_ + "/loop");
  const auto loop = fs.ReadFile(dir_ + "/loop", 10);
  EXPECT_EQ(loop.error().code, ErrorCode::kIo);
  EXPECT_NE(loop.error().message.find(dir_ + "/loop"), std::string::npos);
  EXPECT_FALSE(WriteFileAtomically(fs, dir_ + "/no/such/dir", Bytes("x")));
}

// A disk that is full after `room` bytes.
class FullDisk : public FileSystem {
 public:
  explicit FullDisk(std::size_t room) : room_(room) {}
  Result<std::vector<std::uint8_t>> ReadFile(const std::string& path,
                                             std::int64_t max) const override {
    return Real().ReadFile(path, max);
  }
  Result<std::unique_ptr<WritableFile>> CreateFile(const std::string& path) override {
    auto file = Real().CreateFile(path);
    if (!file) return file;
    return std::unique_ptr<WritableFile>(
        std::make_unique<File>(*this, path, std::move(file).value()));
  }
  Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path,
                                                      std::int64_t keep_bytes) override {
    auto file = Real().OpenForAppend(path, keep_bytes);
    if (!file) return file;
    return std::unique_ptr<WritableFile>(
        std::make_unique<File>(*this, path, std::move(file).value()));
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return Real().Rename(from, to);
  }
  Status Remove(const std::string& path) override { return Real().Remove(path); }
  Status CreateDirectories(const std::string& path) override {
    return Real().CreateDirectories(path);
  }

 private:
  class File : public WritableFile {
   public:
    File(FullDisk& disk, std::string path, std::unique_ptr<WritableFile> file)
        : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}
    Status Append(std::span<const std::uint8_t> bytes) override {
      if (bytes.size() > disk_.room_)
        return Error{ErrorCode::kIo, path_ + ": No space left on device"};
      disk_.room_ -= bytes.size();
      return file_->Append(bytes);
    }
    Status Overwrite(std::int64_t offset, std::span<const std::uint8_t> bytes) override {
      return file_->Overwrite(offset, bytes);
    }
    Status Sync() override { return file_->Sync(); }
    Status Close() override { return file_->Close(); }

   private:
    FullDisk& disk_;
    std::string path_;
    std::unique_ptr<WritableFile> file_;
  };
  std::size_t room_;
};

TEST_F(FileSystemTest, FullDiskLeavesOldFileAndNoTemporary) {
  const std::string path = dir_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(FileSystem::Real(), path, Bytes("old")));
  FullDisk full(3);
  EXPECT_EQ(WriteFileAtomically(full, path, Bytes("newer")).error().message,
            path + ": No space left on device");  // not the temporary file's name
  EXPECT_EQ(FileSystem::Real().ReadFile(path, 10).value(), Bytes("old"));
  EXPECT_EQ(FilesInDir(), 1u);
}

TEST_F(FileSystemTest, AppendsAfterWhatIsKept) {
  FileSystem& fs = FileSystem::Real();
  const std::string path = dir_ + "/a";
  ASSERT_TRUE(WriteFileAtomically(fs, path, Bytes("keep, drop")));
  auto file = fs.OpenForAppend(path, 4);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->Append(Bytes(" this")));
  ASSERT_TRUE((*file)->Overwrite(0, Bytes("K")));
  ASSERT_TRUE((*file)->Append(Bytes("!")));
  ASSERT_TRUE((*file)->Close());
  EXPECT_EQ(fs.ReadFile(path, 100).value(), Bytes("Keep this!"));
  EXPECT_EQ(fs.OpenForAppend(path, 11).error().code, ErrorCode::kCorruptData);
}

TEST_F(FileSystemTest, WriterWithoutCommitLeavesNothing) {
  {
    auto writer = AtomicFileWriter::Create(FileSystem::Real(), dir_ + "/a");
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->Append("partial"));
  }
  EXPECT_EQ(FilesInDir(), 0u);
}

}  // namespace
}  // namespace visavis
