#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "visavis/match.h"

namespace visavis {
namespace {

double Dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

bool IsFinite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

Embedding Normalize(std::span<const float> embedding) {
  const double norm = std::sqrt(Dot(embedding, embedding));
  Embedding unit(embedding.begin(), embedding.end());
  if (norm > 0) {
    for (float& v : unit) v = static_cast<float>(double{v} / norm);
  }
  return unit;
}

Result<double> Similarity(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "similarity: embeddings of {} and {} values, want the same", a.size(),
                     b.size());
  }
  if (!IsFinite(a) || !IsFinite(b)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "similarity: an embedding has a value that is not finite");
  }
  const double norms = std::sqrt(Dot(a, a)) * std::sqrt(Dot(b, b));
  if (norms == 0) return 0.0;
  return std::clamp(Dot(a, b) / norms, -1.0, 1.0);
}

double SquaredDistance(double similarity) { return 2 - 2 * similarity; }

}  // namespace visavis
