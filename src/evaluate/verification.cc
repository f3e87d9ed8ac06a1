#include "evaluate/verification.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

Status CheckDistances(std::span<const double> distances, std::size_t labels) {
  if (distances.size() != labels) {
    return MakeError(ErrorCode::kInvalidArgument, "verification: {} distances for {} labels",
                     distances.size(), labels);
  }
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (!std::isfinite(distances[i])) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "verification: the distance of pair {} is not finite", i);
    }
  }
  return {};
}

// The grid of numpy.arange(0, 4, step).
std::vector<double> ThresholdGrid(double step) {
  std::vector<double> grid(static_cast<std::size_t>(std::ceil(4.0 / step)));
  for (std::size_t i = 0; i < grid.size(); ++i) grid[i] = static_cast<double>(i) * step;
  return grid;
}

// For each grid threshold, how many of the chosen pairs have distance < threshold.
class AcceptCounts {
 public:
  explicit AcceptCounts(const std::vector<double>& grid) : grid_(grid), counts_(grid.size() + 1) {}
  void Add(double distance) {
    // The first grid threshold above the distance accepts it, as do all later ones.
    const auto first = std::upper_bound(grid_.begin(), grid_.end(), distance);
    ++counts_[static_cast<std::size_t>(first - grid_.begin())];
  }
  std::vector<std::int64_t> Cumulative() const {
    std::vector<std::int64_t> accepted(grid_.size());
    std::partial_sum(counts_.begin(), counts_.end() - 1, accepted.begin());
    return accepted;
  }

 private:
  const std::vector<double>& grid_;
  std::vector<std::int64_t> counts_;
};

struct GridCounts {
  std::vector<std::int64_t> true_accepts;
  std::vector<std::int64_t> false_accepts;
  std::int64_t same = 0;
  std::int64_t different = 0;
};

// Which pairs a threshold is chosen on, and which it is tried on.
class Split {
 public:
  /// One fold trains and tests on all pairs.
  Split(const std::vector<int>& fold_of, int fold, int folds)
      : fold_of_(fold_of), fold_(fold), all_(folds == 1) {}
  bool Trains(std::size_t i) const { return all_ || fold_of_[i] != fold_; }
  bool Tests(std::size_t i) const { return fold_of_[i] == fold_; }

 private:
  const std::vector<int>& fold_of_;
  int fold_;
  bool all_;
};

GridCounts CountTraining(std::span<const double> distances, std::span<const std::uint8_t> labels,
                         const std::vector<double>& grid, const Split& split) {
  AcceptCounts same(grid);
  AcceptCounts different(grid);
  GridCounts counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!split.Trains(i)) continue;
    if (labels[i] != 0) {
      ++counts.same;
      same.Add(distances[i]);
    } else {
      ++counts.different;
      different.Add(distances[i]);
    }
  }
  counts.true_accepts = same.Cumulative();
  counts.false_accepts = different.Cumulative();
  return counts;
}

double FirstBestThreshold(const GridCounts& counts, const std::vector<double>& grid) {
  std::size_t best = 0;
  std::int64_t best_correct = -1;
  for (std::size_t t = 0; t < grid.size(); ++t) {
    const std::int64_t correct =
        counts.true_accepts[t] + counts.different - counts.false_accepts[t];
    if (correct > best_correct) {
      best_correct = correct;
      best = t;
    }
  }
  return grid[best];
}

Fold TestFold(std::span<const double> distances, std::span<const std::uint8_t> labels,
              const Split& split, double threshold) {
  Fold fold;
  fold.threshold = threshold;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!split.Tests(i)) continue;
    ++fold.pairs;
    fold.correct += (distances[i] < threshold) == (labels[i] != 0);
  }
  fold.accuracy = static_cast<double>(fold.correct) / static_cast<double>(fold.pairs);
  return fold;
}

FoldStatistic Statistic(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / n)};
}

// numpy.interp of the grid as a function of its FAR, at `target`; 0 when no threshold reaches the
// target.
double ThresholdAtFar(const GridCounts& counts, const std::vector<double>& grid, double target) {
  if (counts.different == 0) return 0;
  const auto far = [&](std::size_t t) {
    return static_cast<double>(counts.false_accepts[t]) / static_cast<double>(counts.different);
  };
  if (far(grid.size() - 1) < target) return 0;
  std::size_t last = 0;
  if (far(0) > target) return grid[0];
  while (last + 1 < grid.size() && far(last + 1) <= target) ++last;
  if (last + 1 == grid.size()) return grid[last];
  const double slope = (grid[last + 1] - grid[last]) / (far(last + 1) - far(last));
  return grid[last] + slope * (target - far(last));
}

double Norm(std::span<const float> v) {
  double squares = 0;
  for (const float x : v) squares += static_cast<double>(x) * x;
  return std::sqrt(squares);
}

double Dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace

Result<std::vector<int>> FoldOfPairs(const ScoredPairs& pairs, int folds) {
  const std::size_t n = pairs.size();
  if (folds < 1 || n < static_cast<std::size_t>(folds)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "verification: {} pairs cannot be cut into {} folds", n, folds);
  }
  if (!pairs.fold.empty()) {
    std::vector<std::size_t> sizes(static_cast<std::size_t>(folds));
    for (const int fold : pairs.fold) {
      if (fold < 0 || fold >= folds) {
        return MakeError(ErrorCode::kInvalidArgument, "verification: fold {}, want 0 to {}", fold,
                         folds - 1);
      }
      ++sizes[static_cast<std::size_t>(fold)];
    }
    if (pairs.fold.size() != n) {
      return MakeError(ErrorCode::kInvalidArgument, "verification: {} pairs, but the fold of {}", n,
                       pairs.fold.size());
    }
    if (const auto empty = std::ranges::find(sizes, std::size_t{0}); empty != sizes.end()) {
      return MakeError(ErrorCode::kInvalidArgument, "verification: no pair in fold {} of {}",
                       empty - sizes.begin() + 1, folds);
    }
    return pairs.fold;
  }
  const auto k = static_cast<std::size_t>(folds);
  std::vector<int> fold_of;
  fold_of.reserve(n);
  for (std::size_t f = 0; f < k; ++f) {
    fold_of.insert(fold_of.end(), n / k + (f < n % k ? 1 : 0), static_cast<int>(f));
  }
  return fold_of;
}

