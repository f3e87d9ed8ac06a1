// Verification accuracy: how often a threshold on distance tells same from different people.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace visavis {

/// One compared pair.
struct ScoredPair {
  double squared_distance = 0;  ///< of the normalised embeddings
  bool same = false;
};

/// k-fold accuracy.
struct FoldedAccuracy {
  double mean = 0;
  double deviation = 0;            ///< population standard deviation over the folds
  std::vector<double> accuracies;  ///< of each held-out fold
  std::vector<double> thresholds;  ///< squared distance chosen on the other folds
};

/// Accuracy of "same if distance < threshold" by `folds` contiguous folds, the first (n mod folds)
/// one pair longer. Each fold is judged at the first of the thresholds 0, 0.01, ..., 3.99 that is
/// best on all other folds; a single fold is judged on itself. `folds` in [1, pairs.size()].
/// Source: insightface `verification.py`, the protocol behind the published LFW figures.
FoldedAccuracy VerificationAccuracy(std::span<const ScoredPair> pairs, int folds = 10);

/// The share of pairs that "same if distance < threshold" judges right.
double AccuracyAt(std::span<const ScoredPair> pairs, double threshold);

}  // namespace visavis
