#include "evaluate/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace visavis {
namespace {

/// People with a few genuine pairs each, and impostor pairs between random people.
CalibrationPairs Synthetic(int people, int genuine, int impostor, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> same(0.65, 0.1);
  std::normal_distribution<double> different(0.05, 0.1);
  std::uniform_int_distribution<std::int32_t> draw(0, people - 1);
  CalibrationPairs pairs;
  const auto add = [&](double similarity, bool is_same, std::int32_t a, std::int32_t b) {
    pairs.similarity.push_back(similarity);
    pairs.same.push_back(is_same ? 1 : 0);
    pairs.people.push_back({a, b});
  };
  for (int i = 0; i < genuine; ++i) {
    const std::int32_t person = draw(random);
    add(same(random), true, person, person);
  }
  for (int i = 0; i < impostor; ++i) {
    const std::int32_t a = draw(random);
    add(different(random), false, a, (a + 1 + draw(random) % (people - 1)) % people);
  }
  return pairs;
}

TEST(Calibrate, ThresholdKeepsTheTargetAndIsTheMostPermissive) {
  const CalibrationPairs pairs = Synthetic(200, 500, 10000);
  const Result<CalibratedThreshold> found = ThresholdForFmr(pairs, 1e-2, {.resamples = 200});
  ASSERT_TRUE(found) << found.error().message;
  std::int64_t accepted = 0;
  std::int64_t accepted_below = 0;
  double next = -2;  // the highest similarity below the threshold
  for (const double s : pairs.similarity) {
    if (s < found->threshold) next = std::max(next, s);
  }
  for (std::size_t i = 0; i < pairs.similarity.size(); ++i) {
    if (pairs.same[i] != 0) continue;
    accepted += pairs.similarity[i] >= found->threshold;
    accepted_below += pairs.similarity[i] >= next;
  }
  EXPECT_LE(accepted, 100);
  EXPECT_EQ(found->false_rate, static_cast<double>(accepted) / 10000);
  EXPECT_GT(accepted_below, 100);
  // The true quantile of the impostors is 0.05 + 2.326 x 0.1.
  EXPECT_NEAR(found->threshold, 0.2826, 0.01);
  EXPECT_LT(found->interval.low, found->threshold);
  EXPECT_GT(found->interval.high, found->threshold);
  EXPECT_LT(found->interval.high - found->interval.low, 0.04);
  EXPECT_LE(found->false_rate_interval.low, found->false_rate);
  EXPECT_GE(found->false_rate_interval.high, found->false_rate);
  EXPECT_EQ(found->people, 200);
}

// In about 95 of 100 experiments the interval holds the threshold of the whole population.
TEST(Calibrate, IntervalCoversTheTrueThreshold) {
  int covered = 0;
  constexpr int kExperiments = 60;
  for (unsigned seed = 0; seed < kExperiments; ++seed) {
    const Result<CalibratedThreshold> found =
        ThresholdForFmr(Synthetic(150, 100, 1500, seed), 5e-2, {.resamples = 100});
    ASSERT_TRUE(found);
    const double truth = 0.05 + 1.6449 * 0.1;
    covered += found->interval.low <= truth && truth <= found->interval.high;
  }
  EXPECT_GE(covered, 49);
}

TEST(Calibrate, RefusesWhatTheDataCannotSupport) {
  const auto refused = [](const Result<CalibratedThreshold>& result, const char* what) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_TRUE(result.error().message.starts_with("insufficient data"));
    EXPECT_NE(result.error().message.find(what), std::string::npos) << result.error().message;
  };
  const CalibrationPairs pairs = Synthetic(200, 500, 3000);
  refused(ThresholdForFmr(pairs, 1e-6), "3,000,000");
  refused(ThresholdForFmr(pairs, 9.9e-4), "3,000");
  EXPECT_TRUE(ThresholdForFmr(pairs, 1e-3, {.resamples = 10}));
  refused(ThresholdForFmr(Synthetic(200, 29, 3000), 1e-2), "29 same-person");
  refused(ThresholdForFmr(Synthetic(5, 100, 3000), 1e-2), "5 people");
  refused(ThresholdForFmr({}, 1e-2), "300");
  for (const double rate : {0.0, 1.0, -1.0, std::nan("")}) {
    EXPECT_FALSE(ThresholdForFmr(pairs, rate)) << rate;
  }
  EXPECT_FALSE(CalibrateProbability(Synthetic(50, 20, 100), ProbabilityModel::kLogistic, 0.5));
}

