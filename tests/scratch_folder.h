// What tests that write files share: a folder of their own, gone at the end, and whole files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace visavis {

inline std::string ReadText(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Folders on the way are made.
inline void WriteText(const std::string& path, const std::string& text) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  std::ofstream(path, std::ios::binary) << text;
}

class ScratchFolder {
 public:
  ScratchFolder() {
    // Without doubled slashes, as paths are reported.
    path_ = (std::filesystem::path(testing::TempDir()) / "visavis-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ScratchTest : public testing::Test {
 private:
  ScratchFolder scratch_;

 protected:
  const std::string& dir_ = scratch_.path();
};

}  // namespace visavis
