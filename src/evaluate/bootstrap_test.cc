#include "evaluate/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace visavis {
namespace {

struct Pairs {
  std::vector<double> similarity;
  std::vector<std::uint8_t> same;
  std::vector<PeopleOfPair> people;
  void Add(double s, std::int32_t a, std::int32_t b) {
    similarity.push_back(s);
    same.push_back(a == b);
    people.push_back({a, b});
  }
  // Share of genuine pairs of similarity 0.5 or more.
  ResampledStatistics Tar() const {
    return [this](std::span<const std::uint32_t> times) {
      double accepted = 0;
      double all = 0;
      for (std::size_t i = 0; i < same.size(); ++i) {
        if (same[i] == 0) continue;
        all += times[i];
        if (similarity[i] >= 0.5) accepted += times[i];
      }
      return std::vector<double>{accepted / all};
    };
  }
};

// People with several genuine pairs each, all of one outcome per person: the pairs are not
// independent.
Pairs Clustered(int people, int pairs_each) {
  std::mt19937 random(1);
  Pairs pairs;
  for (int p = 0; p < people; ++p) {
    const double similarity = random() % 10 == 0 ? 0.3 : 0.8;
    for (int i = 0; i < pairs_each; ++i) pairs.Add(similarity, p, p);
    pairs.Add(0.1, p, (p + 1) % people);
  }
  return pairs;
}

TEST(Bootstrap, CoversTheValueAndIgnoresThreads) {
  const Pairs pairs = Clustered(100, 3);
  ThreadPool pool(2);
  const auto alone = BootstrapOverPeople(pairs.people, pairs.Tar(), {.resamples = 300});
  const auto shared =
      BootstrapOverPeople(pairs.people, pairs.Tar(), {.resamples = 300, .pool = &pool});
  ASSERT_TRUE(alone && shared);
  ASSERT_EQ(alone->size(), 1u);
  const BootstrapResult& tar = alone->front();
  EXPECT_LE(tar.interval.low, tar.value);
  EXPECT_GE(tar.interval.high, tar.value);
  EXPECT_EQ(tar.interval.low, shared->front().interval.low);
  EXPECT_EQ(tar.interval.high, shared->front().interval.high);
  EXPECT_EQ(tar.resamples, 300);
}

TEST(Bootstrap, RepeatedPairsOfOnePersonAddNoEvidence) {
  const Pairs few = Clustered(100, 1);
  const Pairs many = Clustered(100, 20);
  const auto from_few = BootstrapOverPeople(few.people, few.Tar(), {.resamples = 400});
  const auto from_many = BootstrapOverPeople(many.people, many.Tar(), {.resamples = 400});
  ASSERT_TRUE(from_few && from_many);
  const auto width = [](const BootstrapResult& r) { return r.interval.high - r.interval.low; };
  EXPECT_NEAR(width(from_many->front()), width(from_few->front()), 0.25 * width(from_few->front()));
}

// A mean over people has a known standard error: the interval must be near +-1.96 of it.
TEST(Bootstrap, WidthIsThatOfTheStandardError) {
  Pairs pairs;
  for (int p = 0; p < 400; ++p) pairs.Add(p % 4 == 0 ? 0.3 : 0.8, p, p);
  const auto result = BootstrapOverPeople(pairs.people, pairs.Tar(), {.resamples = 4000});
  ASSERT_TRUE(result);
  const double error = std::sqrt(0.75 * 0.25 / 400);
  EXPECT_NEAR(result->front().interval.low, 0.75 - 1.96 * error, 0.15 * error);
  EXPECT_NEAR(result->front().interval.high, 0.75 + 1.96 * error, 0.15 * error);
}

TEST(Bootstrap, RefusesTooLittle) {
  const Pairs none;
  EXPECT_FALSE(BootstrapOverPeople(none.people, none.Tar()));
  Pairs one;
  one.Add(0.5, 1, 1);
  EXPECT_FALSE(BootstrapOverPeople(one.people, one.Tar()));
}

TEST(WeightedErrorRates, EqualRocOnTheRepeatedPairs) {
  std::mt19937 random(3);
  const std::vector<double> fmrs = {0.5, 0.1, 0.01, 0.001, 0};
  for (int round = 0; round < 50; ++round) {
    std::vector<double> similarity;
    std::vector<std::uint8_t> same;
    std::vector<std::uint32_t> times;
    std::vector<double> genuine, impostor;
    const double grid = round % 3 == 0 ? 10 : 1e6;  // many ties, or few
    for (int i = 0; i < 300; ++i) {
      same.push_back(random() % 3 == 0);
      const double s = std::normal_distribution<double>(same.back() != 0 ? 0.5 : 0.1, 0.2)(random);
      similarity.push_back(std::round(s * grid) / grid);
      times.push_back(random() % 4);
      auto& side = same.back() != 0 ? genuine : impostor;
      side.insert(side.end(), times.back(), similarity.back());
    }
    const Roc roc = Roc::Create(genuine, impostor).value();
    const auto values = WeightedErrorRates(similarity, same).At(fmrs, times);
    ASSERT_EQ(values.size(), 7u);
    EXPECT_NEAR(values[0], roc.EqualErrorRate(), 1e-12);
    EXPECT_NEAR(values[1], roc.Auc(), 1e-12);
    for (std::size_t f = 0; f < fmrs.size(); ++f) {
      EXPECT_NEAR(values[2 + f], roc.AtFmr(fmrs[f]).tar, 1e-12) << fmrs[f];
    }
  }
  const auto none = WeightedErrorRates(std::vector<double>{0.5}, std::vector<std::uint8_t>{1})
                        .At({}, std::vector<std::uint32_t>{1});
  EXPECT_TRUE(std::isnan(none[0]) && std::isnan(none[1]));
}

}  // namespace
}  // namespace visavis
