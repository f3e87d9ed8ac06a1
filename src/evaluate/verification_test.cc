#include "evaluate/verification.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(VerificationAccuracy, SeparablePairsAreAllRight) {
  std::vector<ScoredPair> pairs;
  for (int i = 0; i < 20; ++i) pairs.push_back({i % 2 == 0 ? 0.5 : 1.5, i % 2 == 0});
  const FoldedAccuracy result = VerificationAccuracy(pairs, 10);
  EXPECT_DOUBLE_EQ(result.mean, 1.0);
  EXPECT_DOUBLE_EQ(result.deviation, 0.0);
  ASSERT_EQ(result.thresholds.size(), 10u);
  // The first threshold of the best: distance 0.5 must be below it.
  for (const double threshold : result.thresholds) EXPECT_NEAR(threshold, 0.51, 1e-9);
}

TEST(VerificationAccuracy, ThresholdComesFromTheOtherFolds) {
  // Fold 1 is separable only below 0.3, which the other folds know nothing of.
  const std::vector<ScoredPair> pairs = {{0.2, true},  {0.4, false}, {1.0, true},
                                         {1.2, false}, {1.0, true},  {1.2, false}};
  const FoldedAccuracy result = VerificationAccuracy(pairs, 3);
  EXPECT_DOUBLE_EQ(result.accuracies[0], 0.5);
  EXPECT_NEAR(result.thresholds[0], 1.01, 1e-9);
  EXPECT_DOUBLE_EQ(result.accuracies[1], 1.0);
  EXPECT_NEAR(result.mean, 2.5 / 3, 1e-12);
  EXPECT_NEAR(result.deviation, 0.23570226, 1e-6);  // population, of 0.5, 1, 1
}

TEST(VerificationAccuracy, FirstFoldsAreLongerByOne) {
  // Seven pairs in three folds: 3, 2, 2. Only the third pair is never right.
  std::vector<ScoredPair> pairs(7, {0.0, true});
  pairs[2].same = false;
  const FoldedAccuracy result = VerificationAccuracy(pairs, 3);
  EXPECT_NEAR(result.accuracies[0], 2.0 / 3, 1e-12);
  EXPECT_DOUBLE_EQ(result.accuracies[1], 1.0);
  EXPECT_DOUBLE_EQ(result.accuracies[2], 1.0);
}

TEST(VerificationAccuracy, OneFoldIsJudgedOnItself) {
  const std::vector<ScoredPair> pairs = {{0.2, true}, {0.4, false}};
  EXPECT_DOUBLE_EQ(VerificationAccuracy(pairs, 1).mean, 1.0);
}

TEST(AccuracyAt, DistanceEqualToTheThresholdIsDifferent) {
  const std::vector<ScoredPair> pairs = {{1.0, true}, {1.0, false}, {0.9, true}};
  EXPECT_NEAR(AccuracyAt(pairs, 1.0), 2.0 / 3, 1e-12);
  EXPECT_EQ(AccuracyAt({}, 1.0), 0.0);
}

}  // namespace
}  // namespace visavis
