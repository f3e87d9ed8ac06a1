#include "doctor/reference_faces.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/try.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr int kSide = 112;
constexpr int kLeastPeople = 4;

std::vector<std::string> Entries(const std::string& folder, bool folders) {
  std::vector<std::string> entries;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_directory(ignored) == folders) entries.push_back(at->path().string());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

Result<std::optional<Image>> ReadFace(const std::string& path, const AlignPhoto& align) {
  VISAVIS_ASSIGN_OR_RETURN(DecodedImage photo, ReadImage(path));
  if (photo.image.width() == kSide && photo.image.height() == kSide) {
    return std::optional<Image>(std::move(photo.image));
  }
  if (!align) return std::optional<Image>();
  return align(path);
}

}  // namespace

Result<ReferenceFaces> LoadReferenceFaces(const std::string& folder, int max_people,
                                          const AlignPhoto& align) {
  ReferenceFaces faces;
  faces.folder = folder;
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return MakeError(ErrorCode::kNotFound, "{}: is no folder of faces", folder);
  }
  int person = 0;
  for (const std::string& of_one : Entries(folder, true)) {
    const std::vector<std::string> files = Entries(of_one, false);
    if (files.size() < 2) continue;
    std::vector<Image> crops;
    for (const std::string& file : files) {
      VISAVIS_ASSIGN_OR_RETURN(std::optional<Image> crop, ReadFace(file, align));
      if (crop) crops.push_back(*std::move(crop));
      if (crops.size() == 2) break;
    }
    if (crops.size() < 2) continue;
    for (Image& crop : crops) {
      faces.crops.push_back(std::move(crop));
      faces.people.push_back(person);
    }
    if (++person == max_people) break;
  }
  if (person < kLeastPeople) {
    return MakeError(ErrorCode::kNotFound,
                     "{}: {} sub-folders with two faces or more, want at least {}", folder, person,
                     kLeastPeople);
  }
  return faces;
}

std::string FindReferenceFolder() {
  std::vector<std::string> candidates;
  if (const char* mirrors = std::getenv("VISAVIS_MIRROR")) {
    std::istringstream list(mirrors);
    for (std::string mirror; std::getline(list, mirror, ':');) {
      if (mirror.empty()) continue;
      candidates.push_back(mirror + "/../data/lfw/aligned");
      candidates.push_back(mirror + "/data/lfw/aligned");
    }
  }
  if (const char* shared = std::getenv("VISAVIS_SHARED")) {
    candidates.push_back(std::string(shared) + "/data/lfw/aligned");
  }
  for (const std::string& folder : candidates) {
    std::error_code error;
    if (fs::is_directory(folder, error)) return fs::path(folder).lexically_normal().string();
  }
  return {};
}

}  // namespace visavis
