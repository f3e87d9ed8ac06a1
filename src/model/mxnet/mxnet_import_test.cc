#include "model/mxnet/mxnet_import.h"

#include <gtest/gtest.h>

#include "model/mxnet/test_files.h"
#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

using mxnet::Bytes;
using mxnet::ParamsBuilder;

Result<Graph> Import(std::string_view symbol, const ParamsBuilder& params) {
  const Bytes bytes = params.Build();
  return ImportMxnet(mxnet::AsBytes(symbol), "s.json", bytes, "p.params", Limits{});
}

const Node& Find(const Graph& graph, std::string_view op_type) {
  for (const Node& node : graph.nodes) {
    if (node.op_type == op_type) return node;
  }
  ADD_FAILURE() << "no " << op_type;
  return graph.nodes.front();
}

std::vector<float> Constant(const Graph& graph, ValueId id) {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr) return {};
  const auto values = tensor->data<float>();
  return {values.begin(), values.end()};
}

// data -> Convolution(1 filter, 1x1) -> `tail`; the convolution's node has index 2.
std::string BehindConvolution(const std::string& tail, const std::string& heads = "[[3, 0]]") {
  return R"({"nodes": [
    {"op": "null", "name": "data"}, {"op": "null", "name": "w"},
    {"op": "Convolution", "name": "conv", "inputs": [[0, 0], [1, 0]],
     "attrs": {"kernel": "[1, 1]", "num_filter": "2", "no_bias": "True"}}, )" +
         tail + R"(], "heads": )" + heads + "}";
}

ParamsBuilder WithConvolution() { return ParamsBuilder().Add("arg:w", {2, 1, 1, 1}, {1, 2}); }

TEST(MxnetImportTest, BatchNormHasMxnetsDefaultsAndFixesGamma) {
  const std::string variables = R"({"op": "null", "name": "g"}, {"op": "null", "name": "b"},
      {"op": "null", "name": "m"}, {"op": "null", "name": "v"}, )";
  ParamsBuilder params = WithConvolution();
  params.Add("arg:g", {2}, {5, 6}).Add("arg:b", {2}, {1, 2});
  params.Add("aux:m", {2}, {3, 4}).Add("aux:v", {2}, {7, 8});
  const auto import = [&](const std::string& attributes) {
    return Import(
        BehindConvolution(variables + R"({"op": "BatchNorm", "name": "bn", "attrs": )" +
                              attributes + R"(, "inputs": [[2,0],[3,0],[4,0],[5,0],[6,0]]})",
                          "[[7, 0]]"),
        params);
  };
  const auto defaults = import("{}");
  ASSERT_TRUE(defaults) << defaults.error().message;
  const Node& fixed = Find(*defaults, "BatchNormalization");
  EXPECT_EQ(fixed.Float("epsilon", 0), 1e-3f);
  EXPECT_EQ(Constant(*defaults, fixed.inputs[1]), (std::vector<float>{1, 1}));
  EXPECT_EQ(Constant(*defaults, fixed.inputs[2]), (std::vector<float>{1, 2}));
  EXPECT_EQ(Constant(*defaults, fixed.inputs[3]), (std::vector<float>{3, 4}));
  EXPECT_EQ(Constant(*defaults, fixed.inputs[4]), (std::vector<float>{7, 8}));

  const auto free = import(R"({"fix_gamma": "False", "eps": "2e-05"})");
  ASSERT_TRUE(free) << free.error().message;
  const Node& scaled = Find(*free, "BatchNormalization");
  EXPECT_EQ(scaled.Float("epsilon", 0), 2e-5f);
  EXPECT_EQ(Constant(*free, scaled.inputs[1]), (std::vector<float>{5, 6}));
}

TEST(MxnetImportTest, BatchNormOfOldSymbolsFindsItsStatisticsByName) {
  ParamsBuilder params = WithConvolution();
  params.Add("arg:g", {2}, {5, 6}).Add("arg:b", {2}, {1, 2});
  params.Add("aux:bn_moving_mean", {2}, {3, 4}).Add("aux:bn_moving_var", {2}, {7, 8});
  const auto graph = Import(BehindConvolution(R"({"op": "null", "name": "g"},
      {"op": "null", "name": "b"},
      {"op": "BatchNorm", "name": "bn", "param": {}, "inputs": [[2,0],[3,0],[4,0]]})",
                                              "[[5, 0]]"),
                            params);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(Constant(*graph, Find(*graph, "BatchNormalization").inputs[4]),
            (std::vector<float>{7, 8}));
}

