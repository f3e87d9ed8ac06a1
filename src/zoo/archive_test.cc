#include "zoo/archive.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_folder.h"
#include "zoo/test_archive.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

bool Everything(const std::string&) { return true; }

class ArchiveTest : public ScratchTest {
 protected:
  ArchiveTest() {
    path_ = dir_ + "/a";
    folder_ = dir_ + "/inner/folder";
    fs::create_directories(folder_);
  }

  Result<std::vector<std::string>> Unpack(const ArchiveLimits& limits = {}) {
    return UnpackArchive(path_, folder_, Everything, limits);
  }
  // Files anywhere below dir_ but in the folder.
  int Strangers() const {
    int count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(dir_)) {
      const bool inside = entry.path().string().starts_with(folder_ + "/");
      count += !entry.is_directory() && !inside && entry.path() != path_ ? 1 : 0;
    }
    return count;
  }

  std::string path_;
  std::string folder_;
};

TEST_F(ArchiveTest, UnpacksEveryForm) {
  const std::string body(100'000, 'x');
  for (const char* format : {"zip", "tar", "tar.gz", "tar.bz2", "tar.xz"}) {
    SCOPED_TRACE(format);
    WriteTestArchive(path_, format,
                     {{.path = "m", .is_folder = true}, {"m/a.onnx", body}, {"b.txt", "text"}});
    const auto entries = ListArchive(path_);
    ASSERT_TRUE(entries) << entries.error().message;
    EXPECT_EQ(entries->size(), 3u);
    const auto files = Unpack();
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(*files, (std::vector<std::string>{"m/a.onnx", "b.txt"}));
    EXPECT_EQ(ReadText(folder_ + "/m/a.onnx"), body);
    EXPECT_EQ(ReadArchiveMember(path_, "b.txt", 100).value(), "text");
    EXPECT_EQ(ReadArchiveMember(path_, "b.txt", 3).error().code, ErrorCode::kLimitExceeded);
    EXPECT_EQ(ReadArchiveMember(path_, "c.txt", 100).error().code, ErrorCode::kNotFound);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
}

TEST_F(ArchiveTest, UnpacksOnlyWhatIsWanted) {
  WriteTestArchive(path_, "zip", {{"a", "1"}, {"b", "2"}});
  const auto files =
      UnpackArchive(path_, folder_, [](const std::string& name) { return name == "b"; });
  ASSERT_TRUE(files);
  EXPECT_FALSE(fs::exists(folder_ + "/a"));
  EXPECT_EQ(ReadText(folder_ + "/b"), "2");
}

TEST_F(ArchiveTest, RefusesEveryWayOut) {
  const TestEntry hostile[] = {
      {"../out", "x"},
      {"../../out", "x"},
      {"a/../../../out", "x"},
      {"/tmp/visavis-archive-out", "x"},
      {"a\\..\\out", "x"},
      {"C:out", "x"},
      {"a/\x01", "x"},
      {std::string(300, 'n'), "x"},
      {.path = "link", .symlink = "/etc/passwd"},
      {.path = "link", .symlink = "../.."},
      {.path = "link", .symlink = "inside"},
      {"a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "x"},
  };
  for (const char* format : {"zip", "tar"}) {
    for (const TestEntry& entry : hostile) {
      SCOPED_TRACE(std::string(format) + " " + entry.path.substr(0, 50) + " " + entry.symlink);
      WriteTestArchive(path_, format, {entry, {"link/out", "through the link"}});
      const auto files = Unpack();
      ASSERT_FALSE(files);
      EXPECT_EQ(files.error().code, ErrorCode::kCorruptData) << files.error().message;
      EXPECT_NE(files.error().message.find("entry"), std::string::npos) << files.error().message;
      EXPECT_FALSE(ListArchive(path_)) << "what cannot be unpacked is not listed";
      EXPECT_EQ(Strangers(), 0);
      EXPECT_TRUE(fs::is_empty(folder_));
    }
  }
  WriteTestArchive(path_, "tar", {{"a", "x"}, {.path = "b", .hardlink = "a"}});
  EXPECT_EQ(Unpack().error().code, ErrorCode::kCorruptData);
  WriteTestArchive(path_, "tar", {{.path = "tty", .is_device = true}});
  EXPECT_EQ(Unpack().error().code, ErrorCode::kCorruptData);
}

TEST_F(ArchiveTest, RefusesRepetitionsAndWhatIsThere) {
  WriteTestArchive(path_, "tar", {{"a", "1"}, {"a", "2"}});
  EXPECT_EQ(Unpack().error().code, ErrorCode::kCorruptData);
  WriteTestArchive(path_, "tar", {{"b", "1"}, {"b/c", "2"}});
  EXPECT_FALSE(Unpack());
  std::ofstream(folder_ + "/z") << "mine";
  WriteTestArchive(path_, "tar", {{"z", "theirs"}});
  EXPECT_EQ(Unpack().error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(ReadText(folder_ + "/z"), "mine");
}

TEST_F(ArchiveTest, BombsAreDefused) {
  for (const char* format : {"zip", "tar.gz", "tar.bz2", "tar.xz"}) {
    SCOPED_TRACE(format);
    WriteTestArchive(path_, format, {{"bomb", std::string(24 << 20, '\0')}});
    EXPECT_EQ(Unpack().error().code, ErrorCode::kLimitExceeded);
    std::uintmax_t written = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      written += entry.is_regular_file() ? entry.file_size() : 0;
    }
    EXPECT_LT(written, 12u << 20);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  std::vector<TestEntry> many;
  for (int i = 0; i < 200; ++i) many.push_back({"f" + std::to_string(i), "x"});
  WriteTestArchive(path_, "zip", many);
  EXPECT_EQ(Unpack({.entries = 100}).error().code, ErrorCode::kLimitExceeded);
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  EXPECT_EQ(Unpack({.unpacked_bytes = 100}).error().code, ErrorCode::kLimitExceeded);
}

TEST_F(ArchiveTest, BrokenFilesAreErrors) {
  EXPECT_EQ(ListArchive(dir_ + "/none").error().code, ErrorCode::kNotFound);
  for (const char* format : {"zip", "tar.gz", "tar.xz"}) {
    WriteTestArchive(path_, format, {{"a", std::string(10'000, 'x') + "y"}});
    const std::string whole = ReadText(path_);
    std::ofstream(path_, std::ios::binary) << whole.substr(0, whole.size() / 2);
    EXPECT_FALSE(Unpack()) << format;
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  std::ofstream(path_, std::ios::binary) << "this is no archive at all";
  EXPECT_EQ(ListArchive(path_).error().code, ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace visavis
