#include "tensor/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace visavis {
namespace {

TEST(ConvertTest, HalfKeepsEveryKindOfNumber) {
  EXPECT_EQ(HalfToFloat(0x3c00), 1.0f);
  EXPECT_EQ(HalfToFloat(0xc000), -2.0f);
  EXPECT_EQ(HalfToFloat(0x7bff), 65504.0f);
  EXPECT_EQ(HalfToFloat(0x0001), std::ldexp(1.0f, -24));  // smallest subnormal
  EXPECT_EQ(HalfToFloat(0x03ff), std::ldexp(1023.0f, -24));
  EXPECT_EQ(HalfToFloat(0x0400), std::ldexp(1.0f, -14));  // smallest normal
  EXPECT_TRUE(std::signbit(HalfToFloat(0x8000)));
  EXPECT_EQ(HalfToFloat(0xfc00), -INFINITY);
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7e00)));
}

TEST(ConvertTest, BFloat16IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(BFloat16ToFloat(0x3f80), 1.0f);
  EXPECT_EQ(BFloat16ToFloat(0xc040), -3.0f);
}

TEST(ConvertTest, EveryHalfSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (std::isnan(HalfToFloat(half))) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(HalfToFloat(half)))));
    } else {
      EXPECT_EQ(FloatToHalf(HalfToFloat(half)), half);
    }
  }
}

TEST(ConvertTest, NarrowingRoundsToNearestEven) {
  EXPECT_EQ(FloatToHalf(2049.0f), FloatToHalf(2048.0f));  // halfway: to even
  EXPECT_EQ(FloatToHalf(2051.0f), FloatToHalf(2052.0f));
  EXPECT_EQ(FloatToHalf(std::ldexp(1.0f, -25)), 0x0000);
  EXPECT_EQ(FloatToHalf(std::ldexp(3.0f, -25)), 0x0002);
  EXPECT_EQ(FloatToHalf(65519.0f), 0x7bff);
  EXPECT_EQ(FloatToHalf(-65520.0f), 0xfc00);
  EXPECT_EQ(FloatToBFloat16(1.00390625f), 0x3f80);  // 1 + 2^-8: halfway, to even
  EXPECT_EQ(FloatToBFloat16(1.01171875f), 0x3f82);  // 1 + 3 * 2^-8
  EXPECT_TRUE(std::isnan(BFloat16ToFloat(FloatToBFloat16(NAN))));
}

TEST(ConvertTest, TensorsKeepTheirShape) {
  const std::vector<double> values{0.5, -3, 1e300, 0.1};
  const Tensor converted = ToFloat32(Tensor::From<double>(Shape{2, 2}, values));
  EXPECT_EQ(converted.shape(), (Shape{2, 2}));
  EXPECT_EQ(converted.data<float>()[0], 0.5f);
  EXPECT_EQ(converted.data<float>()[1], -3.0f);
  EXPECT_EQ(converted.data<float>()[2], INFINITY);
  EXPECT_EQ(converted.data<float>()[3], 0.1f);
}

}  // namespace
}  // namespace visavis
