#include "evaluate/pairs.h"

#include <gtest/gtest.h>

#include "../../tests/shared_data.h"
#include "base/file_system.h"

namespace visavis {
namespace {

TEST(LfwPairs, ReadsTheOfficialList) {
  VISAVIS_REQUIRE_SHARED("data/lfw/pairs.txt");
  const auto bytes = FileSystem::Real().ReadFile(SharedPath("data/lfw/pairs.txt"), 1 << 20).value();
  const auto list =
      ParseLfwPairs({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "pairs.txt");
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->pairs.size(), 6000u);
  EXPECT_EQ(list->images.size(), 7701u);
  EXPECT_EQ(list->images[0], "Abel_Pacheco/Abel_Pacheco_0001.jpg");
  EXPECT_TRUE(list->pairs[299].same);
  EXPECT_FALSE(list->pairs[300].same);
  EXPECT_EQ(list->pairs[5999].fold, 9);
}

TEST(LfwPairs, SaysWhichLineIsWrong) {
  EXPECT_EQ(ParseLfwPairs("", "p").error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(ParseLfwPairs("1 1\na 1 2\n", "p").error().message,
            "p: line 2: file ends in fold 1 of 1");
  EXPECT_EQ(ParseLfwPairs("1 1\na 1\n", "p").error().message, "p: line 2: want `name i j`");
  EXPECT_EQ(ParseLfwPairs("1 1\na 1 2\na x b 1\n", "p").error().message,
            "p: line 3: want `name1 i name2 j`");
}

TEST(CsvPairs, ReadsHeadersQuotesFoldsAndCohorts) {
  const auto list = ParseCsvPairs(
      "path_a,path_b,label,cohort,fold\n\"x,1.jpg\",y.jpg,same,old,3\nx2.jpg,y.jpg,0,young,\n",
      "c");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->pairs.size(), 2u);
  EXPECT_EQ(list->images, (std::vector<std::string>{"x,1.jpg", "y.jpg", "x2.jpg"}));
  EXPECT_EQ(list->cohorts, (std::vector<std::string>{"old", "young"}));
  EXPECT_EQ(list->pairs[0].fold, 3);
  EXPECT_EQ(list->pairs[1].fold, -1);
  EXPECT_EQ(list->pairs[1].cohort, 1);
}

TEST(CsvPairs, FoldsCountFromZeroOrOne) {
  for (const char* text : {"a,b,1,0\nc,d,0,1\n", "a,b,1,1\nc,d,0,2\n"}) {
    const auto list = ParseCsvPairs(text, "c");
    ASSERT_TRUE(list) << list.error().message;
    EXPECT_EQ(list->pairs[0].fold, 0) << text;
    EXPECT_EQ(list->pairs[1].fold, 1) << text;
  }
  EXPECT_FALSE(ParseCsvPairs("a,b,1,2147483647\n", "c"));
}

TEST(CsvPairs, SaysWhichLineIsWrong) {
  EXPECT_FALSE(ParseCsvPairs("", "c"));
  EXPECT_EQ(ParseCsvPairs("a,b,1\na,b\n", "c").error().message,
            "c: line 2: want path_a,path_b,label[,fold][,cohort]");
  EXPECT_FALSE(ParseCsvPairs("a,b,maybe\n", "c"));
  EXPECT_FALSE(ParseCsvPairs("a,\"b,1\n", "c"));
  EXPECT_FALSE(ParseCsvPairs("a,b,1,-2\n", "c"));
}

TEST(CfpPairs, IndexesTheTwoLists) {
  const auto list = ParseCfpPairs("1 f/a.jpg\n2 f/b.jpg\n", "1 p/a.jpg\n", {{"2,1\n", "1,1\n"}},
                                  true, "Protocol");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->pairs.size(), 2u);
  EXPECT_EQ(list->images[list->pairs[0].a], "f/b.jpg");
  EXPECT_EQ(list->images[list->pairs[0].b], "p/a.jpg");
  EXPECT_TRUE(list->pairs[0].same);
  EXPECT_FALSE(list->pairs[1].same);
  EXPECT_FALSE(ParseCfpPairs("1 f/a.jpg\n", "1 p/a.jpg\n", {{"2,1\n", ""}}, true, "Protocol"));
  EXPECT_FALSE(ParseCfpPairs("2 f/a.jpg\n", "1 p/a.jpg\n", {}, true, "Protocol"));
}

}  // namespace
}  // namespace visavis
