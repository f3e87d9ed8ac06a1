#include "quantize/weights.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace visavis {
namespace {

// The least m * 2^k >= x with m of 1, 1.25, 1.5 and 1.75.
float RoundUpToThreeBits(float x) {
  int exponent = 0;
  const float mantissa = std::frexp(x, &exponent);  // in [1/2, 1)
  return std::ldexp(std::ceil(mantissa * 8) / 8, exponent);
}

std::vector<float> ScalesOf(std::span<const float> weights, int out, const WeightGrid& grid) {
  const std::size_t row = weights.size() / static_cast<std::size_t>(out);
  std::vector<float> scales(static_cast<std::size_t>(out), 1.0f);
  for (std::size_t o = 0; o < scales.size(); ++o) {
    float largest = 0;
    for (const float w : weights.subspan(o * row, row)) largest = std::max(largest, std::abs(w));
    // Below that, a scale would not be a normal number.
    if (largest > 1e-30f) scales[o] = largest / static_cast<float>(grid.limit);
    if (!grid.least.empty()) scales[o] = std::max(scales[o], grid.least[o]);
    if (grid.portable) scales[o] = RoundUpToThreeBits(scales[o]);
  }
  return scales;
}

double Nearest(double weight, float scale, int limit) {
  return std::clamp(std::nearbyint(weight / double{scale}), -double(limit), double(limit));
}

// The upper triangular factor U of the inverse, inverse = U^T U, of moments damped on the diagonal.
// Nothing if they are not positive definite.
std::optional<Moments> InverseFactor(const Moments& moments, std::size_t n) {
  Moments a = moments;
  double mean = 0;
  for (std::size_t i = 0; i < n; ++i) mean += a[i * n + i] / static_cast<double>(n);
  if (!(mean > 0)) return std::nullopt;
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] += 0.01 * mean;
  // Cholesky a = L L^T, in place.
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j) {
        if (!(sum > 0)) return std::nullopt;
        a[j * n + j] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  // M = L^-1, lower triangular; inverse = M^T M.
  Moments m(n * n, 0);
  for (std::size_t j = 0; j < n; ++j) {
    m[j * n + j] = 1 / a[j * n + j];
    for (std::size_t i = j + 1; i < n; ++i) {
      double sum = 0;
      for (std::size_t k = j; k < i; ++k) sum -= a[i * n + k] * m[k * n + j];
      m[i * n + j] = sum / a[i * n + i];
    }
  }
  Moments inverse(n * n, 0);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i <= k; ++i) {
      const double x = m[k * n + i];
      for (std::size_t j = 0; j <= k; ++j) inverse[i * n + j] += x * m[k * n + j];
    }
  }
  // inverse = U^T U, by Cholesky again: U = (lower factor)^T.
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j; i < n; ++i) {
      double sum = inverse[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= inverse[i * n + k] * inverse[j * n + k];
      if (i == j) {
        if (!(sum > 0)) return std::nullopt;
        inverse[j * n + j] = std::sqrt(sum);
      } else {
        inverse[i * n + j] = sum / inverse[j * n + j];
      }
    }
  }
  Moments upper(n * n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) upper[j * n + i] = inverse[i * n + j];
  }
  return upper;
}

}  // namespace

QuantizedWeights QuantizeToNearest(std::span<const float> weights, int out,
                                   const WeightGrid& grid) {
  QuantizedWeights quantized{std::vector<std::int8_t>(weights.size()),
                             ScalesOf(weights, out, grid)};
  const std::size_t row = weights.size() / static_cast<std::size_t>(out);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    quantized.values[i] = static_cast<std::int8_t>(
        Nearest(double{weights[i]}, quantized.scales[i / row], grid.limit));
  }
  return quantized;
}

QuantizedWeights QuantizeAdaptively(std::span<const float> weights, const Layer& layer,
                                    const WeightGrid& grid, std::span<const Moments> moments) {
  QuantizedWeights quantized = QuantizeToNearest(weights, layer.out, grid);
  const auto row = static_cast<std::size_t>(layer.row());
  const int outs = layer.out / layer.groups;
  for (std::size_t group = 0; group < moments.size(); ++group) {
    const std::optional<Moments> factor = InverseFactor(moments[group], row);
    if (!factor) continue;
    for (int o = 0; o < outs; ++o) {
      const std::size_t channel =
          group * static_cast<std::size_t>(outs) + static_cast<std::size_t>(o);
      const float scale = quantized.scales[channel];
      std::vector<double> rest(weights.begin() + static_cast<std::ptrdiff_t>(channel * row),
                               weights.begin() + static_cast<std::ptrdiff_t>((channel + 1) * row));
      for (std::size_t i = 0; i < row; ++i) {
        const double stored = Nearest(rest[i], scale, grid.limit);
        quantized.values[channel * row + i] = static_cast<std::int8_t>(stored);
        const double error = (rest[i] - stored * double{scale}) / (*factor)[i * row + i];
        for (std::size_t k = i + 1; k < row; ++k) rest[k] -= error * (*factor)[i * row + k];
      }
    }
  }
  return quantized;
}

std::vector<double> MeanErrors(std::span<const float> weights, const QuantizedWeights& quantized,
                               const Layer& layer, std::span<const double> input_means) {
  std::vector<double> errors(static_cast<std::size_t>(layer.out), 0);
  const auto row = static_cast<std::size_t>(layer.row());
  const auto taps = static_cast<std::size_t>(layer.taps);
  const int outs = layer.out / layer.groups;
  for (std::size_t o = 0; o < errors.size(); ++o) {
    const std::size_t first =
        static_cast<std::size_t>(static_cast<int>(o) / outs * layer.per_group);
    for (std::size_t i = 0; i < row; ++i) {
      const std::size_t at = o * row + i;
      errors[o] += (double{weights[at]} - quantized.Real(at, row)) * input_means[first + i / taps];
    }
  }
  return errors;
}

}  // namespace visavis
