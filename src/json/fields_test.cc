#include "json/fields.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace visavis {
namespace {

using Json = nlohmann::json;

// The message about the first thing that `read` finds wrong, or nothing.
std::string Problem(const char* text, const std::function<void(Fields&)>& read,
                    const FieldRules& rules = {}) {
  const Json json = Json::parse(text);
  FirstError sink("f.json", rules);
  Fields fields(&json, "", sink);
  read(fields);
  return sink.error() ? sink.error()->message : "";
}

TEST(Fields, ReadsValuesAndFallbacks) {
  const std::string problem = Problem(
      R"({"text": "t", "flag": true, "number": 1.5, "whole": 7, "texts": ["a", "b"],
          "numbers": [1, 2.5], "object": {"x": 1}, "items": [{"x": 1}, {"x": 2}]})",
      [](Fields& fields) {
        EXPECT_EQ(fields.Text("text", 10), "t");
        EXPECT_TRUE(fields.Flag("flag"));
        EXPECT_EQ(fields.Number("number", 0, 2), 1.5);
        EXPECT_EQ(fields.Integer("whole"), 7);
        EXPECT_EQ(fields.TextsOrNone("texts", 2, 1), (std::vector<std::string>{"a", "b"}));
        EXPECT_EQ(fields.NumbersOrNone("numbers", 2, 0, 3), (std::vector<double>{1, 2.5}));
        EXPECT_EQ(fields.Object("object").Integer("x"), 1);
        std::int64_t sum = 0;
        for (Fields& item : fields.Items("items", 2)) sum += item.Integer("x");
        EXPECT_EQ(sum, 3);
        EXPECT_EQ(fields.TextOr("none", 10, "other"), "other");
        EXPECT_EQ(fields.NumberOr("none", 0, 1, 0.5), 0.5);
        EXPECT_EQ(fields.IntegerOr("none", 0, 1, 9), 9);
        EXPECT_TRUE(fields.TextsOrNone("none", 2, 1).empty());
        EXPECT_TRUE(fields.NumbersOrNone("none", 2, 0, 1).empty());
        EXPECT_TRUE(fields.ItemsOrNone("none", 2).empty());
        fields.Finish();
      });
  // "none" was asked for, so it is known; nothing is wrong.
  EXPECT_EQ(problem, "");
}

TEST(Fields, SaysWhereWhatWasFoundAndWhatWasWanted) {
  struct Case {
    const char* text;
    std::function<void(Fields&)> read;
    const char* message;
  };
  const Case cases[] = {
      {"[1, 2]", [](Fields&) {}, "f.json: document: an array of 2, want an object"},
      {"{}", [](Fields& f) { f.Text("a", 9); }, "f.json: a: is missing, want it"},
      {R"({"a": 5})", [](Fields& f) { f.Text("a", 9); }, "f.json: a: found 5, want a text"},
      {R"({"a": ""})", [](Fields& f) { f.Text("a", 9); }, "f.json: a: is empty, want a text"},
      {R"({"a": "12345"})", [](Fields& f) { f.Text("a", 4); },
       "f.json: a: 5 bytes of text, want at most 4"},
      {R"({"a": 1})", [](Fields& f) { f.Flag("a"); }, "f.json: a: found 1, want true or false"},
      {R"({"a": 3})", [](Fields& f) { f.Number("a", 0, 2); },
       "f.json: a: found 3, want a number from 0 to 2"},
      {R"({"a": "1"})", [](Fields& f) { f.NumberOr("a", 0, 2, 1); },
       "f.json: a: found \"1\", want a number from 0 to 2"},
      {R"({"a": 1.5})", [](Fields& f) { f.Integer("a"); },
       "f.json: a: found 1.5, want a whole number of at least 0"},
      {R"({"a": 18446744073709551615})", [](Fields& f) { f.IntegerOr("a", 0, 4, 1); },
       "f.json: a: found 18446744073709551615, want a whole number from 0 to 4"},
      {R"({"a": [1, 2]})", [](Fields& f) { f.Array("a", 1); },
       "f.json: a: 2 items, want at most 1"},
      {R"({"a": {"b": []}})", [](Fields& f) { f.Object("a").Object("b"); },
       "f.json: a.b: an array of 0, want an object"},
      {R"({"a": [{}, 7]})", [](Fields& f) { f.Items("a", 9); }, "f.json: a[1]: 7, want an object"},
      {R"({"a": ["x", 7]})", [](Fields& f) { f.TextsOrNone("a", 9, 4); },
       "f.json: a[1]: found 7, want a text of at most 4 bytes"},
      {R"({"a": [1, "2"]})", [](Fields& f) { f.NumbersOrNone("a", 9, 0, 4); },
       "f.json: a[1]: found \"2\", want a number from 0 to 4"},
      {R"({"a": [{"b": 1, "c": 2}]})",
       [](Fields& f) {
         for (Fields& item : f.Items("a", 9)) {
           item.Integer("b");
           item.Finish();
         }
       },
       "f.json: a[0].c: is no key of this version, want one of b"},
      {R"({"x-a": 1})", [](Fields& f) { f.Finish(); },
       "f.json: x-a: is no key of this version, want one of "},
      {R"({"a": null})", [](Fields& f) { f.TextOr("a", 9, ""); },
       "f.json: a: found null, want a text"},
      // The first error stays.
      {R"({"a": 1, "b": 2})",
       [](Fields& f) {
         f.Text("b", 9);
         f.Text("a", 9);
       },
       "f.json: b: found 2, want a text"}};
  for (const Case& c : cases) EXPECT_EQ(Problem(c.text, c.read), c.message) << c.text;
}

TEST(Fields, FollowsTheRulesOfAFormat) {
  const auto read = [](Fields& fields) {
    EXPECT_EQ(fields.Integer("whole"), 12);
    EXPECT_EQ(fields.Number("number", 0, 2), 0.5);
    EXPECT_EQ(fields.TextOr("null", 9, "fallback"), "fallback");
    fields.Finish();
  };
  const FieldRules rules{.numbers_as_text = true, .null_is_absent = true, .extensions = true};
  EXPECT_EQ(Problem(R"({"whole": "12", "number": "0.5", "null": null, "x-y": 1})", read, rules),
            "");
  EXPECT_EQ(Problem(R"({"whole": "12k"})", [](Fields& f) { f.Integer("whole"); }, rules),
            "f.json: whole: found \"12k\", want a whole number of at least 0");
}

}  // namespace
}  // namespace visavis
