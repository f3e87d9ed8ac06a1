#include "visavis/align.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/shared_data.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

constexpr Landmarks5 kFace = {{{100, 110}, {143, 108}, {126, 138}, {105, 155}, {141, 156}}};

Landmarks5 Apply(const SimilarityTransform& t, const Landmarks5& points) {
  Landmarks5 moved;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = points[i].x;
    const double y = points[i].y;
    moved[i] = {static_cast<float>(t.a * x - t.b * y + t.tx),
                static_cast<float>(t.b * x + t.a * y + t.ty)};
  }
  return moved;
}

TEST(EstimateSimilarity, FindsTheTransformThatWasApplied) {
  const SimilarityTransform applied{0.6, -0.35, 12.5, 80};
  const auto found = EstimateSimilarity(kFace, Apply(applied, kFace));
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->a, applied.a, 1e-6);
  EXPECT_NEAR(found->b, applied.b, 1e-6);
  EXPECT_NEAR(found->tx, applied.tx, 1e-4);
  EXPECT_NEAR(found->ty, applied.ty, 1e-4);
}

// Values of Umeyama's formula by numpy's singular value decomposition, in double precision.
TEST(EstimateSimilarity, EqualsUmeyama) {
  const auto found = EstimateSimilarity(kFace, ArcFaceTemplate());
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->a, 0.8403721047599072, 1e-12);
  EXPECT_NEAR(found->b, 0.016796149831826597, 1e-12);
  EXPECT_NEAR(found->tx, -45.09900130405525, 1e-10);
  EXPECT_NEAR(found->ty, -42.270783954286316, 1e-10);
}

// A mirrored face is fitted by the best rotation, never by a reflection.
TEST(EstimateSimilarity, NeverMirrors) {
  Landmarks5 mirrored = kFace;
  for (Point& p : mirrored) p.x = 300 - p.x;
  const auto found = EstimateSimilarity(mirrored, ArcFaceTemplate());
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->a, 0.16093410446294648, 1e-12);
  EXPECT_NEAR(found->b, -0.011435185248324322, 1e-12);
}

TEST(EstimateSimilarity, PointsOnOneLineTurnWithIt) {
  Landmarks5 line;
  Landmarks5 turned;
  for (int i = 0; i < 5; ++i) {
    line[i] = {static_cast<float>(i), 0};
    turned[i] = {5, static_cast<float>(2 * i)};
  }
  const auto found = EstimateSimilarity(line, turned);
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->a, 0, 1e-12);
  EXPECT_NEAR(found->b, 2, 1e-12);
  EXPECT_NEAR(found->tx, 5, 1e-12);
  EXPECT_NEAR(found->ty, 0, 1e-12);
}

TEST(EstimateSimilarity, RefusesWhatHasNoPose) {
  Landmarks5 point;
  point.fill({3, 4});
  EXPECT_EQ(EstimateSimilarity(point, kFace).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(EstimateSimilarity(kFace, point).error().code, ErrorCode::kInvalidArgument);
  Landmarks5 broken = kFace;
  broken[2].y = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(EstimateSimilarity(broken, kFace).error().code, ErrorCode::kInvalidArgument);
  broken[2].y = std::numeric_limits<float>::infinity();
  EXPECT_EQ(EstimateSimilarity(broken, kFace).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(AlignFace(Image(8, 8), broken).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(AlignFace(ImageView{}, kFace).error().code, ErrorCode::kInvalidArgument);
}

TEST(ArcFaceTemplate, ScalesAndCentres) {
  EXPECT_EQ(ArcFaceTemplate()[0], (Point{38.2946f, 51.6963f}));
  EXPECT_EQ(ArcFaceTemplate(224)[2], (Point{2 * 56.0252f, 2 * 71.7366f}));
  EXPECT_EQ(ArcFaceTemplate(128)[3], (Point{49.5493f, 92.3655f}));
}

Image Gradient(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>(x);
      image.row(y)[3 * x + 1] = static_cast<std::uint8_t>(y);
    }
  }
  return image;
}

TEST(CropFace, AddsTheMarginAndClips) {
  const Image image = Gradient(200, 160);
  // 30.7 - 22 and 50.2 - 22 truncated to (8, 28); 60.9 + 22 and 80.9 + 22 to (82, 102).
  const auto crop = CropFace(image, Box{30.7f, 50.2f, 60.9f, 80.9f}, 74);
  ASSERT_TRUE(crop) << crop.error().message;
  EXPECT_EQ(crop->row(0)[0], 8);
  EXPECT_EQ(crop->row(0)[1], 28);
  EXPECT_EQ(crop->row(73)[3 * 73], 81);
  EXPECT_EQ(crop->row(73)[3 * 73 + 1], 101);
  const auto clipped = CropFace(image, Box{-50, -50, 300, 300}, 200);
  ASSERT_TRUE(clipped);
  EXPECT_EQ(clipped->row(0)[0], 0);
  EXPECT_EQ(clipped->row(199)[3 * 199], 199);
}

TEST(CropFace, TakesTheMiddleWithoutABox) {
  const auto crop = CropFace(Gradient(250, 250), std::nullopt, 250);
  ASSERT_TRUE(crop);
  EXPECT_EQ(*crop, Gradient(250, 250));  // inset 15, margin 22: all of it
  const auto large = CropFace(Gradient(800, 800), std::nullopt, 744);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->row(0)[0], 28);  // inset 50, margin 22
}

