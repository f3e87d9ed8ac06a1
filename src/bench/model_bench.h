// Times one model in one setting.
#pragma once

#include <cstdint>
#include <string>

#include "bench/setting.h"
#include "bench/timing.h"
#include "visavis/result.h"

namespace visavis {

/// How long is measured: at least `min_runs` runs and at least `seconds`, after `warmup_runs`.
struct BenchBudget {
  int warmup_runs = 3;
  int min_runs = 5;
  double seconds = 2;
};

struct BenchResult {
  std::string isa;         ///< that ran
  bool quantized = false;  ///< layers ran on int8 kernels
  std::string shape;       ///< of the first input, "[1,3,112,112]"
  double load_ms = 0;      ///< reading and parsing the file
  double create_ms = 0;    ///< making the session: passes, packing of weights
  double first_ms = 0;     ///< the first run, which may plan for its shapes
  Latency latency;         ///< of one run, a batch
  double images_per_s = 0;
  double flops = 0;                 ///< of one run; see CountFlops
  double flops_per_s = 0;           ///< at the median
  double peak_share = 0;            ///< of the threads' peak measured right after; 0: no peak known
  std::int64_t peak_rss_bytes = 0;  ///< most memory resident while loading and running
};

/// Loads the model and runs it on reproducible pixels.
/// Errors:  those of Model::Load, Session::Create, Session::Run and MakePixelInputs;
///          kInvalidArgument for threads or extents below 1.
Result<BenchResult> RunBench(const std::string& model_path, const BenchSetting& setting,
                             const BenchBudget& budget);

}  // namespace visavis
