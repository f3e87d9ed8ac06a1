#include "model/arch/weight_random.h"

namespace visavis {
namespace {

// 64-bit FNV-1a.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  return hash;
}

}  // namespace

WeightRandom::WeightRandom(std::uint64_t seed, std::string_view tensor_name)
    : state_(seed * 0xD1342543DE82EF95u ^ Hash(tensor_name)) {}

// SplitMix64 (Steele, Lea and Flood 2014).
std::uint64_t WeightRandom::Next() {
  state_ += 0x9E3779B97F4A7C15u;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void WeightRandom::FillNormal(std::span<float> values, double mean, double deviation) {
  // The sum of four 16-bit numbers has mean 2 (2^16 - 1) and variance (2^32 - 1) / 3.
  constexpr int kMean = 131070;
  constexpr double kDeviation = 37837.22753;
  const double scale = deviation / kDeviation;
  for (float& value : values) {
    const std::uint64_t bits = Next();
    const int sum = static_cast<int>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) +
                                     (bits >> 32 & 0xFFFF) + (bits >> 48));
    value = static_cast<float>(mean + scale * (sum - kMean));
  }
}

}  // namespace visavis
