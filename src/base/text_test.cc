#include "base/text.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(Text, CsvFieldsAreQuotedOnlyWhereNeeded) {
  EXPECT_EQ(CsvField("plain name.jpg"), "plain name.jpg");
  EXPECT_EQ(CsvField("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvField("say \"a\"\n"), "\"say \"\"a\"\"\n\"");
}

TEST(Text, TsvFieldsHaveNoTabsOrLineEnds) { EXPECT_EQ(TsvField("a\tb\\\r\n"), "a\\tb\\\\\\r\\n"); }

TEST(Text, OneLineHasNoControlCharacters) {
  EXPECT_EQ(OneLine("a\n\x1b[31mb\x7f é"), "a\\x0a\\x1b[31mb\\x7f é");
}

TEST(Text, BrokenUtf8BecomesReplacementCharacters) {
  EXPECT_EQ(ValidUtf8("a é 人 😀"), "a é 人 😀");
  EXPECT_EQ(ValidUtf8("a\xff b"), "a\uFFFD b");
  EXPECT_EQ(ValidUtf8("\xC3"), "\uFFFD");                                // cut off
  EXPECT_EQ(ValidUtf8("\xC0\xAF"), "\uFFFD\uFFFD");                      // overlong
  EXPECT_EQ(ValidUtf8("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(ValidUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");            // surrogate
  EXPECT_EQ(ValidUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
}

}  // namespace
}  // namespace visavis
