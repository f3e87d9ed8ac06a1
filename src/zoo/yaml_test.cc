#include "zoo/yaml.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(Yaml, ReadsWhatModelFilesHold) {
  const auto json = ParseYaml(R"(
# a comment
description: >-
  two lines
  of text
size: 235
flag: yes
list: [1, 3, "x"]
files:
  - name: a
    source: {$type: http, url: "http://x/y"}
empty:
)",
                              "f");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->at("description"), "two lines of text");
  EXPECT_EQ(json->at("size"), "235");
  EXPECT_EQ(json->at("flag"), "yes");
  EXPECT_EQ(json->at("list").dump(), R"(["1","3","x"])");
  EXPECT_EQ(json->at("files").at(0).at("source").at("$type"), "http");
  EXPECT_EQ(json->at("empty"), "");
}

TEST(Yaml, AliasesAreCopies) {
  const auto json = ParseYaml("a: &x [1, 2]\nb: *x\n", "f");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->at("b"), json->at("a"));
  EXPECT_EQ(ParseYaml("a: *x\n", "f").error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(ParseYaml("a: &x [*x]\n", "f").error().code, ErrorCode::kCorruptData);
}

TEST(Yaml, AbsurditiesHitALimit) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", " : "") + last;
    bomb += "]\n";
  }
  EXPECT_EQ(ParseYaml(bomb, "f").error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(ParseYaml(std::string(100'000, '['), "f").error().code, ErrorCode::kLimitExceeded);
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_EQ(ParseYaml(deep, "f").error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(ParseYaml("a: " + std::string(2 << 20, 'x'), "f").error().code,
            ErrorCode::kLimitExceeded);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "- 1\n";
  EXPECT_EQ(ParseYaml(many, "f").error().code, ErrorCode::kLimitExceeded);
}

TEST(Yaml, RefusesWhatIsNoDocument) {
  EXPECT_EQ(ParseYaml({}, "f").error().code, ErrorCode::kCorruptData);
  for (const char* text : {"", "a: b: c", "a: 1\na: 2\n", "---\na: 1\n---\nb: 2\n", "[1, 2",
                           "\t- x", "? [a]\n: b\n", "a: \"\\xZZ\"", "\xFF\xFE\xFF"}) {
    const auto json = ParseYaml(text, "file.yml");
    ASSERT_FALSE(json) << text;
    EXPECT_EQ(json.error().code, ErrorCode::kCorruptData) << text;
    EXPECT_TRUE(json.error().message.starts_with("file.yml: line ")) << json.error().message;
  }
  EXPECT_EQ(ParseYaml("<<: x\n", "f").error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace visavis
