// Scale and zero point of an activation from what was seen of it.
#pragma once

#include <cstdint>

#include "quantize/observe.h"
#include "quantize/recipe.h"

namespace visavis {

/// real = scale * (stored - zero_point); u8 stores [0, 255], s8 [-128, 127] (zero point 0).
struct ActivationScale {
  float scale = 1;
  int zero_point = 0;
};

/// The scale that holds [low, high] and 0.
ActivationScale ScaleForRange(double low, double high, bool is_signed);

/// The scale that `recipe.ranges` chooses. kMse and kEntropy look at 2048 parts of the range.
ActivationScale ChooseScale(const ValueHistogram& histogram, const Recipe& recipe);

}  // namespace visavis