// The weight of `pre_fc1` may be called `fc1_weight`: only the edge says whose it is.
TEST(MxnetImportTest, WeightsBindByEdgeNotByName) {
  ParamsBuilder params = WithConvolution();
  params.Add("arg:fc1_weight", {1, 8}, {1, 2, 3, 4, 5, 6, 7, 8}).Add("arg:odd", {1}, {9});
  const auto graph = Import(BehindConvolution(R"({"op": "null", "name": "fc1_weight"},
      {"op": "null", "name": "odd"},
      {"op": "FullyConnected", "name": "pre_fc1", "attrs": {"num_hidden": "1"},
       "inputs": [[2,0],[3,0],[4,0]]})",
                                              "[[5, 0]]"),
                            params);
  ASSERT_TRUE(graph) << graph.error().message;
  const Node& gemm = Find(*graph, "Gemm");
  EXPECT_EQ(Find(*graph, "Flatten").outputs[0], gemm.inputs[0]);
  EXPECT_EQ(gemm.Int("transB", 0), 1);
  EXPECT_EQ(Constant(*graph, gemm.inputs[2]), std::vector<float>{9});
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "pre_fc1");
  // 2 channels x 2 x 2 make the 8 features.
  EXPECT_EQ(*graph->value(graph->inputs[0]).shape,
            (std::vector<Dim>{{-1, "N"}, {1, ""}, {2, ""}, {2, ""}}));
}

TEST(MxnetImportTest, PReluSlopesLieAlongTheChannels) {
  ParamsBuilder params = WithConvolution();
  params.Add("arg:slope", {2}, {0.1f, 0.2f});
  const auto graph = Import(BehindConvolution(R"({"op": "null", "name": "slope"},
      {"op": "LeakyReLU", "name": "relu", "attrs": {"act_type": "prelu"},
       "inputs": [[2,0],[3,0]]})",
                                              "[[4, 0]]"),
                            params);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->constant(Find(*graph, "PRelu").inputs[1])->shape(), (Shape{2, 1, 1}));
}

TEST(MxnetImportTest, PoolingConventions) {
  const auto pool = [](const std::string& attributes) {
    return Import(BehindConvolution(R"({"op": "Pooling", "name": "pool", "inputs": [[2, 0]],
                                        "attrs": )" +
                                    attributes + "}"),
                  WithConvolution());
  };
  const auto full = pool(R"({"kernel": "[3,3]", "stride": "[2,2]", "pool_type": "max",
                             "pooling_convention": "full"})");
  ASSERT_TRUE(full) << full.error().message;
  EXPECT_EQ(Find(*full, "MaxPool").Int("ceil_mode", 0), 1);
  const auto valid = pool(R"({"kernel": "[2,2]", "pool_type": "avg"})");
  ASSERT_TRUE(valid) << valid.error().message;
  EXPECT_EQ(Find(*valid, "AveragePool").Int("ceil_mode", 1), 0);
  EXPECT_EQ(Find(*valid, "AveragePool").Int("count_include_pad", 0), 1);
  EXPECT_EQ(*Find(*valid, "AveragePool").Ints("strides"), (std::vector<std::int64_t>{1, 1}));
  const auto global = pool(R"({"global_pool": "True", "pool_type": "avg"})");
  ASSERT_TRUE(global) << global.error().message;
  Find(*global, "GlobalAveragePool");
  const auto sum = pool(R"({"kernel": "[2,2]", "pool_type": "sum"})");
  ASSERT_FALSE(sum);
  EXPECT_EQ(sum.error().message,
            "s.json: node pool (Pooling): pool_type is 'sum', want max or avg");
}

TEST(MxnetImportTest, LossLayerIsASoftmaxWithoutItsLabel) {
  const auto graph = Import(BehindConvolution(R"({"op": "null", "name": "label"},
      {"op": "SoftmaxOutput", "name": "prob", "attrs": {"multi_output": "True"},
       "inputs": [[2, 0], [3, 0]]})",
                                              "[[4, 0]]"),
                            WithConvolution());
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->inputs.size(), 1u);
  EXPECT_EQ(Find(*graph, "Softmax").Int("axis", 0), 1);
}

