#include "evaluate/verification.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool contains(std::size_t i) const { return i >= begin && i < end; }
};

// scikit-learn's KFold without shuffling.
std::vector<Range> ContiguousFolds(std::size_t n, int folds) {
  std::vector<Range> ranges;
  std::size_t begin = 0;
  for (std::size_t f = 0; f < static_cast<std::size_t>(folds); ++f) {
    const auto k = static_cast<std::size_t>(folds);
    const std::size_t length = n / k + (f < n % k ? 1 : 0);
    ranges.push_back({begin, begin + length});
    begin += length;
  }
  return ranges;
}

Status CheckPairs(const ScoredPairs& pairs, int folds) {
  if (pairs.squared_distance.size() != pairs.same.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "verification: {} distances for {} labels",
                     pairs.squared_distance.size(), pairs.same.size());
  }
  if (folds < 1 || pairs.size() < static_cast<std::size_t>(folds)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "verification: {} pairs cannot be cut into {} folds", pairs.size(), folds);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (!std::isfinite(pairs.squared_distance[i])) {
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

// Counts over the pairs outside `held_out`.
GridCounts CountOutside(const ScoredPairs& pairs, const std::vector<double>& grid, Range held_out) {
  AcceptCounts same(grid);
  AcceptCounts different(grid);
  GridCounts counts;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (held_out.contains(i)) continue;
    if (pairs.same[i] != 0) {
      ++counts.same;
      same.Add(pairs.squared_distance[i]);
    } else {
      ++counts.different;
      different.Add(pairs.squared_distance[i]);
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

double Accuracy(const ScoredPairs& pairs, Range range, double threshold) {
  std::size_t correct = 0;
  for (std::size_t i = range.begin; i < range.end; ++i) {
    correct += (pairs.squared_distance[i] < threshold) == (pairs.same[i] != 0);
  }
  return static_cast<double>(correct) / static_cast<double>(range.end - range.begin);
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

Result<KFoldResult> KFoldAccuracy(const ScoredPairs& pairs, const KFoldOptions& options) {
  if (!(options.threshold_step > 0)) {
    return MakeError(ErrorCode::kInvalidArgument, "verification: threshold step {}, want > 0",
                     options.threshold_step);
  }
  VISAVIS_RETURN_IF_ERROR(CheckPairs(pairs, options.folds));
  const std::vector<double> grid = ThresholdGrid(options.threshold_step);
  KFoldResult result;
  std::vector<double> accuracies;
  for (const Range& fold : ContiguousFolds(pairs.size(), options.folds)) {
    const Range held_out = options.folds == 1 ? Range{} : fold;
    const double threshold = FirstBestThreshold(CountOutside(pairs, grid, held_out), grid);
    accuracies.push_back(Accuracy(pairs, fold, threshold));
    result.folds.push_back({fold.begin, fold.end, threshold, accuracies.back()});
  }
  result.accuracy = Statistic(accuracies);
  return result;
}

Result<ValResult> ValAtFar(const ScoredPairs& pairs, double far_target, int folds) {
  VISAVIS_RETURN_IF_ERROR(CheckPairs(pairs, folds));
  const std::vector<double> grid = ThresholdGrid(0.001);
  std::vector<double> vals;
  std::vector<double> fars;
  for (const Range& fold : ContiguousFolds(pairs.size(), folds)) {
    const Range held_out = folds == 1 ? Range{} : fold;
    const double threshold = ThresholdAtFar(CountOutside(pairs, grid, held_out), grid, far_target);
    std::size_t same = 0;
    std::size_t different = 0;
    std::size_t true_accepts = 0;
    std::size_t false_accepts = 0;
    for (std::size_t i = fold.begin; i < fold.end; ++i) {
      const bool accepted = pairs.squared_distance[i] < threshold;
      (pairs.same[i] != 0 ? same : different) += 1;
      (pairs.same[i] != 0 ? true_accepts : false_accepts) += accepted;
    }
    if (same == 0 || different == 0) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "verification: fold {}..{} lacks {} pairs, VAL@FAR is undefined", fold.begin,
                       fold.end, same == 0 ? "same-person" : "different-person");
    }
    vals.push_back(static_cast<double>(true_accepts) / static_cast<double>(same));
    fars.push_back(static_cast<double>(false_accepts) / static_cast<double>(different));
  }
  return ValResult{Statistic(vals), Statistic(fars).mean};
}

Result<double> MedianThresholdAccuracy(std::span<const double> distance,
                                       std::span<const std::uint8_t> same, int subsets) {
  ScoredPairs pairs{{distance.begin(), distance.end()}, {same.begin(), same.end()}};
  VISAVIS_RETURN_IF_ERROR(CheckPairs(pairs, subsets));
  const std::size_t n = pairs.size();
  double sum = 0;
  std::vector<double> training;
  for (std::size_t s = 0; s < static_cast<std::size_t>(subsets); ++s) {
    const Range test{s * n / static_cast<std::size_t>(subsets),
                     (s + 1) * n / static_cast<std::size_t>(subsets)};
    training.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (!test.contains(i) || subsets == 1) training.push_back(distance[i]);
    }
    std::sort(training.begin(), training.end());
    const std::size_t middle = training.size() / 2;
    const double median =
        training.size() % 2 == 1 ? training[middle] : (training[middle - 1] + training[middle]) / 2;
    sum += Accuracy(pairs, test, median);
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
