#include "evaluate/verification.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"

namespace visavis {
namespace {

constexpr std::size_t kThresholds = 400;

double ThresholdAt(std::size_t i) { return 0.01 * static_cast<double>(i); }

std::size_t CountRight(std::span<const ScoredPair> pairs, double threshold) {
  return static_cast<std::size_t>(
      std::count_if(pairs.begin(), pairs.end(), [threshold](const ScoredPair& pair) {
        return (pair.squared_distance < threshold) == pair.same;
      }));
}

/// Pairs judged right at every threshold.
using RightCounts = std::array<std::size_t, kThresholds>;

RightCounts CountRightEverywhere(std::span<const ScoredPair> pairs) {
  RightCounts counts;
  for (std::size_t t = 0; t < kThresholds; ++t) counts[t] = CountRight(pairs, ThresholdAt(t));
  return counts;
}

struct Fold {
  std::span<const ScoredPair> pairs;
  RightCounts right;
};

std::vector<Fold> Split(std::span<const ScoredPair> pairs, std::size_t folds) {
  std::vector<Fold> result;
  for (std::size_t i = 0; i < folds; ++i) {
    const std::size_t size = pairs.size() / folds + (i < pairs.size() % folds ? 1 : 0);
    const std::size_t begin = i * (pairs.size() / folds) + std::min(i, pairs.size() % folds);
    const std::span<const ScoredPair> part = pairs.subspan(begin, size);
    result.push_back({part, CountRightEverywhere(part)});
  }
  return result;
}

}  // namespace

FoldedAccuracy VerificationAccuracy(std::span<const ScoredPair> pairs, int folds) {
  VISAVIS_CHECK(folds >= 1 && static_cast<std::size_t>(folds) <= pairs.size());
  const std::vector<Fold> parts = Split(pairs, static_cast<std::size_t>(folds));
  const RightCounts all = CountRightEverywhere(pairs);

  FoldedAccuracy result;
  for (const Fold& fold : parts) {
    RightCounts training = all;
    if (parts.size() > 1) {
      for (std::size_t t = 0; t < kThresholds; ++t) training[t] -= fold.right[t];
    }
    const auto best = std::max_element(training.begin(), training.end());  // the first of equals
    const auto t = static_cast<std::size_t>(best - training.begin());
    result.thresholds.push_back(ThresholdAt(t));
    result.accuracies.push_back(static_cast<double>(fold.right[t]) /
                                static_cast<double>(fold.pairs.size()));
  }
  double squares = 0;
  for (const double accuracy : result.accuracies) result.mean += accuracy / folds;
  for (const double accuracy : result.accuracies) {
    squares += (accuracy - result.mean) * (accuracy - result.mean);
  }
  result.deviation = std::sqrt(squares / folds);
  return result;
}

double AccuracyAt(std::span<const ScoredPair> pairs, double threshold) {
  if (pairs.empty()) return 0;
  return static_cast<double>(CountRight(pairs, threshold)) / static_cast<double>(pairs.size());
}

}  // namespace visavis
