#include "image/warp.h"

#include <gtest/gtest.h>

#include <limits>

#include "image/test_picture.h"
#include "image/transform.h"

namespace visavis {
namespace {

struct Golden {
  int from_width, from_height, width, height;
  AffineTransform transform;
  std::uint64_t bytes;
};

// cv2.warpAffine of OpenCV 4.6.0 (opencv-python-headless, IPP off) over TestPicture.
constexpr Golden kOpenCv[] = {
    {90, 70, 112, 112, {1.3, -0.4, -20.25, 0.4, 1.3, 7.75}, 0xb861fac836f4aff9u},
    {90, 70, 64, 80, {1, 0, 0, 0, 1, 0}, 0xfe30337c24dc8f71u},
    {90, 70, 64, 80, {0.31, -0.87, 60.5, 0.87, 0.31, -11.3}, 0xa156c38d5c90acddu},
    {33, 1, 20, 20, {-0.5, 0.1, 17.7, -0.1, -0.5, 9.1}, 0x85cb1b8bacfaead8u},
    {90, 70, 50, 40, {0.5, 0.25, -3, -0.125, 0.75, 8}, 0xce136d2ae00833bbu},
    {250, 250, 112, 112, {0.71231, 0.013, -33.7, -0.013, 0.71231, -40.9}, 0xfe61268cad0a7740u},
};

TEST(WarpAffine, EqualsOpenCv) {
  for (const Golden& g : kOpenCv) {
    const Image from = TestPicture(g.from_width, g.from_height);
    EXPECT_EQ(Fnv1a(WarpAffine(from, g.transform, g.width, g.height)), g.bytes)
        << g.width << "x" << g.height;
  }
}

TEST(WarpAffine, ShiftByWholePixelsIsExact) {
  const Image from = TestPicture(20, 10);
  AffineTransform shift;
  shift.x0 = 3;
  shift.y0 = -2;
  const Image shifted = WarpAffine(from, shift, 20, 10);
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 20; ++x) {
      const bool inside = x >= 3 && y + 2 < 10;
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(shifted.row(y)[3 * x + c], inside ? from.row(y + 2)[3 * (x - 3) + c] : 0);
      }
    }
  }
}

TEST(WarpAffine, AnyTransformIsSafe) {
  const Image from = TestPicture(20, 10);
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double wild : {0.0, 1e-300, 1e18, -1e300, infinity, infinity - infinity}) {
    const Image result = WarpAffine(from, {wild, 1, wild, -1, wild, -wild}, 16, 16);
    EXPECT_EQ(result.width(), 16);
  }
}

TEST(Mirror, ExchangesLeftAndRight) {
  const Image from = TestPicture(5, 3);
  const Image mirrored = Mirror(from);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 5; ++x) {
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(mirrored.row(y)[3 * x + c], from.row(y)[3 * (4 - x) + c]);
      }
    }
  }
  EXPECT_EQ(Mirror(mirrored), from);
}

}  // namespace
}  // namespace visavis
