// Pseudo-random weights that are the same bits on every platform.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace visavis {

/// A stream of pseudo-random numbers chosen by a seed and the name of the tensor it fills. Uses
/// integers and correctly rounded operations only: the standard library's distributions differ
/// between implementations.
class WeightRandom {
 public:
  WeightRandom(std::uint64_t seed, std::string_view tensor_name);

  /// Fills with values of the given mean and standard deviation, close to normal (the sum of four
  /// uniform numbers; never further than 3.5 deviations from the mean).
  void FillNormal(std::span<float> values, double mean, double deviation);

 private:
  std::uint64_t Next();
  std::uint64_t state_;
};

}  // namespace visavis