TEST(Calibrate, EqualSimilaritiesAreAcceptedTogether) {
  CalibrationPairs pairs = Synthetic(100, 100, 1000);
  for (double& s : pairs.similarity) s = std::round(s * 4) / 4;
  const Result<CalibratedThreshold> found = ThresholdForFmr(pairs, 0.1, {.resamples = 50});
  ASSERT_TRUE(found);
  EXPECT_LE(found->false_rate, 0.1);
}

TEST(Calibrate, FpirAtAGallerySize) {
  // Random directions for people, images near them: strangers' best of N follows from geometry, so
  // the check is on fresh people.
  constexpr std::size_t kDimension = 32;
  const auto make = [](unsigned seed, int people) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::pair<std::vector<float>, std::vector<std::int64_t>> set;
    for (int p = 0; p < people; ++p) {
      std::vector<float> centre(kDimension);
      for (float& c : centre) c = normal(random);
      for (int image = 0; image < 2; ++image) {
        for (const float c : centre) set.first.push_back(c + 0.5f * normal(random));
        set.second.push_back(p);
      }
    }
    return set;
  };
  const auto [values, subjects] = make(1, 500);
  const LabelledEmbeddings known{{values, kDimension}, subjects};
  const FpirTarget target{.fpir = 0.05, .gallery_size = 100, .draws = 5};
  const Result<CalibratedThreshold> found = ThresholdForFpir(known, target, {.resamples = 100});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_LE(found->false_rate, 0.05);
  EXPECT_LE(found->interval.low, found->threshold);
  EXPECT_GE(found->interval.high, found->threshold);
  EXPECT_EQ(found->impostor, 800);
  EXPECT_EQ(found->genuine, 100);

  const auto [fresh_values, fresh_subjects] = make(2, 1000);
  const std::span<const float> fresh(fresh_values);
  const std::span<const std::int64_t> fresh_of(fresh_subjects);
  const Result<std::vector<ProbeOutcome>> outcomes =
      SearchAll({{fresh.first(200 * kDimension), kDimension}, fresh_of.first(200)},
                {{fresh.subspan(200 * kDimension), kDimension}, fresh_of.subspan(200)});
  ASSERT_TRUE(outcomes);
  std::int64_t positives = 0;
  for (const ProbeOutcome& outcome : *outcomes) {
    positives += outcome.best_similarity >= found->threshold;
  }
  // Twice the images are enrolled here, so up to twice the rate.
  EXPECT_LT(static_cast<double>(positives) / static_cast<double>(outcomes->size()), 0.15);
  EXPECT_GT(positives, 0);

  EXPECT_FALSE(ThresholdForFpir(known, {.fpir = 0.001, .gallery_size = 100}));
  EXPECT_FALSE(ThresholdForFpir(known, {.fpir = 0.05, .gallery_size = 490}));
  EXPECT_FALSE(ThresholdForFpir(known, {.fpir = 0.05, .gallery_size = 0}));
}

TEST(Calibrate, ProbabilityIsReliableOnPeopleItHasNotSeen) {
  for (const ProbabilityModel model : {ProbabilityModel::kLogistic, ProbabilityModel::kIsotonic}) {
    const Result<CalibratedProbability> found =
        CalibrateProbability(Synthetic(400, 4000, 40000), model, 0.5);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_LT(found->map.At(0.0), 0.05);
    EXPECT_GT(found->map.At(0.7), 0.95);
    EXPECT_LT(found->expected_error, 0.02);
    EXPECT_EQ(found->held_out_genuine, 4000);
    // About a fifth of the pairs of two people have both in one fold.
    EXPECT_NEAR(static_cast<double>(found->held_out_impostor), 8000, 1500);
    double weight = 0;
    for (const ReliabilityBin& bin : found->reliability) weight += bin.weight;
    EXPECT_NEAR(weight, 1, 1e-9);
  }
}

}  // namespace
}  // namespace visavis
