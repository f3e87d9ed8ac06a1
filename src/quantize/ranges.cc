#include "quantize/ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace visavis {
namespace {

struct Range {
  double low = 0;
  double high = 0;
};

Range WithZero(const ValueHistogram& histogram) {
  return {std::min(0.0, double{histogram.low}), std::max(0.0, double{histogram.high})};
}

// All but the share above `percentile`, half of it on each side that has any.
Range PercentileRange(const ValueHistogram& histogram, double percentile) {
  std::int64_t total = 0;
  for (const std::int64_t count : histogram.counts) total += count;
  const auto spare =
      static_cast<std::int64_t>(static_cast<double>(total) * (100 - percentile) / 200);
  std::size_t first = 0;
  std::size_t last = histogram.counts.size();
  for (std::int64_t cut = 0; first + 1 < last; ++first) {
    if ((cut += histogram.counts[first]) > spare) break;
  }
  for (std::int64_t cut = 0; last > first + 1; --last) {
    if ((cut += histogram.counts[last - 1]) > spare) break;
  }
  return {std::min(0.0, histogram.low + static_cast<double>(first) * histogram.width()),
          std::max(0.0, histogram.low + static_cast<double>(last) * histogram.width())};
}

// Squared error of the histogram's numbers, each at the centre of its part.
double SquaredError(const ValueHistogram& histogram, const ActivationScale& scale, bool is_signed) {
  const double low = is_signed ? -128 : 0;
  const double high = is_signed ? 127 : 255;
  const double step = double{scale.scale};
  double error = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    if (histogram.counts[i] == 0) continue;
    const double x = histogram.centre(i);
    const double stored = std::clamp(std::nearbyint(x / step) + scale.zero_point, low, high);
    const double difference = x - (stored - scale.zero_point) * step;
    error += static_cast<double>(histogram.counts[i]) * difference * difference;
  }
  return error;
}

// Coordinate descent over both ends, each in hundredths of what was seen.
Range MseRange(const ValueHistogram& histogram, bool is_signed) {
  constexpr int kSteps = 100;
  constexpr int kRounds = 3;
  const Range full = WithZero(histogram);
  Range best = full;
  double least = SquaredError(histogram, ScaleForRange(full.low, full.high, is_signed), is_signed);
  for (int round = 0; round < kRounds; ++round) {
    const Range before = best;
    for (const bool upper : {true, false}) {
      for (int step = kSteps / 5; step <= kSteps; ++step) {
        Range range = best;
        const double share = static_cast<double>(step) / kSteps;
        (upper ? range.high : range.low) = (upper ? full.high : full.low) * share;
        const double error =
            SquaredError(histogram, ScaleForRange(range.low, range.high, is_signed), is_signed);
        if (error < least) {
          least = error;
          best = range;
        }
      }
    }
    if (best.low == before.low && best.high == before.high) break;
  }
  return best;
}

// Divergence of the parts [first, last) from what 255 steps leave of them: numbers outside count as
// the outermost parts, and every step's count is spread evenly over its parts that hold any.
double Divergence(const ValueHistogram& histogram, std::size_t first, std::size_t last) {
  constexpr std::size_t kLevels = 255;
  const std::size_t parts = last - first;
  std::vector<double> p(histogram.counts.begin() + static_cast<std::ptrdiff_t>(first),
                        histogram.counts.begin() + static_cast<std::ptrdiff_t>(last));
  const std::vector<double> inside = p;
  for (std::size_t i = 0; i < first; ++i) p.front() += static_cast<double>(histogram.counts[i]);
  for (std::size_t i = last; i < histogram.counts.size(); ++i) {
    p.back() += static_cast<double>(histogram.counts[i]);
  }
  std::vector<double> q(parts, 0);
  double p_sum = 0;
  double q_sum = 0;
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::size_t begin = level * parts / kLevels;
    const std::size_t end = (level + 1) * parts / kLevels;
    double sum = 0;
    int filled = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += inside[i];
      filled += p[i] > 0 ? 1 : 0;
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (p[i] > 0) q[i] = sum / filled;
    }
  }
  for (std::size_t i = 0; i < parts; ++i) {
    p_sum += p[i];
    q_sum += q[i];
  }
  if (p_sum == 0 || q_sum == 0) return std::numeric_limits<double>::infinity();
  constexpr double kSmall = 1e-9;  // where clipping left a count and the steps none
  double divergence = 0;
  for (std::size_t i = 0; i < parts; ++i) {
    if (p[i] == 0) continue;
    divergence += p[i] / p_sum * std::log(p[i] / p_sum / std::max(q[i] / q_sum, kSmall));
  }
  return divergence;
}

