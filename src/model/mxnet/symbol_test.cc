#include "model/mxnet/symbol.h"

#include <gtest/gtest.h>

#include "model/mxnet/attributes.h"
#include "model/mxnet/test_files.h"

namespace visavis::mxnet {
namespace {

Result<Symbol> Parse(std::string_view json, const Limits& limits = {}) {
  return ParseSymbol(AsBytes(json), "s.json", limits);
}

TEST(MxnetSymbolTest, MergesTheThreeAttributeKeysAndSkipsTrainingHints) {
  const auto symbol = Parse(R"j({"nodes": [
      {"op": "null", "name": "data", "inputs": []},
      {"op": "Pooling", "name": "p", "param": {"kernel": "(2,2)"}, "attr": {"stride": "(1, 1)"},
       "attrs": {"pool_type": "max", "__lr_mult__": "2", "global_pool": true, "n": 3},
       "inputs": [[0, 0, 0]]}], "heads": [[1, 0]]})j");
  ASSERT_TRUE(symbol) << symbol.error().message;
  const std::map<std::string, std::string, std::less<>> want{{"kernel", "(2,2)"},
                                                             {"stride", "(1, 1)"},
                                                             {"pool_type", "max"},
                                                             {"global_pool", "true"},
                                                             {"n", "3"}};
  EXPECT_EQ(symbol->nodes[1].attributes, want);
  EXPECT_EQ(symbol->nodes[1].inputs.size(), 1u);
}

TEST(MxnetSymbolTest, RefusesWhatIsNoSymbol) {
  for (const std::string_view json : std::initializer_list<std::string_view>{
           "", "{", "[]", "{}", R"({"nodes": []})", R"({"nodes": [], "heads": []})",
           R"({"nodes": [1], "heads": [[0, 0]]})",
           R"({"nodes": [{"op": "null", "name": 5}], "heads": [[0, 0]]})",
           R"({"nodes": [{"op": "null", "name": "x"}], "heads": [[1, 0]]})",
           R"({"nodes": [{"op": "null", "name": "x"}], "heads": [[-1, 0]]})",
           R"({"nodes": [{"op": "null", "name": "x"}], "heads": [[99999999999999999999, 0]]})",
           R"({"nodes": [{"op": "null", "name": "x"}], "heads": [[0.5, 0]]})",
           // an edge to the node itself
           R"({"nodes": [{"op": "relu", "name": "x", "inputs": [[0, 0]]}], "heads": [[0, 0]]})",
           R"({"nodes": [{"op": "null", "name": "x", "name": "y"}], "heads": [[0, 0]]})"}) {
    const auto symbol = Parse(json);
    ASSERT_FALSE(symbol) << json.substr(0, 80);
    EXPECT_EQ(symbol.error().code, ErrorCode::kCorruptData);
    EXPECT_TRUE(symbol.error().message.starts_with("s.json: ")) << symbol.error().message;
  }
  EXPECT_EQ(Parse(std::string(200'000, '[')).error().code, ErrorCode::kLimitExceeded);
}

TEST(MxnetSymbolTest, CountsNodesAgainstTheLimit) {
  Limits limits;
  limits.graph_nodes = 1;
  const auto symbol = Parse(R"({"nodes": [{"op": "null", "name": "a"}, {"op": "null", "name": "b"}],
                                "heads": [[0, 0]]})",
                            limits);
  ASSERT_FALSE(symbol);
  EXPECT_EQ(symbol.error().code, ErrorCode::kLimitExceeded);
}

TEST(MxnetAttributesTest, ReadsEverySpelling) {
  SymbolNode node{"Op", "n", {}, {}};
  node.attributes = {{"a", "(3, 3)"}, {"b", "(3,3)"},  {"c", "[3, 3]"},  {"d", "(3L, 3L)"},
                     {"e", "(3,)"},   {"f", "3"},      {"g", "()"},      {"yes", "True"},
                     {"one", "1"},    {"no", "false"}, {"none", "None"}, {"eps", "2e-05"}};
  AttributeReader reader(node, "s.json");
  const std::vector<std::int64_t> pair{3, 3};
  for (const char* key : {"a", "b", "c", "d"}) EXPECT_EQ(reader.Tuple(key, {}), pair) << key;
  EXPECT_EQ(reader.Tuple("e", {}), std::vector<std::int64_t>{3});
  EXPECT_EQ(reader.Tuple("f", {}), std::vector<std::int64_t>{3});
  EXPECT_TRUE(reader.Tuple("g", {9}).empty());
  EXPECT_TRUE(reader.Bool("yes", false));
  EXPECT_TRUE(reader.Bool("one", false));
  EXPECT_FALSE(reader.Bool("no", true));
  EXPECT_EQ(reader.Int("none", 5), 5);
  EXPECT_EQ(reader.Int("absent", 6), 6);
  EXPECT_DOUBLE_EQ(reader.Number("eps", 0), 2e-5);
  EXPECT_TRUE(reader.status());
}

TEST(MxnetAttributesTest, RemembersTheFirstMalformedValue) {
  SymbolNode node{"Op", "n", {}, {}};
  node.attributes = {{"kernel", "(3, x)"}, {"flag", "perhaps"}};
  AttributeReader reader(node, "s.json");
  EXPECT_EQ(reader.Tuple("kernel", {1}), std::vector<std::int64_t>{1});
  EXPECT_TRUE(reader.Bool("flag", true));
  ASSERT_FALSE(reader.status());
  EXPECT_EQ(reader.status().error().message,
            "s.json: node n (Op): kernel is '(3, x)', want integers such as (3, 3)");
}

}  // namespace
}  // namespace visavis::mxnet
