#include "json/parse.h"

#include <gtest/gtest.h>

#include <string>

namespace visavis {
namespace {

Error ErrorOf(const std::string& text, const JsonLimits& limits = {}) {
  const auto json = ParseJson(text, "f.json", limits);
  EXPECT_FALSE(json) << text.substr(0, 80);
  return json ? Error{} : json.error();
}

TEST(ParseJson, ReadsADocument) {
  const auto json = ParseJson(R"({"b": [1, {"c": "]["}], "a": null})", "f.json", {40, 3});
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->dump(), R"({"a":null,"b":[1,{"c":"]["}]})");
  const auto ordered = ParseJson<nlohmann::ordered_json>(R"({"b": 1, "a": 2})", "f.json");
  ASSERT_TRUE(ordered) << ordered.error().message;
  EXPECT_EQ(ordered->dump(), R"({"b":1,"a":2})");
}

TEST(ParseJson, HasLimits) {
  const Error long_text = ErrorOf("[1, 2]", {5, 32});
  EXPECT_EQ(long_text.code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(long_text.message, "f.json: 6 bytes, want at most 5");
  const Error deep = ErrorOf(std::string(1'000'000, '['));
  EXPECT_EQ(deep.code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(deep.message, "f.json: JSON nested 1000000 deep, want at most 32");
  EXPECT_EQ(ErrorOf("[[[[]]]]", {100, 3}).code, ErrorCode::kLimitExceeded);
}

TEST(ParseJson, SaysWhereTextIsNoJson) {
  for (const char* text :
       {"", "{", "[1,]", "{} {}", "\xff\xfe{}", "nul", "[\"\xc3\"]", "[1e999]"}) {
    const Error error = ErrorOf(text);
    EXPECT_EQ(error.code, ErrorCode::kCorruptData) << text;
    EXPECT_TRUE(error.message.starts_with("f.json: is no JSON, ")) << error.message;
  }
  EXPECT_EQ(ErrorOf("[1,]").message, "f.json: is no JSON, wrong at byte 4");
}

TEST(ParseJson, RefusesAKeyThatIsThereTwice) {
  EXPECT_EQ(ErrorOf(R"({"x": {"a": 1, "a": 2}})").message, R"(f.json: key "a" is there twice)");
  EXPECT_TRUE(ParseJson(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})", "f.json"));
}

}  // namespace
}  // namespace visavis