TEST(MxnetImportTest, TrainingHeadIsCutOffBehindTheEmbedding) {
  const auto graph = Import(BehindConvolution(R"({"op": "identity", "name": "fc1",
      "inputs": [[2, 0]]}, {"op": "null", "name": "fc7_weight"},
      {"op": "NoSuchOperator", "name": "fc7", "inputs": [[3, 0], [4, 0]]})",
                                              "[[5, 0]]"),
                            WithConvolution());
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->outputs.size(), 1u);
  EXPECT_EQ(graph->value(graph->outputs[0]).name, "fc1");
}

TEST(MxnetImportTest, ScalarOperators) {
  const auto graph = Import(BehindConvolution(R"({"op": "_rminus_scalar", "name": "r",
      "attrs": {"scalar": "127.5"}, "inputs": [[2, 0]]})"),
                            WithConvolution());
  ASSERT_TRUE(graph) << graph.error().message;
  const Node& sub = Find(*graph, "Sub");
  EXPECT_EQ(Constant(*graph, sub.inputs[0]), std::vector<float>{127.5f});
}

TEST(MxnetImportTest, ErrorsNameFileNodeAndTensor) {
  const auto missing = Import(BehindConvolution(R"({"op": "relu", "name": "r",
      "inputs": [[2, 0]]})"),
                              ParamsBuilder());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(missing.error().message,
            "s.json: node conv (Convolution): the .params file has no tensor 'w'");

  const auto misshapen = Import(BehindConvolution(R"({"op": "relu", "name": "r",
      "inputs": [[2, 0]]})"),
                                ParamsBuilder().Add("arg:w", {2, 1, 3, 3}, std::vector<float>(18)));
  ASSERT_FALSE(misshapen);
  EXPECT_EQ(misshapen.error().message,
            "s.json: node conv (Convolution): tensor 'w' has shape [2,1,3,3], want [2,1,1,1]");

  const auto unknown = Import(BehindConvolution(R"({"op": "Correlation", "name": "c",
      "inputs": [[2, 0]]})"),
                              WithConvolution());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(unknown.error().message, "s.json: node c: MXNet operator Correlation is not supported");

  const auto second = Import(BehindConvolution(R"({"op": "relu", "name": "r",
      "inputs": [[2, 1]]})"),
                             WithConvolution());
  ASSERT_FALSE(second);
}

TEST(MxnetImportTest, RealNetworks) {
  struct Case {
    const char* prefix;
    std::vector<const char*> outputs;
    std::vector<Dim> input;
  };
  const Dim n{-1, "N"};
  for (const Case& c : {
           Case{"mobilefacenet-arcface/model", {"fc1"}, {n, {3, ""}, {112, ""}, {112, ""}}},
           Case{"mtcnn/det1", {"conv4_2", "prob1"}, {n, {3, ""}, {-1, "height"}, {-1, "width"}}},
           Case{"mtcnn/det2", {"conv5_2", "prob1"}, {n, {3, ""}, {24, ""}, {24, ""}}},
           Case{"mtcnn/det3", {"conv6_3", "conv6_2", "prob1"}, {n, {3, ""}, {48, ""}, {48, ""}}},
           Case{"mtcnn/det4",
                {"fc5_1", "fc5_2", "fc5_3", "fc5_4", "fc5_5"},
                {n, {15, ""}, {24, ""}, {24, ""}}},
       }) {
    const std::string prefix = std::string("models/") + c.prefix;
    VISAVIS_REQUIRE_SHARED(prefix + "-symbol.json");
    const auto model = Model::Load(SharedPath(prefix));
    ASSERT_TRUE(model) << model.error().message;
    const Graph& graph = model->graph();
    ASSERT_EQ(graph.inputs.size(), 1u);
    EXPECT_EQ(*graph.value(graph.inputs[0]).shape, c.input) << c.prefix;
    ASSERT_EQ(graph.outputs.size(), c.outputs.size());
    for (std::size_t i = 0; i < c.outputs.size(); ++i) {
      EXPECT_EQ(graph.value(graph.outputs[i]).name, c.outputs[i]);
    }
  }
}

}  // namespace
}  // namespace visavis
