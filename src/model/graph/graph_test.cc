#include "model/graph/graph.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

// x -> Relu -> y -> Relu -> z, nodes in the order given.
Graph Chain(bool reversed) {
  Graph graph;
  const ValueId x = graph.AddValue("x");
  const ValueId y = graph.AddValue("y");
  const ValueId z = graph.AddValue("z");
  graph.inputs = {x};
  graph.outputs = {z};
  const Node first{"first", "Relu", "", {x}, {y}, {}};
  const Node second{"second", "Relu", "", {y}, {z}, {}};
  graph.nodes = reversed ? std::vector<Node>{second, first} : std::vector<Node>{first, second};
  return graph;
}

TEST(GraphTest, SortsNodesThatAreOutOfOrder) {
  Graph graph = Chain(/*reversed=*/true);
  ASSERT_TRUE(ValidateAndSort(graph, "test"));
  EXPECT_EQ(graph.nodes[0].name, "first");
  EXPECT_EQ(graph.nodes[1].name, "second");
}

TEST(GraphTest, KeepsTheOrderOfTheFileWhenItIsGood) {
  Graph graph = Chain(/*reversed=*/false);
  ASSERT_TRUE(ValidateAndSort(graph, "test"));
  EXPECT_EQ(graph.nodes[0].name, "first");
}

TEST(GraphTest, RefusesACycleWithTheNodeInTheMessage) {
  Graph graph = Chain(false);
  graph.nodes[0].inputs = {graph.FindValue("z")};
  const Status status = ValidateAndSort(graph, "bad.onnx");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(status.error().message,
            "bad.onnx: node first (Relu): depends on itself through a cycle");
}

TEST(GraphTest, RefusesAValueThatReadsItself) {
  Graph graph = Chain(false);
  graph.nodes[1].inputs = {graph.FindValue("z")};
  EXPECT_FALSE(ValidateAndSort(graph, "test"));
}

TEST(GraphTest, RefusesASecondDefinition) {
  Graph graph = Chain(false);
  graph.nodes[1].outputs = {graph.FindValue("y")};
  const Status twice = ValidateAndSort(graph, "test");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "test: value 'y' is defined 2 times, want once");

  Graph shadowed = Chain(false);
  shadowed.inputs.push_back(shadowed.FindValue("y"));
  EXPECT_FALSE(ValidateAndSort(shadowed, "test"));
}

TEST(GraphTest, RefusesAValueWithoutOrigin) {
  Graph graph = Chain(false);
  graph.inputs.clear();
  const Status status = ValidateAndSort(graph, "test");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "test: node first (Relu): input 'x' is defined nowhere");

  Graph dangling = Chain(false);
  dangling.outputs.push_back(dangling.AddValue("nowhere"));
  EXPECT_FALSE(ValidateAndSort(dangling, "test"));
}

TEST(GraphTest, RefusesIdsOutOfRange) {
  for (const ValueId bad : {-2, 3, 1 << 30}) {
    Graph as_input = Chain(false);
    as_input.nodes[0].inputs = {bad};
    EXPECT_FALSE(ValidateAndSort(as_input, "test")) << bad;
    Graph as_output = Chain(false);
    as_output.outputs = {bad};
    EXPECT_FALSE(ValidateAndSort(as_output, "test")) << bad;
  }
}

TEST(GraphTest, SortsALongChainWithoutRecursion) {
  constexpr int kNodes = 200'000;
  Graph graph;
  graph.AddValue("v0");
  graph.inputs = {0};
  for (int i = 1; i <= kNodes; ++i) graph.AddValue("v");
  for (int i = kNodes; i >= 1; --i) {
    graph.nodes.push_back(Node{"", "Relu", "", {i - 1}, {i}, {}});
  }
  graph.outputs = {kNodes};
  ASSERT_TRUE(ValidateAndSort(graph, "test"));
  for (int i = 0; i < kNodes; ++i) ASSERT_EQ(graph.nodes[static_cast<std::size_t>(i)].inputs[0], i);
}

TEST(GraphTest, AttributesOfAnotherTypeReadAsAbsent) {
  Node node{"n", "Op", "", {}, {}, {}};
  node.attributes["i"] = std::int64_t{7};
  node.attributes["f"] = 0.5f;
  node.attributes["s"] = std::string("text");
  node.attributes["is"] = std::vector<std::int64_t>{1, 2};
  EXPECT_EQ(node.Int("i", 0), 7);
  EXPECT_EQ(node.Int("f", 3), 3);
  EXPECT_EQ(node.Float("f", 0), 0.5f);
  EXPECT_EQ(node.Float("i", 2), 2);
  EXPECT_EQ(node.String("s", ""), "text");
  EXPECT_EQ(node.String("none", "fallback"), "fallback");
  ASSERT_NE(node.Ints("is"), nullptr);
  EXPECT_EQ(node.Ints("is")->size(), 2u);
  EXPECT_EQ(node.Floats("is"), nullptr);
  EXPECT_EQ(node.TensorAttribute("is"), nullptr);
  EXPECT_TRUE(node.Has("s"));
  EXPECT_FALSE(node.Has("t"));
}

TEST(GraphTest, ProducersAndConsumersCountEveryEdge) {
  Graph graph = Chain(false);
  graph.nodes[1].op_type = "Mul";
  graph.nodes[1].inputs = {1, 1};
  EXPECT_EQ(Producers(graph), (std::vector<int>{-1, 0, 1}));
  EXPECT_EQ(Consumers(graph)[1], (std::vector<int>{1, 1}));
}

TEST(GraphTest, ConstantsKnowTheirShape) {
  Graph graph;
  const ValueId id = graph.AddConstant("w", Tensor(DType::kI8, Shape{2, 3}));
  EXPECT_EQ(graph.value(id).dtype, DType::kI8);
  EXPECT_EQ(*graph.value(id).shape, (std::vector<Dim>{Dim{2, {}}, Dim{3, {}}}));
  ASSERT_NE(graph.constant(id), nullptr);
  EXPECT_EQ(graph.constant(kNoValue), nullptr);
}

}  // namespace
}  // namespace visavis
