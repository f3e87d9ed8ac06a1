#include <gtest/gtest.h>

#include "visavis/detect.h"

namespace visavis {
namespace {

Face MakeFace(float x1, float y1, float x2, float y2, float score) {
  Face face;
  face.box = {x1, y1, x2, y2};
  face.score = score;
  return face;
}

// In a 200 x 100 picture: a corner face with the best score, the largest face at the right, a
// smaller one in the middle.
const std::vector<Face> Faces() {
  return {MakeFace(0, 0, 20, 20, 0.99f), MakeFace(150, 10, 200, 60, 0.9f),
          MakeFace(80, 30, 120, 70, 0.95f)};
}

TEST(ChooseFaces, EachChoice) {
  const std::vector<Face> faces = Faces();
  using Indices = std::vector<std::size_t>;
  EXPECT_EQ(ChooseFaces(faces, 200, 100, FaceChoice::kBestScore), (Indices{0}));
  EXPECT_EQ(ChooseFaces(faces, 200, 100, FaceChoice::kLargest), (Indices{1}));
  EXPECT_EQ(ChooseFaces(faces, 200, 100, FaceChoice::kLargestCentral), (Indices{2}));
  EXPECT_EQ(ChooseFaces(faces, 200, 100, FaceChoice::kAll), (Indices{0, 2, 1}));
}

TEST(ChooseFaces, NoFaceIsNoIndex) {
  for (const FaceChoice choice : {FaceChoice::kLargestCentral, FaceChoice::kLargest,
                                  FaceChoice::kBestScore, FaceChoice::kAll}) {
    EXPECT_TRUE(ChooseFaces({}, 200, 100, choice).empty());
  }
}

}  // namespace
}  // namespace visavis
