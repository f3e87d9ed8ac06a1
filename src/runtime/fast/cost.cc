#include "runtime/fast/cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace visavis {
namespace {

// Measured on an AMD Zen 5 server (docs/engine.md): peak multiply-add rates of one core, the share
// of them that kernels reach, and how fast weights stream to one core when all cores read.
constexpr double kPeakAvx512 = 268e9;
constexpr double kPeakAvx2 = 134e9;
constexpr double kPeakBf16 = 505e9;
constexpr double kPeakInt8 = 1055e9;  // VPDPBUSD
constexpr double kShareOfPeak = 0.93;
constexpr double kShareOfInt8Peak = 0.96;
constexpr double kMemoryBytesPerS = 24e9;
constexpr double kCacheBytesPerS = 100e9;
constexpr double kCacheBytes = 16e6;
constexpr double kTransformSeconds = 35e-9;
constexpr double kRawSeconds = 1.2e-9;
// The same of processors with matrix tiles, measured on Sapphire and Emerald Rapids servers, and of
// the tiles: one product, gathering one pixel of two channel blocks into one or two parts,
// finishing one pixel of one block.
constexpr double kPeakBesideTiles = 180e9;
constexpr double kMemoryBesideTilesBytesPerS = 13e9;
constexpr double kTransformBesideTilesSeconds = 50e-9;
constexpr double kRawBesideTilesSeconds = 2.3e-9;
constexpr double kTileProductSeconds = 6.5e-9;
constexpr double kGatherSeconds = 3e-9;
constexpr double kFinishSeconds = 4e-9;
// Changing one number between bfloat16 and bytes, in a step of its own.
constexpr double kConversionSeconds = 0.15e-9;
// Of the shorter of computing and streaming, this part does not overlap with the longer.
constexpr double kUnhidden = 0.1;

double PaddedToLanes(int channels) { return BlocksOf(channels) * kLanes; }
double PaddedToQuads(int channels) { return (channels + kQuantQuad - 1) / kQuantQuad * kQuantQuad; }

double EstimateTileSeconds(const ConvWork& work, bool split, const CostModel& model) {
  const double pixels = double{1} * work.out_height * work.out_width;
  const double tiles = std::ceil(pixels / kTileRows);
  const double pairs = TilePairsOf(work.in_channels);
  const double blocks = BlocksOf(work.out_channels);
  const double products = tiles * blocks * pairs * work.taps * (split ? 3 : 1);
  const double gathered = pixels * pairs * (split ? 2 : 1);
  const double compute =
      products * kTileProductSeconds + gathered * kGatherSeconds + pixels * blocks * kFinishSeconds;
  const double weights = pairs * kTileDepth * blocks * kLanes * work.taps * (split ? 4 : 2);
  return std::max(compute, weights / model.weight_bytes_per_s);
}

// The overlap of computing and streaming.
double Together(double compute, double stream) {
  return std::max(compute, stream) + kUnhidden * std::min(compute, stream);
}

}  // namespace

std::string Name(const ConvAlgorithm& algorithm) {
  const char* bf16 = algorithm.bf16 ? " bf16" : "";
  if (algorithm.tiles) return algorithm.bf16 ? "tiles bf16" : "tiles split";
  if (algorithm.winograd_m == 0) return fmt::format("direct{}", bf16);
  return fmt::format("winograd F({0}x{0}){1}{2}", algorithm.winograd_m, algorithm.raw ? " raw" : "",
                     bf16);
}

