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

}  // namespace
}  // namespace visavis
