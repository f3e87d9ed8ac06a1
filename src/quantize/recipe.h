// Recipe: every choice of post-training static quantization. docs/quantization.md
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "visavis/result.h"

namespace visavis {

/// How the range of an activation follows from what calibration saw.
enum class RangeMethod : std::uint8_t {
  kMinMax,      ///< everything that was seen
  kPercentile,  ///< all but the outermost share
  kEntropy,     ///< least Kullback-Leibler divergence (Migacz 2017)
  kMse,         ///< least squared error
};
enum class Rounding : std::uint8_t {
  kNearest,
  kAdaptive,  ///< each weight's rounding makes up for those before it (OBQ/GPTQ)
};
enum class QuantFormat : std::uint8_t {
  kQdq,       ///< float operators between QuantizeLinear and DequantizeLinear, opset 13
  kQOperator  ///< QLinearConv and its kin, opset 11
};

struct Recipe {
  RangeMethod ranges = RangeMethod::kMse;
  double percentile = 99.99;        ///< kPercentile, in (50, 100]
  bool signed_activations = false;  ///< s8 symmetric; else u8 asymmetric
  bool equalize = true;             ///< cross-layer equalisation
  bool correct_bias = true;
  Rounding rounding = Rounding::kNearest;
  /// Activation scales are powers of two, weight scales such times 1, 1.25, 1.5 or 1.75, biases
  /// whole multiples of their products: then sums of products are exact in float32 too, and every
  /// runtime gets the same bits, whether it works in integers or in floats and in whatever order.
  bool portable_scales = true;
  bool reduce_range = false;    ///< weights of 7 bits, for instructions whose sums saturate
  bool first_float = false;     ///< the first layer keeps float weights and input
  bool last_float = false;      ///< so does the last
  bool float_residual = false;  ///< the residual stream stays float; only layers read 8 bits
  bool int32_bias = false;      ///< QDQ: biases as s32 (else float32, half the bytes)
  QuantFormat format = QuantFormat::kQdq;
  std::set<std::string> float_layers;  ///< names of layers that stay float

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// "mse u8 equalize bias-correction nearest" and so on; float layers by number only.
std::string Describe(const Recipe& recipe);

/// "minmax", "percentile", "entropy", "mse" and back. Errors: kInvalidArgument.
std::string_view Name(RangeMethod method);
Result<RangeMethod> ParseRangeMethod(std::string_view name);

}  // namespace visavis
