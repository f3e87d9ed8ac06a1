#include "recognize/photo_list.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/scratch_folder.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

class PhotoListTest : public ScratchTest {
 protected:
  ~PhotoListTest() override {
    std::error_code ignored;
    fs::permissions(dir_ + "/locked", fs::perms::owner_all, ignored);
    fs::remove_all(dir_);
  }
  void Touch(const std::string& name) {
    fs::create_directories(fs::path(dir_ + "/" + name).parent_path());
    std::ofstream(dir_ + "/" + name) << "x";
  }
};

TEST_F(PhotoListTest, FoldersGiveTheirPhotosSortedAndFilesStayAsGiven) {
  for (const char* name : {"b/2.JPG", "b/1.png", "b/deep/er/0.webp", "b/notes.txt", "a.jpg"}) {
    Touch(name);
  }
  const PhotoList list = ListPhotos({dir_ + "/z.jpg", dir_ + "/b", dir_ + "/b/notes.txt"});
  EXPECT_EQ(list.paths,
            (std::vector<std::string>{dir_ + "/z.jpg", dir_ + "/b/1.png", dir_ + "/b/2.JPG",
                                      dir_ + "/b/deep/er/0.webp", dir_ + "/b/notes.txt"}));
  EXPECT_TRUE(list.failures.empty());
}

TEST_F(PhotoListTest, ALoopIsReportedOnce) {
  Touch("a/1.jpg");
  fs::create_directory_symlink(dir_, dir_ + "/a/back");
  const PhotoList list = ListPhotos({dir_});
  EXPECT_EQ(list.paths, std::vector<std::string>{dir_ + "/a/1.jpg"});
  ASSERT_EQ(list.failures.size(), 1u);
  EXPECT_EQ(list.failures[0].first, dir_ + "/a/back");
}

TEST_F(PhotoListTest, AnUnreadableFolderIsReportedAndTheRestRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "SKIPPED: root may read everything";
  Touch("locked/1.jpg");
  Touch("open/1.jpg");
  fs::permissions(dir_ + "/locked", fs::perms::none);
  const PhotoList list = ListPhotos({dir_});
  EXPECT_EQ(list.paths.size(), 1u);
  ASSERT_EQ(list.failures.size(), 1u);
  EXPECT_EQ(list.failures[0].second.code, ErrorCode::kIo);
}

TEST_F(PhotoListTest, ReadsListFiles) {
  std::ofstream(dir_ + "/list") << "a b.jpg\r\n\nc\td.png";
  const auto lines = ReadListFile(FileSystem::Real(), dir_ + "/list");
  ASSERT_TRUE(lines);
  EXPECT_EQ(*lines, (std::vector<std::string>{"a b.jpg", "c\td.png"}));
  EXPECT_EQ(ReadListFile(FileSystem::Real(), dir_ + "/none").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace visavis
