// Times face detection, and the whole chain from photos to embeddings.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/timing.h"
#include "visavis/recognize.h"
#include "visavis/result.h"

namespace visavis {

struct PhotoBenchSetting {
  DetectorOptions detector;  ///< `pool` and `on_network_run` are set by the measurement
  FaceChoice choice = FaceChoice::kLargestCentral;
  int batch = 8;       ///< crops per run of the recognition network
  int threads = 1;     ///< several photos at once; one photo shares its networks' work among them
  double seconds = 2;  ///< least time per measurement
  FetchOptions fetch;
};

/// The detector's networks by name, in the order of their work, and milliseconds of all threads
/// together.
using NetworkTimes = std::vector<std::pair<std::string, double>>;

struct DetectionBenchResult {
  int width = 0;
  int height = 0;
  std::size_t faces = 0;
  Latency latency;        ///< of one detection in the decoded photo
  double mean_ms = 0;     ///< the same as a mean, which the networks' shares add up to
  NetworkTimes networks;  ///< per detection
};

/// Detects the faces of one photo again and again.
/// Errors: those of LoadDetector, ReadImage and Detector::Detect.
Result<DetectionBenchResult> BenchDetection(const std::string& photo,
                                            const PhotoBenchSetting& setting);

/// Milliseconds of all threads together per photo.
struct StageTimes {
  double decode_ms = 0;  ///< reading the file, and a second time if the crop needs it
  double detect_ms = 0;
  NetworkTimes networks;  ///< parts of detect_ms
  double align_ms = 0;    ///< choosing and cropping
  double embed_ms = 0;
};

struct PipelineBenchResult {
  std::size_t photos = 0;
  std::size_t failures = 0;  ///< photos that could not be read
  std::size_t faces = 0;     ///< embedded
  Latency pass;              ///< over all photos once
  double photos_per_s = 0;   ///< at the median pass
  StageTimes stages;
};

/// Photos -> embeddings as `visavis embed` does it, all photos again and again.
/// Errors: those of LoadDetector, LoadEmbedder and RunPipeline.
Result<PipelineBenchResult> BenchPipeline(const std::vector<std::string>& photos,
                                          const PhotoBenchSetting& setting);

}  // namespace visavis
