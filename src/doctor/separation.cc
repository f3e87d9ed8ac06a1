#include "doctor/separation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "visavis/match.h"

namespace visavis {
namespace {

struct Running {
  double sum = 0;
  double squares = 0;
  std::int64_t count = 0;
  void Add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
  double variance() const {
    return count > 1 ? std::max(squares / static_cast<double>(count) - mean() * mean(), 0.0) : 0;
  }
};

}  // namespace

Separation Separate(std::span<const Embedding> embeddings, std::span<const int> people) {
  Running same;
  Running different;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    for (std::size_t j = i + 1; j < embeddings.size(); ++j) {
      const Result<double> similarity = Similarity(embeddings[i], embeddings[j]);
      if (!similarity) continue;  // not finite: Norms tells
      (people[i] == people[j] ? same : different).Add(*similarity);
    }
  }
  Separation separation{same.mean(), different.mean(), 0, same.count, different.count};
  const double variance = (same.variance() + different.variance()) / 2;
  if (variance > 0) {
    separation.d_prime = (same.mean() - different.mean()) / std::sqrt(variance);
  }
  return separation;
}

NormStatistics Norms(std::span<const Embedding> embeddings) {
  NormStatistics norms{0, std::numeric_limits<double>::infinity(), 0, true};
  for (const Embedding& embedding : embeddings) {
    double square = 0;
    for (const float value : embedding) square += double{value} * value;
    const double norm = std::sqrt(square);
    norms.finite = norms.finite && std::isfinite(norm);
    norms.mean += norm / static_cast<double>(embeddings.size());
    norms.smallest = std::min(norms.smallest, norm);
    norms.largest = std::max(norms.largest, norm);
  }
  if (embeddings.empty()) norms.smallest = 0;
  return norms;
}

double MeanSimilarity(std::span<const Embedding> a, std::span<const Embedding> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += Similarity(a[i], b[i]).value_or(0);
  return a.empty() ? 0 : sum / static_cast<double>(a.size());
}

}  // namespace visavis
