#include "image/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "image/test_picture.h"
#include "image/transform.h"

namespace visavis {
namespace {

Image Flat(int width, int height, std::uint8_t value) {
  Image image(width, height);
  std::fill_n(image.data(), image.size_bytes(), value);
  return image;
}

bool IsValue(const Image& image, int x, int y, std::uint8_t value) {
  const std::uint8_t* pixel = image.row(y) + 3 * x;
  return pixel[0] == value && pixel[1] == value && pixel[2] == value;
}

TEST(FitInside, KeepsTheShapeWithinTheScale) {
  EXPECT_EQ(FitInside(400, 200, 100, 100).width, 100);
  EXPECT_EQ(FitInside(400, 200, 100, 100).height, 50);
  EXPECT_EQ(FitInside(40, 20, 100, 100).width, 40);
  EXPECT_EQ(FitInside(40, 20, 100, 100, 2).width, 80);
  EXPECT_EQ(FitInside(80, 20, 100, 100, 2).width, 100);
  EXPECT_EQ(FitInside(10000, 1, 100, 100).height, 1);
}

TEST(Rescale, AveragesInsteadOfSkipping) {
  Image stripes(64, 64);
  for (int y = 0; y < 64; ++y) std::fill_n(stripes.row(y), 3 * 64, y % 2 == 0 ? 0 : 200);
  EXPECT_EQ(Rescale(stripes, 8, 8), Flat(8, 8, 100));
  EXPECT_EQ(Rescale(stripes, 64, 64), stripes);
}

TEST(DrawFaces, MarksTheFaceAndNothingElse) {
  const Image photo = Flat(200, 160, 90);
  Face face;
  face.box = {60, 50, 120, 110};
  face.score = 0.5f;
  face.landmarks.fill({90, 80});
  const Image drawn = DrawFaces(photo, std::vector{face}, Font());
  EXPECT_FALSE(IsValue(drawn, 60, 80, 90));   // the box's left edge
  EXPECT_FALSE(IsValue(drawn, 90, 110, 90));  // its lower edge
  EXPECT_FALSE(IsValue(drawn, 90, 80, 90));   // the landmark
  EXPECT_TRUE(IsValue(drawn, 75, 95, 90));    // inside
  EXPECT_TRUE(IsValue(drawn, 130, 120, 90));  // outside
  EXPECT_EQ(DrawFaces(photo, {}, Font()), photo);
}

TEST(DrawFaces, ScalesFacesWithThePhoto) {
  Face face;
  face.box = {60, 50, 120, 110};
  face.landmarks.fill({-50, -50});
  const Image drawn = DrawFaces(Flat(200, 160, 90), std::vector{face}, Font(), 100);
  ASSERT_EQ(drawn.width(), 100);
  EXPECT_EQ(drawn.height(), 80);
  EXPECT_FALSE(IsValue(drawn, 30, 45, 90));
  EXPECT_TRUE(IsValue(drawn, 70, 45, 90));
}

TEST(DrawFaces, ClipsFacesOutsideThePhoto) {
  std::vector<Face> faces(3);
  faces[0].box = {-30, -30, 10, 10};
  faces[1].box = {-1e6f, -1e6f, 1e6f, 1e6f};
  faces[2].box = {500, 500, 600, 600};
  faces[0].landmarks.fill({-1e9f, 1e9f});
  EXPECT_EQ(DrawFaces(Flat(40, 30, 0), faces, Font()).width(), 40);
}

TEST(DrawComparison, HoldsBothCropsInColour) {
  const Image photo = Flat(300, 200, 90);
  const Image crop = Flat(112, 112, 200);
  for (const bool same : {true, false}) {
    const ComparisonText text{"verdict", "similarity 0.5", same};
    const Image sheet =
        DrawComparison({photo, {}, crop, "left"}, {photo, {}, crop, "right"}, text, Font());
    EXPECT_EQ(sheet.width(), 1200);
    int crop_pixels = 0;
    for (std::size_t i = 0; i < sheet.size_bytes(); i += 3) {
      crop_pixels += sheet.data()[i] == 200 && sheet.data()[i + 1] == 200;
    }
    EXPECT_GE(crop_pixels, 2 * 168 * 168);
    EXPECT_LT(crop_pixels, 2 * 168 * 168 + 2000);  // and a little anti-aliased text
  }
}

TEST(Font, DrawsInsideItsAdvance) {
  const Font font;
  if (!font.available()) GTEST_SKIP() << "SKIPPED: no DejaVu font on this machine";
  const int width = font.Width("Ångström 0.769", 24);
  EXPECT_GT(width, 6 * 24);
  EXPECT_EQ(font.Width("", 24), 0);
  Image image = Flat(width + 20, 40, 0);
  font.Draw("Ångström 0.769", 24, 10, 30, {255, 255, 255}, &image);
  int bright = 0;
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      const bool ink = image.row(y)[3 * x] > 128;
      bright += ink;
      EXPECT_FALSE(ink && (x < 8 || x > width + 12));
    }
  }
  EXPECT_GT(bright, 300);
}

TEST(Font, AnyTextAndPlaceIsSafe) {
  const Font font;
  Image image = Flat(20, 10, 0);
  for (const std::string text : {"\xFF\xFE", "\xC3", "\xF0\x9F\x98", "\xE2\x28\xA1", "a\0b"}) {
    for (const int place : {-1000, -5, 0, 15, 1000}) {
      font.Draw(text, 40, place, place, {255, 255, 255}, &image);
      EXPECT_GE(font.Width(text, 12), 0);
    }
  }
}

TEST(ToPlanarFloat, ScalesAndReversesChannels) {
  Image image(2, 1);
  for (int i = 0; i < 6; ++i) image.data()[i] = static_cast<std::uint8_t>(10 * i);
  std::vector<float> planes(6);
  ToPlanarFloat(image, planes);
  EXPECT_EQ(planes, (std::vector<float>{0, 30, 10, 40, 20, 50}));
  ToPlanarFloat(image, {.mean = 10, .scale = 0.5f, .reverse_channels = true}, planes);
  EXPECT_EQ(planes, (std::vector<float>{5, 20, 0, 15, -5, 10}));
}

}  // namespace
}  // namespace visavis
