#include "evaluate/bootstrap.h"

#include <gtest/gtest.h>

#include <random>

namespace visavis {
namespace {

double Tar(const Roc& roc) { return roc.At(0.5).tar; }

// People with several genuine pairs each, all of one outcome per person: the pairs are not
// independent.
std::vector<IdentityPair> Clustered(int people, int pairs_each) {
  std::mt19937 random(1);
  std::vector<IdentityPair> pairs;
  for (int p = 0; p < people; ++p) {
    const double similarity = random() % 10 == 0 ? 0.3 : 0.8;
    for (int i = 0; i < pairs_each; ++i) pairs.push_back({similarity, p, p});
    pairs.push_back({0.1, p, (p + 1) % people});
  }
  return pairs;
}

TEST(Bootstrap, CoversTheValueAndIgnoresThreads) {
  const auto pairs = Clustered(100, 3);
  ThreadPool pool(2);
  const auto alone = BootstrapOverPeople(pairs, Tar, {.resamples = 300});
  const auto shared = BootstrapOverPeople(pairs, Tar, {.resamples = 300, .pool = &pool});
  ASSERT_TRUE(alone && shared);
  EXPECT_LE(alone->interval.low, alone->value);
  EXPECT_GE(alone->interval.high, alone->value);
  EXPECT_EQ(alone->interval.low, shared->interval.low);
  EXPECT_EQ(alone->interval.high, shared->interval.high);
  EXPECT_EQ(alone->resamples, 300);
}

TEST(Bootstrap, RepeatedPairsOfOnePersonAddNoEvidence) {
  const auto few = BootstrapOverPeople(Clustered(100, 1), Tar, {.resamples = 400});
  const auto many = BootstrapOverPeople(Clustered(100, 20), Tar, {.resamples = 400});
  ASSERT_TRUE(few && many);
  const double width_few = few->interval.high - few->interval.low;
  const double width_many = many->interval.high - many->interval.low;
  EXPECT_NEAR(width_many, width_few, 0.25 * width_few);
}

TEST(Bootstrap, RefusesTooLittle) {
  EXPECT_FALSE(BootstrapOverPeople({}, Tar));
  EXPECT_FALSE(BootstrapOverPeople(std::vector<IdentityPair>{{0.5, 1, 1}}, Tar));
  EXPECT_FALSE(BootstrapOverPeople(std::vector<IdentityPair>{{0.5, 1, 1}, {0.5, 2, 2}}, Tar));
}

}  // namespace
}  // namespace visavis
