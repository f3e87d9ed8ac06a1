#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "visavis/match.h"

namespace visavis {
namespace {

TEST(Similarity, CosineOfTheAngle) {
  const Embedding right = {2, 0}, up = {0, 3}, diagonal = {5, 5}, left = {-1, 0};
  EXPECT_DOUBLE_EQ(Similarity(right, right).value(), 1.0);
  EXPECT_DOUBLE_EQ(Similarity(right, up).value(), 0.0);
  EXPECT_NEAR(Similarity(right, diagonal).value(), std::sqrt(0.5), 1e-15);
  EXPECT_DOUBLE_EQ(Similarity(right, left).value(), -1.0);
}

TEST(Similarity, NeverLeavesItsRange) {
  const Embedding v = {0.1f, 0.7f, -0.3f, 11.1f, 1e-6f};
  EXPECT_LE(Similarity(v, v).value(), 1.0);
  EXPECT_NEAR(Similarity(v, v).value(), 1.0, 1e-15);
}

TEST(Similarity, ZeroResemblesNobody) {
  EXPECT_EQ(Similarity(Embedding{0, 0}, Embedding{1, 2}).value(), 0.0);
}

TEST(Similarity, LargeValuesDoNotOverflow) {
  const Embedding large = {3e38f, 3e38f};
  EXPECT_NEAR(Similarity(large, large).value(), 1.0, 1e-12);
}

TEST(Similarity, RefusesWhatCannotBeCompared) {
  EXPECT_EQ(Similarity(Embedding{1, 2}, Embedding{1}).error().code, ErrorCode::kInvalidArgument);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Similarity(Embedding{1, nan}, Embedding{1, 2}).error().code,
            ErrorCode::kInvalidArgument);
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Similarity(Embedding{1, 2}, Embedding{inf, 2}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(Normalize, LengthOneAndSameDirection) {
  const Embedding unit = Normalize(Embedding{3, -4});
  EXPECT_FLOAT_EQ(unit[0], 0.6f);
  EXPECT_FLOAT_EQ(unit[1], -0.8f);
  EXPECT_EQ(Normalize(Embedding{0, 0}), (Embedding{0, 0}));
}

// The zoo's published pair: similarity 0.769120, distance 0.461761, each rounded to six digits.
TEST(SquaredDistance, AgreesWithThePublishedPair) {
  EXPECT_NEAR(SquaredDistance(0.769120), 0.461761, 1.5e-6);
  const Embedding a = {1, 2, 3}, b = {-2, 1, 4};
  const Embedding ua = Normalize(a), ub = Normalize(b);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) sum += (ua[i] - ub[i]) * (ua[i] - ub[i]);
  EXPECT_NEAR(SquaredDistance(Similarity(a, b).value()), sum, 1e-6);
}

TEST(SamePerson, AtTheThresholdIsTheSame) {
  EXPECT_TRUE(SamePerson(0.5, {0.5, ""}));
  EXPECT_FALSE(SamePerson(0.4999, {0.5, ""}));
}

}  // namespace
}  // namespace visavis
