#include "evaluate/roc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace visavis {
namespace {

struct Scores {
  std::vector<double> genuine;
  std::vector<double> impostor;
};

Scores RandomScores(unsigned seed, bool ties) {
  std::mt19937 random(seed);
  std::normal_distribution<double> g(0.6, 0.2);
  std::normal_distribution<double> i(0.1, 0.2);
  const auto shape = [&](double v) { return ties ? std::round(v * 10) / 10 : v; };
  Scores scores;
  for (int n = 0; n < 211; ++n) scores.genuine.push_back(shape(g(random)));
  for (int n = 0; n < 317; ++n) scores.impostor.push_back(shape(i(random)));
  return scores;
}

TEST(Roc, AucEqualsCountingAllPairs) {
  for (unsigned seed = 1; seed < 6; ++seed) {
    const Scores scores = RandomScores(seed, seed % 2 == 0);
    double wins = 0;
    for (const double g : scores.genuine) {
      for (const double i : scores.impostor) wins += g > i ? 1 : g == i ? 0.5 : 0;
    }
    const Roc roc = Roc::Create(scores.genuine, scores.impostor).value();
    EXPECT_NEAR(roc.Auc(), wins / (211.0 * 317.0), 1e-12);
  }
}

TEST(Roc, AtFmrIsTheBestOfAllThresholdsThatKeepTheRate) {
  for (unsigned seed = 1; seed < 6; ++seed) {
    const Scores scores = RandomScores(seed, seed % 2 == 0);
    const Roc roc = Roc::Create(scores.genuine, scores.impostor).value();
    for (const double target : {0.0, 0.001, 0.01, 0.05, 0.1, 0.5, 1.0}) {
      std::int64_t best = 0;
      for (const auto& all : {scores.genuine, scores.impostor}) {
        for (const double t : all) {
          std::int64_t fa = 0;
          std::int64_t ta = 0;
          for (const double v : scores.impostor) fa += v >= t;
          for (const double v : scores.genuine) ta += v >= t;
          if (static_cast<double>(fa) <= target * 317 + 1e-9) best = std::max(best, ta);
        }
      }
      const OperatingPoint point = roc.AtFmr(target);
      EXPECT_EQ(point.true_accepts, best) << "seed " << seed << " target " << target;
      EXPECT_LE(point.fmr, target + 1e-12);
    }
  }
}

TEST(Roc, EqualErrorRateOfKnownScores) {
  EXPECT_EQ(Roc::Create({0.9, 0.8}, {0.1, 0.2})->EqualErrorRate(), 0.0);
  EXPECT_EQ(Roc::Create({0.1, 0.2}, {0.9, 0.8})->EqualErrorRate(), 1.0);
  EXPECT_DOUBLE_EQ(Roc::Create({0.5, 0.5}, {0.5, 0.5})->EqualErrorRate(), 0.5);
  EXPECT_DOUBLE_EQ(Roc::Create({0.9, 0.8, 0.7, 0.2}, {0.75, 0.1, 0.05, 0.0})->EqualErrorRate(),
                   0.25);
}

// Scores on a grid of 1001 values, so that the plain reference is a table of counts.
TEST(Roc, TenMillionScoresWithTies) {
  constexpr int kTop = 1000;
  constexpr std::int64_t kOfEach = 5'000'000;
  std::minstd_rand random(1);
  std::vector<double> genuine(kOfEach);
  std::vector<double> impostor(kOfEach);
  std::vector<std::int64_t> genuine_at(kTop + 1);
  std::vector<std::int64_t> impostor_at(kTop + 1);
  for (std::size_t n = 0; n < genuine.size(); ++n) {
    const auto high = std::max(random() % (kTop + 1), random() % (kTop + 1));
    const auto low = std::min(random() % (kTop + 1), random() % (kTop + 1));
    genuine[n] = static_cast<double>(high) / kTop;
    impostor[n] = static_cast<double>(low) / kTop;
    ++genuine_at[high];
    ++impostor_at[low];
  }
  double wins = 0;
  std::int64_t below = 0;
  for (int v = 0; v <= kTop; ++v) {
    const auto at = static_cast<std::size_t>(v);
    wins += static_cast<double>(genuine_at[at]) *
            (static_cast<double>(below) + 0.5 * static_cast<double>(impostor_at[at]));
    below += impostor_at[at];
  }
  const Roc roc = Roc::Create(std::move(genuine), std::move(impostor)).value();
  EXPECT_NEAR(roc.Auc(), wins / (static_cast<double>(kOfEach) * kOfEach), 1e-9);
  for (const double target : {0.1, 1e-3, 1e-6}) {
    std::int64_t false_accepts = 0;
    std::int64_t true_accepts = 0;
    for (int v = kTop; v >= 0; --v) {
      const auto at = static_cast<std::size_t>(v);
      if (static_cast<double>(false_accepts + impostor_at[at]) > target * kOfEach) break;
      false_accepts += impostor_at[at];
      true_accepts += genuine_at[at];
    }
    EXPECT_EQ(roc.AtFmr(target).false_accepts, false_accepts) << target;
    EXPECT_EQ(roc.AtFmr(target).true_accepts, true_accepts) << target;
  }
}

TEST(Roc, RefusesEmptyClassesAndNan) {
  EXPECT_FALSE(Roc::Create({}, {0.1}));
  EXPECT_FALSE(Roc::Create({0.1}, {}));
  EXPECT_FALSE(Roc::Create({std::numeric_limits<double>::quiet_NaN()}, {0.1}));
}

TEST(Roc, SaysWhatTheDataCannotSupport) {
  const Roc roc = Roc::Create({0.5}, std::vector<double>(3000, 0.1)).value();
  EXPECT_TRUE(roc.Supports(1e-3));
  EXPECT_FALSE(roc.Supports(1e-6));
}

TEST(Intervals, KnownValues) {
  // scipy.stats.binomtest(k, n).proportion_ci(method=...)
  EXPECT_NEAR(WilsonInterval(8, 10).low, 0.4901624715, 1e-9);
  EXPECT_NEAR(WilsonInterval(8, 10).high, 0.9433178485, 1e-9);
  EXPECT_NEAR(ClopperPearsonInterval(8, 10).low, 0.4439045377, 1e-9);
  EXPECT_NEAR(ClopperPearsonInterval(8, 10).high, 0.9747892737, 1e-9);
  EXPECT_EQ(WilsonInterval(0, 10).low, 0.0);
  EXPECT_EQ(ClopperPearsonInterval(10, 10).high, 1.0);
  EXPECT_NEAR(ClopperPearsonInterval(0, 3000).high, 0.0012288708, 1e-9);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1.0);
}

}  // namespace
}  // namespace visavis