Result<KFoldResult> KFoldAccuracy(const ScoredPairs& pairs, const KFoldOptions& options,
                                  const FoldDistances& distances) {
  if (!(options.threshold_step > 0)) {
    return MakeError(ErrorCode::kInvalidArgument, "verification: threshold step {}, want > 0",
                     options.threshold_step);
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> fold_of, FoldOfPairs(pairs, options.folds));
  const std::vector<double> grid = ThresholdGrid(options.threshold_step);
  KFoldResult result;
  std::vector<double> accuracies;
  for (int fold = 0; fold < options.folds; ++fold) {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<double> distance, distances(fold));
    VISAVIS_RETURN_IF_ERROR(CheckDistances(distance, pairs.size()));
    const Split split(fold_of, fold, options.folds);
    const double threshold =
        FirstBestThreshold(CountTraining(distance, pairs.same, grid, split), grid);
    result.folds.push_back(TestFold(distance, pairs.same, split, threshold));
    accuracies.push_back(result.folds.back().accuracy);
  }
  result.accuracy = Statistic(accuracies);
  return result;
}

Result<KFoldResult> KFoldAccuracy(const ScoredPairs& pairs, const KFoldOptions& options) {
  return KFoldAccuracy(pairs, options,
                       [&](int) -> Result<std::vector<double>> { return pairs.squared_distance; });
}

Result<ValResult> ValAtFar(const ScoredPairs& pairs, double far_target, int folds) {
  VISAVIS_RETURN_IF_ERROR(CheckDistances(pairs.squared_distance, pairs.size()));
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> fold_of, FoldOfPairs(pairs, folds));
  const std::vector<double> grid = ThresholdGrid(0.001);
  std::vector<double> vals;
  std::vector<double> fars;
  for (int fold = 0; fold < folds; ++fold) {
    const Split split(fold_of, fold, folds);
    const double threshold = ThresholdAtFar(
        CountTraining(pairs.squared_distance, pairs.same, grid, split), grid, far_target);
    std::size_t same = 0;
    std::size_t different = 0;
    std::size_t true_accepts = 0;
    std::size_t false_accepts = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (!split.Tests(i)) continue;
      const bool accepted = pairs.squared_distance[i] < threshold;
      (pairs.same[i] != 0 ? same : different) += 1;
      (pairs.same[i] != 0 ? true_accepts : false_accepts) += accepted;
    }
    if (same == 0 || different == 0) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "verification: fold {} of {} lacks {} pairs, VAL@FAR is undefined", fold + 1,
                       folds, same == 0 ? "same-person" : "different-person");
    }
    vals.push_back(static_cast<double>(true_accepts) / static_cast<double>(same));
    fars.push_back(static_cast<double>(false_accepts) / static_cast<double>(different));
  }
  return ValResult{Statistic(vals), Statistic(fars).mean};
}

Result<double> MedianThresholdAccuracy(std::span<const double> distance,
                                       std::span<const std::uint8_t> same, int subsets) {
  VISAVIS_RETURN_IF_ERROR(CheckDistances(distance, same.size()));
  const std::size_t n = same.size();
  if (subsets < 1 || n < static_cast<std::size_t>(subsets)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "verification: {} pairs cannot be cut into {} subsets", n, subsets);
  }
  // Their bounds differ from scikit-learn's folds: subset s begins at floor(s n / subsets).
  std::vector<int> subset_of;
  for (std::size_t s = 0; s < static_cast<std::size_t>(subsets); ++s) {
    subset_of.resize((s + 1) * n / static_cast<std::size_t>(subsets), static_cast<int>(s));
  }
  double sum = 0;
  std::vector<double> training;
  for (int s = 0; s < subsets; ++s) {
    const Split split(subset_of, s, subsets);
    training.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (split.Trains(i)) training.push_back(distance[i]);
    }
    std::sort(training.begin(), training.end());
    const std::size_t middle = training.size() / 2;
    const double median =
        training.size() % 2 == 1 ? training[middle] : (training[middle - 1] + training[middle]) / 2;
    sum += TestFold(distance, same, split, median).accuracy;
  }
  return sum / subsets;
}

double SquaredDistanceOfNormalized(std::span<const float> a, std::span<const float> b) {
  const double norm_a = Norm(a);
  const double norm_b = Norm(b);
  const double scale_a = norm_a > 0 ? 1 / norm_a : 0;
  const double scale_b = norm_b > 0 ? 1 / norm_b : 0;
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = a[i] * scale_a - b[i] * scale_b;
    sum += difference * difference;
  }
  return sum;
}

double OpenModelZooDistance(std::span<const float> a, std::span<const float> b) {
  constexpr double kEpsilon = 1e-6;
  return 0.5 * (1 - Dot(a, b) / std::sqrt((Dot(a, a) + kEpsilon) * (Dot(b, b) + kEpsilon)));
}

double MeanNorm(const EmbeddingRows& embeddings) {
  double sum = 0;
  for (std::size_t i = 0; i < embeddings.rows(); ++i) sum += Norm(embeddings.row(i));
  return embeddings.rows() == 0 ? 0 : sum / static_cast<double>(embeddings.rows());
}

}  // namespace visavis
