// Which algorithm computes a convolution: a written rule, never a measurement.
#pragma once

#include <string>

#include "kernels/kernels.h"
#include "model/graph/graph.h"
#include "visavis/session.h"

namespace visavis {

/// One way to compute a dense convolution.
struct ConvAlgorithm {
  int winograd_m = 0;  ///< 0: direct; else F(m x m, 3 x 3)
  bool raw = false;    ///< Winograd that transforms plain weights on the fly
  bool bf16 = false;   ///< products of bfloat16 numbers, summed in float
  bool tiles = false;  ///< direct, on matrix tiles; without bf16 fp32 numbers are split
  friend bool operator==(const ConvAlgorithm&, const ConvAlgorithm&) = default;
};

/// "direct", "winograd F(4x4)", "winograd F(3x3) raw", "tiles split", "tiles bf16": Winograd and
/// direct have " bf16" behind them if so.
std::string Name(const ConvAlgorithm& algorithm);

/// What the rule looks at: one image of one layer.
struct ConvWork {
  int in_channels = 0;
  int out_channels = 0;
  int taps = 0;
  int out_height = 0;
  int out_width = 0;
  bool winograd = false;  ///< 3x3, stride 1, no dilation
  bool tiles = false;     ///< no dilation
};

/// What the rule may choose from, and on what machine.
struct CostModel {
  double flops_per_s = 0;         ///< multiply-adds of one core, times 2
  double weight_bytes_per_s = 0;  ///< weights streaming to one core
  double transform_s = 0;         ///< F(4x4), one tile of 16 channels, in or out
  double raw_s = 0;  ///< transforming weights on the fly: one point of one input and 16 outputs
  double int8_ops_per_s = 0;    ///< the same of bytes, on AVX-512 with VNNI
  double int8_bytes_per_s = 0;  ///< the same network's weights, as bytes
  bool low_memory = false;
  bool bf16 = false;
  bool tiles = false;  ///< matrix tiles may be used
};

/// The model for a session. `weight_bytes` are those of the whole network as float32: small ones
/// stay in the shared cache from run to run.
CostModel MakeCostModel(const KernelTable& kernels, Precision precision, bool low_memory,
                        double weight_bytes);

/// The `weight_bytes` of a network.
double FloatBytesOf(const Graph& graph);

/// Seconds that one image takes by `algorithm`.
double EstimateSeconds(const ConvWork& work, const ConvAlgorithm& algorithm,
                       const CostModel& model);

/// Seconds that one image takes on the int8 kernels of a machine that is quick at bfloat16 (of
/// others nobody asks).
double EstimateInt8Seconds(const ConvWork& work, const CostModel& model);

/// Seconds that a step takes which makes bytes of `elements` bfloat16 numbers, or those of bytes.
double EstimateConversionSeconds(double elements);

/// The algorithm with the lowest estimate. Depends on neither batch nor threads, so results do not
/// either.
ConvAlgorithm ChooseAlgorithm(const ConvWork& work, const CostModel& model);

}  // namespace visavis
