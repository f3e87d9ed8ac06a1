#include "bench/timing.h"

#include <algorithm>
#include <cmath>

namespace visavis {
namespace {

double Quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(position));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

Latency Summarize(std::vector<double> samples_ms) {
  if (samples_ms.empty()) return {};
  std::sort(samples_ms.begin(), samples_ms.end());
  return {.runs = static_cast<int>(samples_ms.size()),
          .min_ms = samples_ms.front(),
          .p10_ms = Quantile(samples_ms, 0.1),
          .median_ms = Quantile(samples_ms, 0.5),
          .p90_ms = Quantile(samples_ms, 0.9)};
}

}  // namespace visavis