Range EntropyRange(const ValueHistogram& histogram) {
  constexpr int kCandidates = 128;
  const Range full = WithZero(histogram);
  const std::size_t bins = histogram.counts.size();
  Range best = full;
  double least = std::numeric_limits<double>::infinity();
  const auto bin_of = [&](double x) {
    const double at = std::round((x - double{histogram.low}) / histogram.width());
    return static_cast<std::size_t>(std::clamp(at, 0.0, static_cast<double>(bins)));
  };
  for (int step = kCandidates / 4; step <= kCandidates; ++step) {
    const double share = static_cast<double>(step) / kCandidates;
    const Range range{full.low * share, full.high * share};
    const std::size_t first = bin_of(range.low);
    const std::size_t last = bin_of(range.high);
    if (last < first + 255) continue;
    const double divergence = Divergence(histogram, first, last);
    if (divergence < least) {
      least = divergence;
      best = range;
    }
  }
  return best;
}

// Of the powers of two around the scale of `range`, with any zero point: the least squared error.
ActivationScale BestPowerOfTwo(const ValueHistogram& histogram, const Range& range,
                               bool is_signed) {
  const ActivationScale ideal = ScaleForRange(range.low, range.high, is_signed);
  const int exponent = static_cast<int>(std::floor(std::log2(ideal.scale)));
  ActivationScale best = ideal;
  double least = std::numeric_limits<double>::infinity();
  for (const int e : {exponent - 1, exponent, exponent + 1}) {
    for (int zero = 0; zero < (is_signed ? 1 : 256); ++zero) {
      const ActivationScale tried{std::ldexp(1.0f, e), zero};
      const double error = SquaredError(histogram, tried, is_signed);
      if (error < least) {
        least = error;
        best = tried;
      }
    }
  }
  return best;
}

// The least power of two that holds all of `range`.
ActivationScale CoveringPowerOfTwo(const Range& range, bool is_signed) {
  ActivationScale scale = ScaleForRange(range.low, range.high, is_signed);
  scale.scale = std::ldexp(1.0f, static_cast<int>(std::ceil(std::log2(scale.scale))));
  if (is_signed) return scale;
  scale.zero_point =
      static_cast<int>(std::clamp(std::ceil(-range.low / double{scale.scale}), 0.0, 255.0));
  return scale;
}

}  // namespace

ActivationScale ScaleForRange(double low, double high, bool is_signed) {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  // A value that is always 0 may have any scale; tiny ones must stay normal numbers.
  constexpr double kLeast = 1e-30;
  ActivationScale chosen;
  if (is_signed) {
    const double largest = std::max(-low, high);
    if (largest > kLeast) chosen.scale = static_cast<float>(largest / 127);
    return chosen;
  }
  if (high - low > kLeast) chosen.scale = static_cast<float>((high - low) / 255);
  chosen.zero_point =
      static_cast<int>(std::clamp(std::nearbyint(-low / double{chosen.scale}), 0.0, 255.0));
  return chosen;
}

ActivationScale ChooseScale(const ValueHistogram& histogram, const Recipe& recipe) {
  Range range = WithZero(histogram);
  if (!(histogram.high > histogram.low)) {
    if (recipe.portable_scales) return CoveringPowerOfTwo(range, recipe.signed_activations);
    return ScaleForRange(range.low, range.high, recipe.signed_activations);
  }
  switch (recipe.ranges) {
    case RangeMethod::kMinMax:
      break;
    case RangeMethod::kPercentile:
      range = PercentileRange(histogram, recipe.percentile);
      break;
    case RangeMethod::kEntropy:
      range = EntropyRange(histogram);
      break;
    case RangeMethod::kMse:
      range = MseRange(histogram, recipe.signed_activations);
      break;
  }
  if (!recipe.portable_scales) {
    return ScaleForRange(range.low, range.high, recipe.signed_activations);
  }
  return recipe.ranges == RangeMethod::kMse
             ? BestPowerOfTwo(histogram, range, recipe.signed_activations)
             : CoveringPowerOfTwo(range, recipe.signed_activations);
}

}  // namespace visavis
