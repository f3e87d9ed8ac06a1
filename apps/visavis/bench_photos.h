// `visavis bench --photos`
#pragma once

#include <string>
#include <vector>

#include "bench/photo_bench.h"
#include "command_line.h"
#include "visavis/result.h"

namespace visavis::cli {

struct BenchPhotosOptions {
  std::vector<std::string> inputs;  ///< photos and folders
  std::string stage = "all";        ///< "detect" or "all"
  DetectorOptions detector;
  FaceChoice choice = FaceChoice::kLargestCentral;
  std::vector<int> threads;
  double seconds = 2;
};

/// Measures detection photo by photo, or all photos through the whole chain, and prints it.
Result<int> BenchPhotos(const BenchPhotosOptions& options, const Common& common);

}  // namespace visavis::cli
