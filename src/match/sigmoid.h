// The logistic function without overflow.
#pragma once

#include <cmath>

namespace visavis {

inline double Sigmoid(double z) {
  return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
}

}  // namespace visavis
