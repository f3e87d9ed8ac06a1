#include "recognize/photo_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxListBytes = 1LL << 30;

bool LooksLikePhoto(const fs::path& path) {
  constexpr std::array<std::string_view, 7> kExtensions{".jpg", ".jpeg", ".png", ".webp",
                                                        ".bmp", ".ppm",  ".pgm"};
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

class Walker {
 public:
  explicit Walker(PhotoList& list) : list_(list) {}

  // Depth first with an own stack: hostile folders may be nested deeply.
  void Walk(const std::string& root) {
    const auto first = static_cast<std::ptrdiff_t>(list_.paths.size());
    folders_ = {root};
    while (!folders_.empty()) {
      const std::string folder = std::move(folders_.back());
      folders_.pop_back();
      if (IsNew(folder)) Read(folder);
    }
    std::sort(list_.paths.begin() + first, list_.paths.end());
  }

 private:
  bool IsNew(const std::string& folder) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return true;  // Read says why
    if (seen_.emplace(info.st_dev, info.st_ino).second) return true;
    Fail(folder, ErrorCode::kInvalidArgument, "folder was already seen: a symbolic link loops");
    return false;
  }

  void Read(const std::string& folder) {
    std::error_code error;
    fs::directory_iterator entry(folder, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      std::error_code ignored;  // what cannot be examined is no folder
      if (entry->is_directory(ignored)) {
        folders_.push_back(entry->path().string());
      } else if (LooksLikePhoto(entry->path())) {
        list_.paths.push_back(entry->path().string());
      }
    }
    if (error) Fail(folder, ErrorCode::kIo, "cannot read folder: " + error.message());
  }

  void Fail(const std::string& folder, ErrorCode code, const std::string& why) {
    list_.failures.emplace_back(folder, MakeError(code, "{}: {}", folder, why));
  }

  PhotoList& list_;
  std::vector<std::string> folders_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

PhotoList ListPhotos(const std::vector<std::string>& inputs) {
  PhotoList list;
  for (const std::string& input : inputs) {
    std::error_code ignored;  // what cannot be examined fails when it is read as a photo
    if (fs::is_directory(input, ignored)) {
      Walker(list).Walk(input);
    } else {
      list.paths.push_back(input);
    }
  }
  return list;
}

Result<std::vector<std::string>> ReadListFile(FileSystem& file_system, const std::string& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           file_system.ReadFile(path, kMaxListBytes));
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::string> lines;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

}  // namespace visavis