TEST(CropFace, RefusesWhatIsNotThere) {
  const Image image = Gradient(100, 100);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Box& box : {Box{300, 0, 400, 50}, Box{50, 50, -50, 60}, Box{nan, 0, 10, 10},
                         Box{0, 0, infinity, 10}, Box{0, -90, 50, -80}}) {
    EXPECT_EQ(CropFace(image, box).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(CropFace(ImageView{}, std::nullopt).error().code, ErrorCode::kInvalidArgument);
}

// Samples that differ at all, and by how much at most.
struct Difference {
  int samples = 0;
  int largest = 0;
};

Difference Compare(const Image& a, const Image& b) {
  Difference difference;
  for (std::size_t i = 0; i < a.size_bytes(); ++i) {
    const int d = std::abs(a.data()[i] - b.data()[i]);
    difference.samples += d != 0;
    difference.largest = std::max(difference.largest, d);
  }
  return difference;
}

// The crops of the ONNX Model Zoo's own preprocessing (scikit-image, OpenCV). It estimates in
// 32-bit floats, so a source position now and then falls to the other side of a 1/32 px step.
TEST(AlignFace, EqualsTheModelZoo) {
  VISAVIS_REQUIRE_SHARED("expected/align");
  VISAVIS_REQUIRE_SHARED("data/lfw/photos-fold1");
  std::ifstream file(SharedPath("expected/mtcnn/lfw_photos_fold1.json"));
  const auto photos = nlohmann::json::parse(file)["images"];
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SharedPath("expected/align"))) {
    const std::string stem = entry.path().stem().string();
    const std::string photo_name = stem.substr(0, stem.size() - 5) + "/" + stem + ".jpg";
    const auto& xy = photos[photo_name]["landmarks_x5_y5"];
    Landmarks5 landmarks;
    for (int i = 0; i < 5; ++i) landmarks[i] = {xy[i].get<float>(), xy[i + 5].get<float>()};

    const auto photo = ReadImage(SharedPath("data/lfw/photos-fold1/" + photo_name));
    const auto expected = ReadImage(entry.path().string());
    ASSERT_TRUE(photo) << photo.error().message;
    ASSERT_TRUE(expected) << expected.error().message;
    const auto crop = AlignFace(photo->image, landmarks);
    ASSERT_TRUE(crop) << crop.error().message;
    const Difference difference = Compare(crop->image, expected->image);
    EXPECT_LE(difference.samples, 12) << stem << ", of 37632";
    EXPECT_LE(difference.largest, 2) << stem;
    ++compared;
  }
  EXPECT_EQ(compared, 11);
}

TEST(FaceTemplates, NamesAndPlaces) {
  for (const FaceTemplateInfo& info : FaceTemplates()) {
    EXPECT_EQ(Name(info.face_template), info.name);
    const auto parsed = ParseFaceTemplate(info.name);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, info.face_template);
    // Every template is upright and inside the crop, and scales with it.
    const Landmarks5 small = TemplatePoints({112, info.face_template});
    const Landmarks5 large = TemplatePoints({224, info.face_template});
    for (std::size_t i = 0; i < small.size(); ++i) {
      EXPECT_GT(small[i].x, 20);
      EXPECT_LT(small[i].y, 100);
      EXPECT_NEAR(large[i].x, 2 * small[i].x, 1e-4);
      EXPECT_NEAR(large[i].y, 2 * small[i].y, 1e-4);
    }
    EXPECT_LT(small[0].y, small[2].y);
    EXPECT_LT(small[2].y, small[3].y);
  }
  EXPECT_EQ(TemplatePoints({112, FaceTemplate::kArcFace112}), ArcFaceTemplate(112));
  EXPECT_EQ(TemplatePoints({128, FaceTemplate::kArcFace128}), ArcFaceTemplate(128));
  EXPECT_NEAR(TemplatePoints({112, FaceTemplate::kArcFaceNarrow})[0].x, 30.2946f, 1e-4);
  const auto unknown = ParseFaceTemplate("dlib");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(unknown.error().message.find("arcface-112"), std::string::npos);
}

}  // namespace
}  // namespace visavis
