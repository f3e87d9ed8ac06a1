#include "evaluate/probability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace visavis {
namespace {

// Two unit-variance normals: the log odds are a straight line, slope (m1 - m0) / v.
void Draw(int n, std::vector<double>& genuine, std::vector<double>& impostor) {
  std::mt19937 random(3);
  std::normal_distribution<double> unit(0, 1);
  for (int i = 0; i < n; ++i) {
    genuine.push_back(0.6 + 0.2 * unit(random));
    impostor.push_back(0.1 + 0.2 * unit(random));
  }
}

TEST(Probability, LogisticFindsTheTrueOdds) {
  std::vector<double> genuine, impostor;
  Draw(20000, genuine, impostor);
  const auto map = FitProbability(genuine, impostor, ProbabilityModel::kLogistic);
  ASSERT_TRUE(map);
  EXPECT_NEAR(map->slope, 0.5 / 0.04, 0.5);
  EXPECT_NEAR(map->At(0.35), 0.5, 0.02);
  // Another prior moves the crossing by its log odds.
  const auto rare = FitProbability(genuine, impostor, ProbabilityModel::kLogistic, 0.01);
  EXPECT_NEAR(rare->At(0.35), 0.01, 0.003);
}

TEST(Probability, IsotonicIsMonotoneAndCalibrated) {
  std::vector<double> genuine, impostor;
  Draw(5000, genuine, impostor);
  const auto map = FitProbability(genuine, impostor, ProbabilityModel::kIsotonic);
  ASSERT_TRUE(map);
  for (std::size_t k = 1; k < map->knots.size(); ++k) {
    EXPECT_GT(map->knots[k].similarity, map->knots[k - 1].similarity);
    EXPECT_GT(map->knots[k].probability, map->knots[k - 1].probability);
  }
  for (const ReliabilityBin& bin : Reliability(*map, genuine, impostor)) {
    EXPECT_NEAR(bin.mean_probability, bin.observed, 0.05);
  }
  EXPECT_NEAR(map->At(0.35), 0.5, 0.08);
  EXPECT_LE(map->At(-5), map->At(5));
}

TEST(Probability, AdversarialScores) {
  const auto separable = FitProbability(std::vector<double>{0.8, 0.9},
                                        std::vector<double>{0.1, 0.2}, ProbabilityModel::kLogistic);
  ASSERT_TRUE(separable);
  EXPECT_TRUE(std::isfinite(separable->slope));
  EXPECT_GT(separable->At(0.9), separable->At(0.1));
  for (const auto model : {ProbabilityModel::kLogistic, ProbabilityModel::kIsotonic}) {
    // All the same: nothing but the prior can be said.
    EXPECT_NEAR(
        FitProbability(std::vector<double>(5, 0.3), std::vector<double>(9, 0.3), model)->At(0.3),
        0.5, 0.05);
    // Reversed scores still give a map that does not fall.
    const auto reversed =
        FitProbability(std::vector<double>{0.1, 0.2}, std::vector<double>{0.8, 0.9}, model);
    EXPECT_LE(reversed->At(0.1), reversed->At(0.9));
    EXPECT_FALSE(FitProbability({}, std::vector<double>{0.1}, model));
    EXPECT_FALSE(FitProbability(std::vector<double>{std::numeric_limits<double>::infinity()},
                                std::vector<double>{0.1}, model));
    EXPECT_FALSE(FitProbability(std::vector<double>{0.5}, std::vector<double>{0.1}, model, 1.0));
  }
}

}  // namespace
}  // namespace visavis
