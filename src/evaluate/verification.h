// The published verification protocols over scored pairs: insightface's k-fold, VAL@FAR, and two
// published variants.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// Pairs in protocol order with their squared distance (of normalised embeddings, in [0,4]) and
/// label.
struct ScoredPairs {
  std::vector<double> squared_distance;
  std::vector<std::uint8_t> same;  ///< 1: same person
  /// The fold each pair is held out in, 0..folds-1; empty: contiguous folds.
  std::vector<int> fold{};
  std::size_t size() const { return same.size(); }
};

/// Mean and population standard deviation over folds.
struct FoldStatistic {
  double mean = 0;
  double standard_deviation = 0;
};

struct Fold {
  std::size_t pairs = 0;    ///< held out
  std::size_t correct = 0;  ///< of them
  double threshold = 0;     ///< accept when squared distance < threshold; best on the other folds
  double accuracy = 0;      ///< correct / pairs
};

struct KFoldResult {
  FoldStatistic accuracy;
  std::vector<Fold> folds;
};

/// How k-fold accuracy is measured.
struct KFoldOptions {
  int folds =
      10;  ///< contiguous, no shuffle; the first n % folds are one longer. 1: train = test = all
  double threshold_step = 0.01;  ///< grid 0, step, 2 step, ... below 4
};

/// Accuracy with the threshold chosen on the other folds: the first best of the grid.
/// With folds = 1 and step = 0.02 this is Intel Neural Compressor's metric.
/// Errors: kInvalidArgument for fewer pairs than folds, differing sizes, or a distance that is not
/// finite. Source: insightface src/eval/verification.py (evaluate, calculate_roc).
Result<KFoldResult> KFoldAccuracy(const ScoredPairs& pairs, const KFoldOptions& options = {});

/// Squared distances of all pairs as measured with what can be learnt outside `fold`.
using FoldDistances = std::function<Result<std::vector<double>>(int fold)>;
/// The same protocol with distances that are learnt on the other folds (PCA).
/// `pairs.squared_distance` is not read.
Result<KFoldResult> KFoldAccuracy(const ScoredPairs& pairs, const KFoldOptions& options,
                                  const FoldDistances& distances);

/// The fold of every pair: as given, else scikit-learn's KFold without shuffling.
/// Errors: kInvalidArgument for fewer pairs than folds, a fold outside 0..folds-1 or without pairs.
Result<std::vector<int>> FoldOfPairs(const ScoredPairs& pairs, int folds);

struct ValResult {
  FoldStatistic val;  ///< share of same-person pairs accepted
  double far = 0;     ///< mean share of different-person pairs accepted
};

/// VAL at a false accept rate: the threshold is interpolated on the other folds (grid step 0.001).
/// Among equal FARs the last grid point not above the target starts the interpolation. Source:
/// insightface src/eval/verification.py (calculate_val).
Result<ValResult> ValAtFar(const ScoredPairs& pairs, double far_target = 1e-3, int folds = 10);

/// Open Model Zoo's pairwise_accuracy_subsets: threshold = median of the other subsets' distances;
/// accept when below it. `distance` is (1 - g1.g2) / 2 with g = e / sqrt(|e|^2 + 1e-6). Returns the
/// mean accuracy over `subsets`. Source: Open Model Zoo accuracy_checker, reid metrics.
Result<double> MedianThresholdAccuracy(std::span<const double> distance,
                                       std::span<const std::uint8_t> same, int subsets = 10);

/// Rows of embeddings, `dimension` floats each.
struct EmbeddingRows {
  std::span<const float> values;
  std::size_t dimension = 0;
  std::size_t rows() const { return dimension == 0 ? 0 : values.size() / dimension; }
  std::span<const float> row(std::size_t i) const {
    return values.subspan(i * dimension, dimension);
  }
};

/// |a/|a| - b/|b||^2 in double; 0 vectors stay 0.
double SquaredDistanceOfNormalized(std::span<const float> a, std::span<const float> b);
/// (1 - g1.g2) / 2 with g = e / sqrt(|e|^2 + 1e-6).
double OpenModelZooDistance(std::span<const float> a, std::span<const float> b);

/// Mean Euclidean norm of the rows: insightface's XNorm.
double MeanNorm(const EmbeddingRows& embeddings);

}  // namespace visavis
