#include <gtest/gtest.h>

#include <cmath>

#include "visavis/match.h"

namespace visavis {
namespace {

TEST(ProbabilityMap, LogisticIsTheLogOddsLine) {
  ProbabilityMap map;
  map.model = ProbabilityModel::kLogistic;
  map.slope = 4;
  map.intercept = -1;
  EXPECT_DOUBLE_EQ(map.At(0.25), 0.5);
  EXPECT_DOUBLE_EQ(map.At(0.5), 1 / (1 + std::exp(-1.0)));
}

TEST(ProbabilityMap, IsotonicIsStraightBetweenItsKnotsAndFlatBeyond) {
  ProbabilityMap map;
  map.model = ProbabilityModel::kIsotonic;
  map.prior = 0.125;
  EXPECT_EQ(map.At(0.3), 0.125);  // no knots: nothing is known but the prior
  map.knots = {{0, 0.25}, {0.5, 0.5}, {0.75, 1}};
  EXPECT_EQ(map.At(-1), 0.25);
  EXPECT_EQ(map.At(0), 0.25);
  EXPECT_DOUBLE_EQ(map.At(0.125), 0.3125);
  EXPECT_DOUBLE_EQ(map.At(0.625), 0.75);
  EXPECT_EQ(map.At(0.75), 1);
  EXPECT_EQ(map.At(0.9), 1);
}

}  // namespace
}  // namespace visavis