CostModel MakeCostModel(const KernelTable& kernels, Precision precision, bool low_memory,
                        double weight_bytes) {
  CostModel model;
  model.bf16 = precision == Precision::kBf16;
  model.tiles = kernels.fast_tiles && precision != Precision::kFp32;
  model.low_memory = low_memory;
  const double peak = kernels.fast_tiles               ? kPeakBesideTiles
                      : model.bf16                     ? kPeakBf16
                      : kernels.vector_registers >= 32 ? kPeakAvx512
                                                       : kPeakAvx2;
  const double memory = kernels.fast_tiles ? kMemoryBesideTilesBytesPerS : kMemoryBytesPerS;
  model.flops_per_s = kShareOfPeak * peak;
  model.weight_bytes_per_s = weight_bytes <= kCacheBytes ? kCacheBytesPerS : memory;
  model.transform_s = kernels.fast_tiles ? kTransformBesideTilesSeconds : kTransformSeconds;
  model.raw_s = kernels.fast_tiles ? kRawBesideTilesSeconds : kRawSeconds;
  model.int8_ops_per_s = kShareOfInt8Peak * kPeakInt8;
  model.int8_bytes_per_s = weight_bytes / 4 <= kCacheBytes ? kCacheBytesPerS : memory;
  return model;
}

double FloatBytesOf(const Graph& graph) {
  double elements = 0;
  for (const Value& value : graph.values) {
    if (value.constant != nullptr) elements += static_cast<double>(value.constant->elements());
  }
  return elements * sizeof(float);
}

double EstimateSeconds(const ConvWork& work, const ConvAlgorithm& algorithm,
                       const CostModel& model) {
  if (algorithm.tiles) return EstimateTileSeconds(work, !algorithm.bf16, model);
  const double in = PaddedToLanes(work.in_channels);
  const double out = PaddedToLanes(work.out_channels);
  const int m = algorithm.winograd_m;
  const double positions = m == 0
                               ? double{1} * work.out_height * work.out_width
                               : double{1} * WinogradTileCount(m, work.out_height, work.out_width);
  const double points = m == 0 ? work.taps : (m + 2.0) * (m + 2.0);
  const double stored = algorithm.raw ? work.taps : points;
  const double compute = 2 * positions * points * in * out / model.flops_per_s +
                         (algorithm.raw ? model.raw_s * points * in * out / kLanes : 0);
  const double stream = in * out * stored * (algorithm.bf16 ? 2 : 4) / model.weight_bytes_per_s;
  const double transform = m == 0 ? 0 : model.transform_s * positions * (in + out) / kLanes;
  return Together(compute, stream) + transform;
}

double EstimateInt8Seconds(const ConvWork& work, const CostModel& model) {
  const double pixels = double{1} * work.out_height * work.out_width;
  const double blocks = BlocksOf(work.out_channels);
  const double in = PaddedToQuads(work.in_channels);
  const double weights = in * blocks * kLanes * work.taps;
  const double stream = weights / model.int8_bytes_per_s;
  if (!model.tiles) return Together(2 * pixels * weights / model.int8_ops_per_s, stream);
  // Tiles read the pixels of bytes where they lie.
  const double products =
      std::ceil(pixels / kTileRows) * blocks * QuantBlocksOf(work.in_channels) * work.taps;
  return std::max(products * kTileProductSeconds + pixels * blocks * kFinishSeconds, stream);
}

double EstimateConversionSeconds(double elements) { return elements * kConversionSeconds; }

ConvAlgorithm ChooseAlgorithm(const ConvWork& work, const CostModel& model) {
  const ConvAlgorithm tiles{.bf16 = model.bf16, .tiles = true};
  // Vector products of bf16 are slower than those of floats where there are tiles.
  if (model.tiles && work.tiles && model.bf16) return tiles;
  ConvAlgorithm best{0, false, model.bf16};
  double best_s = EstimateSeconds(work, best, model);
  const auto consider = [&](const ConvAlgorithm& candidate) {
    const double candidate_s = EstimateSeconds(work, candidate, model);
    if (candidate_s >= best_s) return;
    best = candidate;
    best_s = candidate_s;
  };
  if (work.winograd) {
    for (const int m : {2, 3, 4}) consider({m, model.low_memory, model.bf16});
  }
  if (model.tiles && work.tiles) consider(tiles);
  return best;
}

}  // namespace visavis
