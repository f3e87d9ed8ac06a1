#include "model/graph/passes/passes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"

namespace visavis {
namespace {

std::map<std::string, int> CountOperators(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes) ++counts[node.domain + ":" + node.op_type];
  return counts;
}

// A graph under construction: x -> node -> node ...
struct Chain {
  Graph graph;
  ValueId last = kNoValue;

  Chain() {
    graph.opset = 11;
    last = graph.AddValue("x");
    graph.inputs = {last};
    graph.value(last).shape = std::vector<Dim>{{-1, "N"}, {2, ""}, {-1, "H"}, {-1, "W"}};
  }
  ValueId Floats(const std::string& name, Shape shape, std::vector<float> values) {
    return graph.AddConstant(name,
                             Tensor::From<float>(std::move(shape), std::span<const float>(values)));
  }
  Node& Add(const std::string& type, std::vector<ValueId> more = {}) {
    Node node;
    node.name = fmt::format("{}{}", type, graph.nodes.size());
    node.op_type = type;
    node.inputs = {last};
    node.inputs.insert(node.inputs.end(), more.begin(), more.end());
    last = graph.AddValue(fmt::format("{}_y", node.name));
    node.outputs = {last};
    graph.nodes.push_back(node);
    return graph.nodes.back();
  }
  ValueId Weights(std::int64_t out, std::int64_t in, std::int64_t kernel) {
    std::vector<float> w(static_cast<std::size_t>(out * in * kernel * kernel), 0.5f);
    return Floats(fmt::format("w{}", graph.nodes.size()), Shape{out, in, kernel, kernel}, w);
  }
  void BatchNorm(std::vector<float> gamma, std::vector<float> beta) {
    const Shape shape{static_cast<std::int64_t>(gamma.size())};
    const std::vector<float> zeros(gamma.size(), 0);
    const std::vector<float> ones(gamma.size(), 1);
    const auto name = [&](const char* what) {
      return fmt::format("{}{}", what, graph.nodes.size());
    };
    Add("BatchNormalization", {Floats(name("g"), shape, gamma), Floats(name("b"), shape, beta),
                               Floats(name("m"), shape, zeros), Floats(name("v"), shape, ones)})
        .attributes["epsilon"] = 0.0f;
  }
  Graph Finish() {
    graph.outputs = {last};
    return graph;
  }
};

TEST(Passes, RemoveIdentitiesKeepsTheNameOfAnOutput) {
  Chain chain;
  chain.Add("Relu");
  chain.Add("Identity");
  chain.Add("Dropout");
  const ValueId named = chain.last;
  const Graph result = RemoveIdentities(chain.Finish());
  ASSERT_EQ(result.nodes.size(), 1u);
  EXPECT_EQ(result.nodes[0].op_type, "Relu");
  EXPECT_EQ(result.nodes[0].outputs[0], named);
}

TEST(Passes, RemoveIdentitiesKeepsADropoutWhoseMaskIsUsed) {
  Chain chain;
  Node& dropout = chain.Add("Dropout");
  const ValueId mask = chain.graph.AddValue("mask");
  dropout.outputs.push_back(mask);
  Graph graph = chain.Finish();
  graph.outputs.push_back(mask);
  EXPECT_EQ(RemoveIdentities(graph).nodes.size(), 1u);
}

TEST(Passes, BatchNormBehindAConvolutionBecomesScaleAndBias) {
  Chain chain;
  chain.Add("Conv", {chain.Weights(2, 3, 1)});
  chain.BatchNorm({2, 4}, {1, -1});
  chain.Add("Relu");
  const Graph result = AttachEpilogues(FuseLinear(chain.Finish()));
  ASSERT_EQ(result.nodes.size(), 1u);
  const Node& conv = result.nodes[0];
  EXPECT_EQ(ConstantDoubles(result, conv.inputs[kConvOutScale]), (std::vector<double>{2, 4}));
  EXPECT_EQ(ConstantDoubles(result, conv.inputs[kConvBias]), (std::vector<double>{1, -1}));
  EXPECT_EQ(conv.String("activation", ""), "relu");
}

TEST(Passes, BatchNormBeforeAPaddedConvolutionGoesIntoTheBorder) {
  Chain chain;
  chain.BatchNorm({2, 4}, {1, -1});
  chain.Add("Conv", {chain.Weights(1, 2, 3)}).attributes["pads"] =
      std::vector<std::int64_t>{1, 1, 1, 1};
  const Graph result = FoldAffineBefore(FuseLinear(chain.Finish()));
  ASSERT_EQ(result.nodes.size(), 1u);
  const Node& conv = result.nodes[0];
  EXPECT_EQ(conv.inputs[kConvX], result.inputs[0]);
  EXPECT_EQ(ConstantDoubles(result, conv.inputs[kConvInScale]), (std::vector<double>{2, 4}));
  EXPECT_EQ(ConstantDoubles(result, conv.inputs[kConvBorder]), (std::vector<double>{-0.5, 0.25}));
  // 9 taps of weight 0.5: (1 - 1) * 4.5.
  EXPECT_EQ(ConstantDoubles(result, conv.inputs[kConvBias]), (std::vector<double>{0}));
}

TEST(Passes, BatchNormWithADeadChannelStaysBeforeAPaddedConvolution) {
  Chain chain;
  chain.BatchNorm({2, 0}, {1, -1});
  chain.Add("Conv", {chain.Weights(1, 2, 3)}).attributes["pads"] =
      std::vector<std::int64_t>{1, 1, 1, 1};
  EXPECT_EQ(FoldAffineBefore(FuseLinear(chain.Finish())).nodes.size(), 2u);
}

TEST(Passes, BatchNormWithADeadChannelFoldsBeforeAnUnpaddedConvolution) {
  Chain chain;
  chain.BatchNorm({2, 0}, {1, -1});
  chain.Add("Conv", {chain.Weights(1, 2, 3)});
  const Graph result = FoldAffineBefore(FuseLinear(chain.Finish()));
  ASSERT_EQ(result.nodes.size(), 1u);
  EXPECT_EQ(ConstantDoubles(result, result.nodes[0].inputs[kConvBias]), (std::vector<double>{0}));
}

TEST(Passes, AValueReadTwiceIsNotFolded) {
  Chain chain;
  chain.Add("Conv", {chain.Weights(2, 2, 1)});
  const ValueId conv = chain.last;
  chain.Add("Relu");
  Graph graph = chain.Finish();
  graph.outputs.push_back(conv);
  EXPECT_EQ(AttachEpilogues(FuseLinear(graph)).nodes.size(), 2u);
}

TEST(Passes, OfTwoConvolutionsTheLaterTakesTheAddition) {
  Chain chain;
  const ValueId x = chain.last;
  chain.Add("Conv", {chain.Weights(2, 2, 1)});
  const ValueId first = chain.last;
  chain.last = x;
  chain.Add("Conv", {chain.Weights(2, 2, 1)});
  chain.Add("Add", {first});
  chain.Add("Relu");
  const Graph result = AttachEpilogues(FuseLinear(chain.Finish()));
  ASSERT_EQ(result.nodes.size(), 2u);
  EXPECT_EQ(result.nodes[1].inputs[kConvResidual], first);
  EXPECT_EQ(result.nodes[1].Int("residual_first", 0), 1);
}

// [N,2,1,1] + [N,2,H,W] broadcasts: no residual of a convolution.
TEST(Passes, AnAdditionThatMayBroadcastIsLeftAlone) {
  Chain chain;
  const ValueId x = chain.last;
  chain.Add("GlobalAveragePool");
  chain.Add("Conv", {chain.Weights(2, 2, 1)});
  chain.Add("Add", {x});
  const Graph result = AttachEpilogues(FuseLinear(chain.Finish()));
  EXPECT_EQ(CountOperators(result).at(":Add"), 1);
}

// A strided convolution and a pool that rounds up both halve any size: SCRFD's shortcuts.
TEST(Passes, HalvedSizesAreProvedEqual) {
  Chain chain;
  const ValueId x = chain.last;
  Node& pool = chain.Add("AveragePool");
  pool.attributes["kernel_shape"] = std::vector<std::int64_t>{2, 2};
  pool.attributes["strides"] = std::vector<std::int64_t>{2, 2};
  pool.attributes["ceil_mode"] = std::int64_t{1};
  const ValueId pooled = chain.last;
  chain.last = x;
  Node& conv = chain.Add("Conv", {chain.Weights(2, 2, 3)});
  conv.attributes["pads"] = std::vector<std::int64_t>{1, 1, 1, 1};
  conv.attributes["strides"] = std::vector<std::int64_t>{2, 2};
  chain.Add("Add", {pooled});
  const Graph result = AttachEpilogues(FuseLinear(chain.Finish()));
  EXPECT_EQ(CountOperators(result).count(":Add"), 0u);
}

TEST(Passes, HeadsOfOneValueAreComputedTogether) {
  Chain chain;
  const ValueId x = chain.last;
  std::vector<ValueId> outputs;
  for (const std::int64_t channels : {1, 4}) {
    chain.last = x;
    chain.Add("Conv", {chain.Weights(channels, 2, 1)});
    chain.Add("Transpose").attributes["perm"] = std::vector<std::int64_t>{0, 2, 3, 1};
    outputs.push_back(chain.last);
  }
  chain.graph.outputs = outputs;
  const Graph result = MergeHeads(FuseLinear(chain.graph));
  EXPECT_EQ(CountOperators(result),
            (std::map<std::string, int>{{"visavis:FusedConv", 1}, {"visavis:ChannelsLast", 2}}));
  EXPECT_EQ(result.nodes[1].Int("begin", -1), 0);
  EXPECT_EQ(result.nodes[2].Int("begin", -1), 1);
  EXPECT_EQ(result.nodes[2].Int("count", -1), 4);
  EXPECT_EQ(result.outputs, outputs);
}

TEST(Passes, AConvolutionOfDynamicWeightsIsLeftAlone) {
  Chain chain;
  const ValueId weights = chain.graph.AddValue("w");
  chain.graph.inputs.push_back(weights);
  chain.Add("Conv", {weights});
  EXPECT_EQ(CountOperators(FuseLinear(chain.Finish())).at(":Conv"), 1);
}

TEST(Passes, FlattenAndUntransposedGemmBecomeOneFusedGemm) {
  Chain chain;
  chain.Add("Flatten");
  chain.Add("Gemm", {chain.Floats("w", Shape{3, 2}, {1, 2, 3, 4, 5, 6})});
  const Graph result = FuseLinear(chain.Finish());
  ASSERT_EQ(result.nodes.size(), 1u);
  EXPECT_EQ(ConstantDoubles(result, result.nodes[0].inputs[kGemmWeights]),
            (std::vector<double>{1, 3, 5, 2, 4, 6}));
}

}  // namespace
}  // namespace visavis
