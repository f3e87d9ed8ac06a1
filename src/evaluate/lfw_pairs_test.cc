#include "evaluate/lfw_pairs.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(ParseLfwPairs, SameThenDifferentInEveryFold) {
  const Result<LfwPairs> pairs = ParseLfwPairs(
      "2\t1\nAnn\t1\t4\nBob\t1\tCid\t2\r\n"
      "Dan 3 4\nEve 1 Fay 10\n",
      "pairs.txt");
  ASSERT_TRUE(pairs) << pairs.error().message;
  EXPECT_EQ(pairs->folds, 2);
  ASSERT_EQ(pairs->pairs.size(), 4u);
  EXPECT_TRUE(pairs->pairs[0].same);
  EXPECT_EQ(pairs->pairs[0].name_b, "Ann");
  EXPECT_EQ(pairs->pairs[0].number_b, 4);
  EXPECT_FALSE(pairs->pairs[3].same);
  EXPECT_EQ(pairs->pairs[3].name_b, "Fay");
  EXPECT_EQ(pairs->pairs[3].number_b, 10);
}

TEST(ParseLfwPairs, ErrorsNameTheLine) {
  for (const char* text : {"", "10", "x\t300\n", "0\t300\n", "1\t1\n", "1\t1\nAnn\t1\n",
                           "1\t1\nAnn\t1\t2\nBob\t1\tCid\n", "1\t1\nAnn\t1\tx\nBob\t1\tCid\t2\n",
                           "1\t1\nAnn\t1\t0\nBob\t1\tCid\t2\n", "1\t1\nAnn\t1\t2\n"}) {
    const Result<LfwPairs> pairs = ParseLfwPairs(text, "pairs.txt");
    ASSERT_FALSE(pairs) << text;
    EXPECT_EQ(pairs.error().code, ErrorCode::kCorruptData) << text;
    EXPECT_NE(pairs.error().message.find("pairs.txt: line "), std::string::npos);
  }
  EXPECT_EQ(ParseLfwPairs("2000000000\t2000000000\n", "pairs.txt").error().code,
            ErrorCode::kLimitExceeded);
}

TEST(LfwPath, FourDigits) {
  EXPECT_EQ(LfwPath("Ann_Example", 7), "Ann_Example/Ann_Example_0007.jpg");
}

}  // namespace
}  // namespace visavis
