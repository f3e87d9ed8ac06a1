// Which photos a command line or a list file means.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "visavis/result.h"

namespace visavis {

struct PhotoList {
  std::vector<std::string> paths;
  /// Folders that could not be read, or that lead back into themselves, with the reason.
  std::vector<std::pair<std::string, Error>> failures;
};

/// Files as given, in their order, and in place of each folder the photos in it and below: files
/// whose names end in .jpg, .jpeg, .png, .webp, .bmp, .ppm or .pgm in any case, sorted by path.
/// Symbolic links are followed; a folder that was already seen is a failure.
PhotoList ListPhotos(const std::vector<std::string>& inputs);

/// The non-empty lines of a text file, one path each.
/// Errors: those of FileSystem::ReadFile; kLimitExceeded above 1 GiB.
Result<std::vector<std::string>> ReadListFile(FileSystem& fs, const std::string& path);

}  // namespace visavis
