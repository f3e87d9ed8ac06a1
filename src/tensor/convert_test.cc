#include "tensor/convert.h"

#include <gtest/gtest.h>

#include <cmath>
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
