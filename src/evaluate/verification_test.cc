#include "evaluate/verification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace visavis {
namespace {

ScoredPairs RandomPairs(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> genuine(0.9, 0.35);
  std::normal_distribution<double> impostor(1.9, 0.25);
  ScoredPairs pairs;
  for (std::size_t i = 0; i < n; ++i) {
    const bool same = random() % 2 == 0;
    double d = same ? genuine(random) : impostor(random);
    if (random() % 4 == 0) d = std::round(d * 100) / 100;  // ties with the grid
    pairs.squared_distance.push_back(std::min(std::max(d, 0.0), 4.0));
    pairs.same.push_back(same);
  }
  return pairs;
}

// The protocol as its description reads, without any of the shortcuts.
double PlainKFold(const ScoredPairs& pairs, std::size_t folds, double step) {
  const std::size_t n = pairs.size();
  double sum = 0;
  std::size_t begin = 0;
  for (std::size_t f = 0; f < folds; ++f) {
    const std::size_t end = begin + n / folds + (f < n % folds ? 1 : 0);
    double best_accuracy = -1;
    double best_threshold = 0;
    for (int g = 0; g * step < 4; ++g) {
      const double t = g * step;
      std::size_t correct = 0;
      std::size_t total = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (folds > 1 && i >= begin && i < end) continue;
        ++total;
        correct += (pairs.squared_distance[i] < t) == (pairs.same[i] != 0);
      }
      const double accuracy = static_cast<double>(correct) / static_cast<double>(total);
      if (accuracy > best_accuracy) {
        best_accuracy = accuracy;
        best_threshold = t;
      }
    }
    std::size_t correct = 0;
    for (std::size_t i = begin; i < end; ++i) {
      correct += (pairs.squared_distance[i] < best_threshold) == (pairs.same[i] != 0);
    }
    sum += static_cast<double>(correct) / static_cast<double>(end - begin);
    begin = end;
  }
  return sum / static_cast<double>(folds);
}

TEST(KFold, EqualsThePlainReference) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const ScoredPairs pairs = RandomPairs(507, seed);
    EXPECT_DOUBLE_EQ(KFoldAccuracy(pairs)->accuracy.mean, PlainKFold(pairs, 10, 0.01));
    EXPECT_DOUBLE_EQ(KFoldAccuracy(pairs, {1, 0.02})->accuracy.mean, PlainKFold(pairs, 1, 0.02));
  }
}

TEST(KFold, TakesTheFirstOfEquallyGoodThresholds) {
  ScoredPairs pairs;
  for (int i = 0; i < 20; ++i) {
    pairs.same.push_back(i % 2 == 0);
    pairs.squared_distance.push_back(i % 2 == 0 ? 0.5 : 1.5);
  }
  const auto result = KFoldAccuracy(pairs);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->accuracy.mean, 1.0);
  EXPECT_EQ(result->accuracy.standard_deviation, 0.0);
  for (const Fold& fold : result->folds) EXPECT_EQ(fold.threshold, 51 * 0.01);
}

TEST(KFold, LongerFoldsComeFirst) {
  const auto result = KFoldAccuracy(RandomPairs(23, 1));
  ASSERT_TRUE(result);
  for (std::size_t f = 0; f < 10; ++f) EXPECT_EQ(result->folds[f].pairs, f < 3 ? 3u : 2u);
}

TEST(KFold, AdversarialInput) {
  ScoredPairs pairs = RandomPairs(9, 1);
  EXPECT_EQ(KFoldAccuracy(pairs).error().code, ErrorCode::kInvalidArgument);
  pairs = RandomPairs(100, 1);
  pairs.squared_distance[7] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(KFoldAccuracy(pairs).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ValAtFar(pairs).error().code, ErrorCode::kInvalidArgument);
  pairs = RandomPairs(100, 1);
  for (auto& s : pairs.same) s = 1;  // one class empty: accuracy exists, FAR does not
  EXPECT_TRUE(KFoldAccuracy(pairs));
  EXPECT_FALSE(ValAtFar(pairs));
  for (auto& d : pairs.squared_distance) d = 0;  // all the same
  EXPECT_EQ(KFoldAccuracy(pairs)->accuracy.mean, 1.0);
}

TEST(ValAtFar, InterpolatesFromTheLastThresholdNotAboveTheTarget) {
  // 10 folds of 200: same at 0.5; different at 1.0, except one in each fold at 0.8.
  ScoredPairs pairs;
  for (int f = 0; f < 10; ++f) {
    for (int i = 0; i < 200; ++i) {
      pairs.same.push_back(i < 100);
      pairs.squared_distance.push_back(i < 100 ? 0.5 : i == 100 ? 0.8 : 1.0);
    }
  }
  // FAR is 0 up to t = 0.800 and 0.01 from 0.801: target 0.001 lies a tenth of the way.
  const auto val = ValAtFar(pairs);
  ASSERT_TRUE(val);
  EXPECT_EQ(val->val.mean, 1.0);
  EXPECT_DOUBLE_EQ(val->far, 0.01);  // 0.8001 accepts the pair at 0.8
}

TEST(MedianThreshold, UsesTheOtherSubsets) {
  const std::vector<double> distance = {0.1, 0.4, 0.1, 0.4, 0.1, 0.4, 0.3, 0.4};
  const std::vector<std::uint8_t> same = {1, 0, 1, 0, 1, 0, 1, 0};
  // Two halves: the median of the second half {.1,.4,.3,.4} is .35, of the first {.1,.4,.1,.4} is
  // .25.
  EXPECT_DOUBLE_EQ(MedianThresholdAccuracy(distance, same, 2).value(), (1.0 + 0.75) / 2);
}

TEST(Distances, OfNormalizedRows) {
  const std::vector<float> a = {3, 0};
  const std::vector<float> b = {0, 5};
  const std::vector<float> zero = {0, 0};
  EXPECT_DOUBLE_EQ(SquaredDistanceOfNormalized(a, b), 2.0);
  EXPECT_DOUBLE_EQ(SquaredDistanceOfNormalized(a, a), 0.0);
  EXPECT_DOUBLE_EQ(SquaredDistanceOfNormalized(a, zero), 1.0);
  EXPECT_NEAR(OpenModelZooDistance(a, b), 0.5, 1e-12);
  const std::vector<float> rows = {3, 4, 0, 1};
  EXPECT_DOUBLE_EQ(MeanNorm({rows, 2}), 3.0);
}

}  // namespace
}  // namespace visavis
