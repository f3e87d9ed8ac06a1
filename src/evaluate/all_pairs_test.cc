#include "evaluate/all_pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "evaluate/roc.h"
#include "kernels/kernels.h"

namespace visavis {
namespace {

struct Data {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
  std::size_t dimension = 0;
};

Data RandomData(std::size_t n, std::size_t dimension, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  Data data;
  data.dimension = dimension;
  std::vector<float> centres(n * dimension);
  for (float& v : centres) v = normal(random);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t subject = random() % (n / 3);
    data.subjects.push_back(static_cast<std::int64_t>(subject));
    for (std::size_t k = 0; k < dimension; ++k) {
      data.values.push_back(centres[subject * dimension + k] + 0.7f * normal(random));
    }
  }
  return data;
}

double Cosine(const Data& data, std::size_t a, std::size_t b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t k = 0; k < data.dimension; ++k) {
    const double x = data.values[a * data.dimension + k];
    const double y = data.values[b * data.dimension + k];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

TEST(AllPairs, CountsEveryPairOnceOnEveryIsa) {
  for (const std::string_view isa : KnownIsas()) {
    if (FindKernels(isa) == nullptr) continue;
    for (const std::size_t n :
         {std::size_t{2}, std::size_t{65}, std::size_t{97}, std::size_t{333}}) {
      const Data data = RandomData(std::max<std::size_t>(n, 3), 19, 7);
      const std::size_t rows = data.subjects.size();
      const auto counted =
          CountAllPairs({data.values, data.dimension}, data.subjects, {.bins = 64, .isa = isa});
      ASSERT_TRUE(counted) << counted.error().message;
      std::vector<std::int64_t> genuine(64), impostor(64);
      std::int64_t near_edge = 0;
      for (std::size_t a = 0; a < rows; ++a) {
        for (std::size_t b = a + 1; b < rows; ++b) {
          const double at = (Cosine(data, a, b) + 1) * 32;
          near_edge += std::abs(at - std::round(at)) < 1e-4;
          auto& counts = data.subjects[a] == data.subjects[b] ? genuine : impostor;
          ++counts[static_cast<std::size_t>(std::min(at, 63.0))];
        }
      }
      EXPECT_EQ(counted->genuine.total + counted->impostor.total,
                static_cast<std::int64_t>(rows * (rows - 1) / 2));
      EXPECT_EQ(counted->genuine.total,
                std::accumulate(genuine.begin(), genuine.end(), std::int64_t{0}));
      // A pair within rounding of an edge may fall on either side of it.
      std::int64_t differences = 0;
      for (std::size_t i = 0; i < 64; ++i) {
        differences += std::abs(genuine[i] - counted->genuine.counts[i]);
        differences += std::abs(impostor[i] - counted->impostor.counts[i]);
        EXPECT_GE(counted->impostor.counts[i], 0);
      }
      EXPECT_LE(differences, 2 * near_edge) << isa << " n " << rows;
    }
  }
}

TEST(AllPairs, ThreadsDoNotChangeTheCounts) {
  const Data data = RandomData(500, 32, 3);
  ThreadPool pool(3);
  const auto alone = CountAllPairs({data.values, data.dimension}, data.subjects);
  const auto shared = CountAllPairs({data.values, data.dimension}, data.subjects, {.pool = &pool});
  EXPECT_EQ(alone->genuine.counts, shared->genuine.counts);
  EXPECT_EQ(alone->impostor.counts, shared->impostor.counts);
}

TEST(AllPairs, TarBoundsHoldTheExactValue) {
  const Data data = RandomData(400, 16, 5);
  std::vector<double> genuine, impostor;
  for (std::size_t a = 0; a < 400; ++a) {
    for (std::size_t b = a + 1; b < 400; ++b) {
      (data.subjects[a] == data.subjects[b] ? genuine : impostor).push_back(Cosine(data, a, b));
    }
  }
  const Roc roc = Roc::Create(genuine, impostor).value();
  const auto counted = CountAllPairs({data.values, data.dimension}, data.subjects).value();
  for (const double far : {1e-4, 1e-3, 1e-2, 0.1}) {
    const BoundedTar tar = TarAtFar(counted, far);
    EXPECT_LE(tar.far, far);
    EXPECT_LE(tar.tar, roc.AtFmr(far).tar);
    EXPECT_GE(tar.tar_upper, roc.AtFmr(far).tar);
    EXPECT_TRUE(tar.supported);
  }
  EXPECT_FALSE(TarAtFar(counted, 1e-6).supported);
}

TEST(AllPairs, RefusesBadInput) {
  const std::vector<std::int64_t> one = {1};
  const std::vector<std::int64_t> two = {1, 2};
  EXPECT_FALSE(CountAllPairs({std::vector<float>{1, 2}, 2}, one));
  EXPECT_FALSE(CountAllPairs({std::vector<float>{1, 2, 3, 4}, 2}, one));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(CountAllPairs({std::vector<float>{1, 2, nan, 4}, 2}, two));
  EXPECT_FALSE(CountAllPairs({std::vector<float>{1, 2, 3, 4}, 2}, two, {.isa = "none"}));
}

}  // namespace
}  // namespace visavis
