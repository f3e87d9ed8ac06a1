// Resampling of one axis: which input elements make an output element, and with what weights.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// The attributes that say how Resize resamples.
struct ResizeRule {
  enum class Coordinates {
    kHalfPixel,
    kHalfPixelSymmetric,
    kPytorchHalfPixel,
    kAlignCorners,
    kAsymmetric,
    kTfHalfPixelForNn,
    kTfCropAndResize,
  };
  enum class Mode { kNearest, kLinear, kCubic };
  enum class Nearest { kPreferFloor, kPreferCeil, kFloor, kCeil, kSimple };

  Mode mode = Mode::kNearest;
  Coordinates coordinates = Coordinates::kHalfPixel;
  Nearest nearest = Nearest::kPreferFloor;
  float cubic_a = -0.75f;
  bool exclude_outside = false;
  float extrapolation_value = 0;

  /// As operator sets 11 and newer name them.
  static Result<ResizeRule> FromAttributes(const Node& node);
  /// Upsample, and Resize of operator set 10: asymmetric, "simple" nearest.
  static Result<ResizeRule> Legacy(const Node& node);

  int taps() const { return mode == Mode::kNearest ? 1 : mode == Mode::kLinear ? 2 : 4; }
};

/// One axis to be resampled.
struct ResizeAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  double scale = 1;      ///< out per in, as given (not the rounded ratio)
  double roi_start = 0;  ///< of kTfCropAndResize, in fractions of the axis
  double roi_end = 1;
};

/// Up to four input indices and weights. An index of -1 at [0]: outside, take the extrapolation
/// value.
struct Taps {
  std::array<std::int64_t, 4> index{};
  std::array<float, 4> weight{};
};

/// The taps of output element `o`. Source: ONNX Resize-19, "coordinate_transformation_mode",
/// "nearest_mode"; cubic: Keys 1981 with `cubic_coeff_a`.
Taps TapsOf(const ResizeRule& rule, const ResizeAxis& axis, std::int64_t o);

}  // namespace visavis
