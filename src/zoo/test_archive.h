// Archives as tests want them: honest and hostile ones.
#pragma once

#include <string>
#include <vector>

namespace visavis {

struct TestEntry {
  std::string path;
  std::string body = {};
  std::string symlink = {};   ///< target; then the entry is a link
  std::string hardlink = {};  ///< target
  bool is_folder = false;
  bool is_device = false;
};

/// Writes an archive: "zip", "tar", "tar.gz", "tar.bz2" or "tar.xz".
void WriteTestArchive(const std::string& path, const std::string& format,
                      const std::vector<TestEntry>& entries);

}  // namespace visavis
