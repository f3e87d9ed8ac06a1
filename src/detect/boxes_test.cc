#include "detect/boxes.h"

#include <gtest/gtest.h>

#include <limits>

namespace visavis {
namespace {

Candidate MakeBox(double x1, double y1, double x2, double y2) {
  Candidate box;
  box.x1 = x1;
  box.y1 = y1;
  box.x2 = x2;
  box.y2 = y2;
  return box;
}

void ExpectCorners(const Candidate& box, double x1, double y1, double x2, double y2) {
  EXPECT_DOUBLE_EQ(box.x1, x1);
  EXPECT_DOUBLE_EQ(box.y1, y1);
  EXPECT_DOUBLE_EQ(box.x2, x2);
  EXPECT_DOUBLE_EQ(box.y2, y2);
}

TEST(Calibrate, OffsetsCountInInclusiveWidthsAndHeights) {
  Candidate box = MakeBox(10, 20, 29, 59);  // 20 x 40
  box.offsets = {0.5f, 0.25f, -0.25f, 0.125f};
  Calibrate(box);
  ExpectCorners(box, 20, 30, 24, 64);
}

TEST(SquareAndRound, LongerSideAroundTheSameCentre) {
  Candidate box = MakeBox(10, 20, 19, 39);  // 10 x 20
  SquareAndRound(box);
  ExpectCorners(box, 5, 20, 24, 39);
}

TEST(SquareAndRound, HalvesGoToTheEvenNeighbour) {
  Candidate box = MakeBox(0.5, 1.5, 4.5, 5.5);
  SquareAndRound(box);
  ExpectCorners(box, 0, 2, 4, 6);
}

TEST(SquareAndRound, OddDifferenceOfSides) {
  Candidate box = MakeBox(0, 0, 3, 4);  // 4 x 5: the square begins at -0.5
  SquareAndRound(box);
  ExpectCorners(box, 0, 0, 4, 4);  // -0.5 -> -0, 3.5 -> 4
}

TEST(ClipToImage, EachCornerOnItsOwn) {
  Candidate box = MakeBox(-3, 2, 120, 50);
  ClipToImage(100, 40, box);
  ExpectCorners(box, 0, 2, 99, 39);
}

TEST(TouchesImage, OnePixelIsEnough) {
  EXPECT_TRUE(TouchesImage(100, 40, MakeBox(-5, -5, 0, 0)));
  EXPECT_TRUE(TouchesImage(100, 40, MakeBox(99, 39, 120, 60)));
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(-5, -5, -1, 10)));
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(100, 0, 120, 10)));
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(0, 40, 10, 50)));
}

TEST(TouchesImage, BrokenBoxesDoNot) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(nan, 0, 10, 10)));
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(0, 0, inf, 10)));
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(0, 0, 10, 1e18)));
  EXPECT_FALSE(TouchesImage(100, 40, MakeBox(20, 0, 10, 10)));
}

}  // namespace
}  // namespace visavis
