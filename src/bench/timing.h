// Time samples and what is reported of them.
#pragma once

#include <chrono>
#include <vector>

namespace visavis {

/// Seconds since an arbitrary moment; never goes back.
inline double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Order statistics of run times. Units: milliseconds.
struct Latency {
  int runs = 0;
  double min_ms = 0;
  double p10_ms = 0;
  double median_ms = 0;
  double p90_ms = 0;
};

/// Quantiles interpolate linearly between neighbouring samples. No samples give zeros.
Latency Summarize(std::vector<double> samples_ms);

}  // namespace visavis
