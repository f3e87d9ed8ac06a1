#include "runtime/fast/cost.h"

#include <fmt/format.h>

#include <algorithm>

namespace visavis {
namespace {

// Measured on an AMD Zen 5 server (docs/engine.md): peak multiply-add rates of one core, the share
// of them that kernels reach, and how fast weights stream to one core when all cores read.
constexpr double kPeakAvx512 = 268e9;
constexpr double kPeakAvx2 = 134e9;
constexpr double kPeakBf16 = 505e9;
constexpr double kShareOfPeak = 0.93;
constexpr double kMemoryBytesPerS = 24e9;
constexpr double kCacheBytesPerS = 100e9;
constexpr double kCacheBytes = 16e6;
constexpr double kTransformSeconds = 35e-9;
// Of the shorter of computing and streaming, this part does not overlap with the longer.
constexpr double kUnhidden = 0.1;
// Transforming weights on the fly costs this much more arithmetic.
constexpr double kRawOverhead = 1.18;

double PaddedToLanes(int channels) { return BlocksOf(channels) * kLanes; }

}  // namespace

std::string Name(const ConvAlgorithm& algorithm) {
  const char* bf16 = algorithm.bf16 ? " bf16" : "";
  if (algorithm.tiles) return fmt::format("tiles{}", bf16);
  if (algorithm.winograd_m == 0) return fmt::format("direct{}", bf16);
  return fmt::format("winograd F({0}x{0}){1}{2}", algorithm.winograd_m, algorithm.raw ? " raw" : "",
                     bf16);
}

CostModel MakeCostModel(const KernelTable& kernels, Precision precision, bool low_memory,
                        double weight_bytes) {
  CostModel model;
  model.bf16 = precision == Precision::kBf16;
  model.tiles = model.bf16 && kernels.fast_tiles;
  model.low_memory = low_memory;
  model.flops_per_s = kShareOfPeak * (model.bf16                       ? kPeakBf16
                                      : kernels.vector_registers >= 32 ? kPeakAvx512
                                                                       : kPeakAvx2);
  model.weight_bytes_per_s = weight_bytes <= kCacheBytes ? kCacheBytesPerS : kMemoryBytesPerS;
  model.transform_s = kTransformSeconds;
  return model;
}

double EstimateSeconds(const ConvWork& work, const ConvAlgorithm& algorithm,
                       const CostModel& model) {
  const double in = PaddedToLanes(work.in_channels);
  const double out = PaddedToLanes(work.out_channels);
  const int m = algorithm.winograd_m;
  const double positions = m == 0
                               ? double{1} * work.out_height * work.out_width
                               : double{1} * WinogradTileCount(m, work.out_height, work.out_width);
  const double points = m == 0 ? work.taps : (m + 2.0) * (m + 2.0);
  const double stored = algorithm.raw ? work.taps : points;
  const double compute =
      2 * positions * points * in * out / model.flops_per_s * (algorithm.raw ? kRawOverhead : 1.0);
  const double stream = in * out * stored * (algorithm.bf16 ? 2 : 4) / model.weight_bytes_per_s;
  const double transform = m == 0 ? 0 : model.transform_s * positions * (in + out) / kLanes;
  return std::max(compute, stream) + kUnhidden * std::min(compute, stream) + transform;
}

ConvAlgorithm ChooseAlgorithm(const ConvWork& work, const CostModel& model) {
  if (model.tiles && work.tiles) return {.bf16 = true, .tiles = true};
  ConvAlgorithm best{0, false, model.bf16};
  if (!work.winograd) return best;
  double best_s = EstimateSeconds(work, best, model);
  for (const int m : {2, 3, 4}) {
    const ConvAlgorithm candidate{m, model.low_memory, model.bf16};
    const double candidate_s = EstimateSeconds(work, candidate, model);
    if (candidate_s < best_s) {
      best = candidate;
      best_s = candidate_s;
    }
  }
  return best;
}

}  // namespace visavis
