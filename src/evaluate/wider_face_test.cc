#include "evaluate/wider_face.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(WiderFace, AnnotationsAsPublished) {
  const auto photos = ParseWiderAnnotations(
      "0--Parade/0_Parade_a_849.jpg\r\n1\r\n449 330 122 149 0 0 0 0 0 0 \r\n"
      "0--Parade/b c.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"
      "1--Handshaking/c.jpg\n2\n1 2 3 4 0 0 0 1 0 0\n5 6 7.5 8\n"
      "2--X/d.jpg\n0\n",
      "gt.txt");
  ASSERT_TRUE(photos) << photos.error().message;
  ASSERT_EQ(photos->size(), 4u);
  EXPECT_EQ((*photos)[0].path, "0--Parade/0_Parade_a_849.jpg");
  ASSERT_EQ((*photos)[0].faces.size(), 1u);
  EXPECT_EQ((*photos)[0].faces[0], (Box{449, 330, 571, 479}));
  EXPECT_EQ((*photos)[1].path, "0--Parade/b c.jpg");
  EXPECT_TRUE((*photos)[1].faces.empty());
  EXPECT_EQ((*photos)[2].valid, (std::vector<bool>{false, true}));
  EXPECT_TRUE((*photos)[3].faces.empty());
}

TEST(WiderFace, BrokenAnnotationsNameTheLine) {
  const auto message = [](std::string_view text) {
    const auto photos = ParseWiderAnnotations(text, "gt.txt");
    EXPECT_FALSE(photos);
    return photos ? std::string() : photos.error().message;
  };
  EXPECT_THAT(message("a.jpg"), testing::HasSubstr("gt.txt: line 1"));
  EXPECT_THAT(message("a.jpg\nmany\n"), testing::HasSubstr("line 2"));
  EXPECT_THAT(message("a.jpg\n-1\n"), testing::HasSubstr("line 2"));
  EXPECT_THAT(message("a.jpg\n99999999999\n"), testing::HasSubstr("line 2"));
  EXPECT_THAT(message("a.jpg\n2\n1 2 3 4\n"), testing::HasSubstr("x y width height"));
  EXPECT_THAT(message("a.jpg\n1\n1 2 nan 4\n"), testing::HasSubstr("line 3"));
  EXPECT_THAT(message("a.jpg\n1\n1 2 1e300 4\n"), testing::HasSubstr("line 3"));
  EXPECT_THAT(message("../a.jpg\n0\n"), testing::HasSubstr("inside the folder"));
  EXPECT_THAT(message("/a.jpg\n0\n"), testing::HasSubstr("inside the folder"));
  EXPECT_THAT(message("x/../../a.jpg\n0\n"), testing::HasSubstr("inside the folder"));
}

TEST(WiderFace, CountedFaces) {
  const auto counted = ParseCountedFaces("e/a.jpg 1 3\n\ne/b.jpg\ne/c.jpg 2\n", "easy.txt");
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_EQ(counted->at("e/a.jpg"), (std::vector<int>{1, 3}));
  EXPECT_TRUE(counted->at("e/b.jpg").empty());
  EXPECT_FALSE(ParseCountedFaces("e/a.jpg 0\n", "easy.txt"));
  EXPECT_FALSE(ParseCountedFaces("e/a.jpg one\n", "easy.txt"));
}

TEST(WiderFace, DetectionsReadBackAsWritten) {
  const std::vector<Face> faces{{{-1.5f, 2, 30.25f, 40}, 0.875f, {}}, {{0, 0, 5, 7}, 0.5f, {}}};
  const auto read = ParseWiderDetections(FormatWiderDetections("a", faces), "a.txt");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*read)[i].box, faces[i].box);
    EXPECT_EQ((*read)[i].score, faces[i].score);
  }
  EXPECT_FALSE(ParseWiderDetections("a\n", "a.txt"));
  EXPECT_FALSE(ParseWiderDetections("a\n2\n1 2 3 4 0.5\n", "a.txt"));
  EXPECT_FALSE(ParseWiderDetections("a\n1\n1 2 3 4\n", "a.txt"));
}

}  // namespace
}  // namespace visavis
