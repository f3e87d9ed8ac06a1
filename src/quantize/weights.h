// Weights as signed bytes with one scale per output channel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "quantize/layers.h"

namespace visavis {

/// [out][per_group][taps] bytes; real = scales[out] * stored.
struct QuantizedWeights {
  std::vector<std::int8_t> values;
  std::vector<float> scales;

  double Real(std::size_t at, std::size_t row) const {
    return double{scales[at / row]} * values[at];
  }
};

/// What weights are rounded to.
struct WeightGrid {
  int limit = 127;           ///< largest stored magnitude; 63 for 7 bits
  bool portable = false;     ///< scales of three significant bits (Recipe::portable_scales)
  std::vector<float> least;  ///< least scale of each output channel; empty: none
};

/// Largest magnitude over the limit, each weight to the nearest step.
QuantizedWeights QuantizeToNearest(std::span<const float> weights, int out, const WeightGrid& grid);

/// Second moments of what one group of a layer reads: [row][row], row = per_group * taps.
using Moments = std::vector<double>;

/// Rounds weight by weight, and lets those that follow make up for each error, as seen through the
/// moments of the group's inputs: least squared error of the layer's output, in one pass.
/// `moments` has one matrix per group. Falls back to the nearest step for a group whose moments are
/// of no use (not positive definite even when damped).
/// Source: Frantar and Alistarh 2022 (OBQ), Frantar et al. 2023 (GPTQ), algorithm 1.
QuantizedWeights QuantizeAdaptively(std::span<const float> weights, const Layer& layer,
                                    const WeightGrid& grid, std::span<const Moments> moments);

/// What the mean of every output channel loses by quantized weights: sum over inputs of
/// (weight - quantized) * mean of the input channel. Padding is left out of account.
/// Source: Nagel et al. 2019, section 4.2.
std::vector<double> MeanErrors(std::span<const float> weights, const QuantizedWeights& quantized,
                               const Layer& layer, std::span<const double> input_means);

}  // namespace visavis
