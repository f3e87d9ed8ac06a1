#include "zoo/regex_replace.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(RegexReplace, DoesWhatOpenModelZooDoes) {
  const std::string text = "dim: 1\ndim: 3\ndim: 12\ndim: 12\n";
  const auto once = RegexReplace(text, "dim: 12", "dim: 720", 1);
  ASSERT_TRUE(once) << once.error().message;
  EXPECT_EQ(*once, "dim: 1\ndim: 3\ndim: 720\ndim: 12\n");
  EXPECT_EQ(RegexReplace(*once, "dim: 12", "dim: 1280", 1).value(),
            "dim: 1\ndim: 3\ndim: 720\ndim: 1280\n");
  EXPECT_EQ(RegexReplace("aXbX", "X", "-", 0).value(), "a-b-");
}

TEST(RegexReplace, KnowsGroupsAndEscapes) {
  EXPECT_EQ(RegexReplace("from ..a import b", R"(from \.\.(\w+) import (?P<what>\w+))",
                         R"(import \1, \g<what>\g<1>\n\\)", 0)
                .value(),
            "import a, ba\n\\");
  EXPECT_EQ(RegexReplace("abc", "x*", "-", 0).value(), "-a-b-c-");
  EXPECT_EQ(RegexReplace("\xC3\xA9", "(?=.)", "-", 0).value(), "-\xC3\xA9");
}

TEST(RegexReplace, TooFewMatchesAreAnError) {
  EXPECT_EQ(RegexReplace("abc", "x", "y", 0).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(RegexReplace("abc", "a", "y", 2).error().code, ErrorCode::kNotFound);
}

TEST(RegexReplace, RefusesWhatIsBrokenOrRunsAway) {
  EXPECT_EQ(RegexReplace("a", "(", "", 0).error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(RegexReplace("a", "a", R"(\2)", 0).error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(RegexReplace("a", "a", R"(\g<x>)", 0).error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(RegexReplace("a", "a", "\\", 0).error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(RegexReplace("\xFF", "a", "b", 0).error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(RegexReplace(std::string(5000, 'a') + "!", "(a+)+$", "b", 0).error().code,
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(RegexReplace(std::string(300'000, 'a'), "a", std::string(1000, 'b'), 0).error().code,
            ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace visavis
