#include "model/arch/arch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

#include "model/arch/weight_random.h"
#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Graph Build(std::string_view name, std::uint64_t seed = 1) {
  auto graph = BuildArch(name, seed);
  EXPECT_TRUE(graph.has_value()) << graph.error().message;
  return std::move(graph).value();
}

std::map<std::string, int> CountOperators(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes) ++counts[node.op_type];
  return counts;
}

std::int64_t Elements(const Graph& graph, std::string_view suffix) {
  std::int64_t sum = 0;
  for (const Value& value : graph.values) {
    if (value.constant != nullptr && value.name.ends_with(suffix)) {
      sum += value.constant->elements();
    }
  }
  return sum;
}

const Node& Find(const Graph& graph, std::string_view name) {
  for (const Node& node : graph.nodes) {
    if (node.name == name) return node;
  }
  ADD_FAILURE() << "no node " << name;
  return graph.nodes.front();
}

std::vector<std::string> InputNames(const Graph& graph, std::string_view node) {
  std::vector<std::string> names;
  for (const ValueId id : Find(graph, node).inputs) names.push_back(graph.value(id).name);
  return names;
}

// FNV-1a over the bytes of every constant, little-endian.
std::uint64_t HashOfConstants(const Graph& graph) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const Value& value : graph.values) {
    if (value.constant == nullptr) continue;
    const auto* bytes = static_cast<const unsigned char*>(value.constant->raw());
    for (std::size_t i = 0; i < value.constant->size_bytes(); ++i) {
      hash = (hash ^ bytes[i]) * 0x100000001B3u;
    }
  }
  return hash;
}

TEST(BuildArch, RefusesUnknownNames) {
  const auto graph = BuildArch("lresnet7", 1);
  ASSERT_FALSE(graph.has_value());
  EXPECT_EQ(graph.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(graph.error().message, HasSubstr("lresnet100e-ir"));
}

TEST(BuildArch, EveryNetworkIsAValidGraph) {
  for (const std::string_view name : ArchNames()) {
    if (name == "lresnet100e-ir") continue;  // below
    Graph graph = Build(name);
    const auto status = ValidateAndSort(graph, name);
    EXPECT_TRUE(status.has_value()) << status.error().message;
  }
}

// Published counts of LResNet100E-IR.
TEST(BuildArch, LResNet100HasThePublishedSize) {
  Graph graph = Build("lresnet100e-ir");
  ASSERT_TRUE(ValidateAndSort(graph, "lresnet100e-ir").has_value());
  const std::map<std::string, int> want = {
      {"Identity", 1}, {"Sub", 1},      {"Mul", 1},  {"Conv", 103},  {"BatchNormalization", 154},
      {"PRelu", 50},   {"Reshape", 50}, {"Add", 49}, {"Dropout", 1}, {"Flatten", 1},
      {"Gemm", 1}};
  EXPECT_EQ(CountOperators(graph), want);
  const std::int64_t convolutions = Elements(graph, "_weight") - 512 * 25088;
  const std::int64_t slopes = Elements(graph, "relu0_gamma") + Elements(graph, "relu1_gamma");
  EXPECT_EQ(convolutions, 52'229'824);
  EXPECT_EQ(slopes, 11'136);
  EXPECT_EQ(Elements(graph, "_moving_mean"), 34'304 + 512);
  EXPECT_EQ(Elements(graph, "_weight") + Elements(graph, "_bias") + Elements(graph, "_gamma") +
                Elements(graph, "_beta"),
            65'156'160);
}

TEST(BuildArch, LResNetFollowsTheExportersForm) {
  const Graph graph = Build("lresnet18e-ir");
  EXPECT_EQ(graph.opset, 8);
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "data");
  EXPECT_EQ(graph.value(graph.inputs[0]).shape,
            (std::vector<Dim>{{-1, "N"}, {3, ""}, {112, ""}, {112, ""}}));
  ASSERT_EQ(graph.outputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "fc1");

  EXPECT_THAT(InputNames(graph, "_minusscalar0"), ElementsAre("id", "scalar_op2"));
  EXPECT_THAT(InputNames(graph, "_mulscalar0"), ElementsAre("_minusscalar0", "scalar_op3"));
  // MXNet's list: data 0, id 1, the scalars 2 and 3, conv0 5, bn0 10, relu0 12.
  EXPECT_THAT(InputNames(graph, "relu0"), ElementsAre("bn0", "slope12"));
  EXPECT_THAT(InputNames(graph, "slope12"), ElementsAre("relu0_gamma", "reshape12"));
  EXPECT_THAT(InputNames(graph, "stage1_unit1_conv1"),
              ElementsAre("stage1_unit1_bn1", "stage1_unit1_conv1_weight"));
  EXPECT_THAT(InputNames(graph, "stage1_unit1_conv1sc"),
              ElementsAre("relu0", "stage1_unit1_conv1sc_weight"));
  EXPECT_THAT(InputNames(graph, "_plus0"), ElementsAre("stage1_unit1_bn3", "stage1_unit1_sc"));
  EXPECT_THAT(InputNames(graph, "_plus1"), ElementsAre("stage1_unit2_bn3", "_plus0"));
  EXPECT_THAT(InputNames(graph, "fc1"),
              ElementsAre("pre_fc1", "fc1_gamma", "fc1_beta", "fc1_moving_mean", "fc1_moving_var"));
  for (const float gamma : graph.value(graph.FindValue("fc1_gamma")).constant->data<float>()) {
    ASSERT_EQ(gamma, 1.0f);
  }

  const Node& strided = Find(graph, "stage2_unit1_conv2");
  EXPECT_THAT(*strided.Ints("strides"), ElementsAre(2, 2));
  EXPECT_THAT(*strided.Ints("pads"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(*Find(graph, "stage2_unit1_conv1").Ints("strides"), ElementsAre(1, 1));
  EXPECT_FLOAT_EQ(Find(graph, "stage2_unit1_bn1").Float("epsilon", 0), 2e-5f);
  EXPECT_FLOAT_EQ(Find(graph, "dropout0").Float("ratio", 0), 0.4f);
}

// Published counts of MobileFaceNet y1: 993,344 with BatchNorm folded.
TEST(BuildArch, MobileFaceNetHasThePublishedSize) {
  const Graph graph = Build("mobilefacenet");
  const std::int64_t fully_connected = Elements(graph, "fc1_weight");
  EXPECT_EQ(fully_connected, 128 * 512);
  EXPECT_EQ(Elements(graph, "_conv2d_weight"), 910'464);
  EXPECT_EQ(Elements(graph, "_batchnorm_moving_mean"), 9'664);
  EXPECT_EQ(Elements(graph, "_relu_gamma"), 7'552);
  EXPECT_FLOAT_EQ(Find(graph, "conv_1_batchnorm").Float("epsilon", 0), 1e-3f);
  EXPECT_FLOAT_EQ(Find(graph, "fc1").Float("epsilon", 0), 2e-5f);
  EXPECT_THAT(InputNames(graph, "_plus0"),
              ElementsAre("res_3_block0_conv_proj_batchnorm", "dconv_23_conv_proj_batchnorm"));
  EXPECT_EQ(Find(graph, "conv_6dw7_7_conv2d").Int("group", 1), 512);
}

// Nodes that both forms have: the exporter's own Reshape of slopes is left out.
std::vector<const Node*> NodesWithoutReshape(const Graph& graph) {
  std::vector<const Node*> nodes;
  for (const Node& node : graph.nodes) {
    if (node.op_type != "Reshape") nodes.push_back(&node);
  }
  return nodes;
}

// The published weights, imported from MXNet's own files, have the structure that we build.
TEST(BuildArch, MobileFaceNetIsThePublishedNetwork) {
  constexpr char kPath[] = "models/mobilefacenet-arcface/model-0000.params";
  VISAVIS_REQUIRE_SHARED(kPath);
  const auto model = Model::Load(SharedPath(kPath));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const Graph& published = model->graph();
  const Graph built = Build("mobilefacenet");
  const auto want = NodesWithoutReshape(published);
  const auto have = NodesWithoutReshape(built);
  ASSERT_EQ(have.size(), want.size());
  for (std::size_t i = 0; i < have.size(); ++i) {
    SCOPED_TRACE(want[i]->name);
    EXPECT_EQ(have[i]->op_type, want[i]->op_type);
    if (want[i]->op_type != "Flatten") {
      EXPECT_EQ(have[i]->name, want[i]->name);
    }
    for (const char* ints : {"kernel_shape", "strides", "pads", "dilations"}) {
      ASSERT_EQ(have[i]->Has(ints), want[i]->Has(ints));
      if (!want[i]->Has(ints)) continue;
      EXPECT_EQ(*have[i]->Ints(ints), *want[i]->Ints(ints));
    }
    EXPECT_EQ(have[i]->Int("group", 1), want[i]->Int("group", 1));
    EXPECT_EQ(have[i]->Int("transB", 0), want[i]->Int("transB", 0));
    EXPECT_EQ(have[i]->Float("epsilon", 0), want[i]->Float("epsilon", 0));
    ASSERT_EQ(have[i]->inputs.size(), want[i]->inputs.size());
    for (std::size_t k = 0; k < have[i]->inputs.size(); ++k) {
      const Value& have_input = built.value(have[i]->inputs[k]);
      const Value& want_input = published.value(want[i]->inputs[k]);
      if (have_input.constant == nullptr || want_input.constant == nullptr) continue;
      EXPECT_EQ(have_input.constant->elements(), want_input.constant->elements());
      if (want[i]->op_type == "Sub" || want[i]->op_type == "Mul") {
        EXPECT_EQ(have_input.constant->data<float>()[0], want_input.constant->data<float>()[0]);
      } else {
        EXPECT_EQ(have_input.name, want_input.name);
      }
    }
  }
}

// The stored hash is the promise that weights are the same on every platform and release.
TEST(BuildArch, WeightsDependOnTheSeedOnly) {
  EXPECT_EQ(HashOfConstants(Build("mobilefacenet", 1)), 0xB519C736B311B36Cu);
  EXPECT_NE(HashOfConstants(Build("mobilefacenet", 2)), HashOfConstants(Build("mobilefacenet", 1)));
}

TEST(WeightRandom, HasTheMomentsItIsAskedFor) {
  std::vector<float> values(100'000);
  WeightRandom(7, "tensor").FillNormal(values, 3, 0.5);
  double sum = 0;
  double squares = 0;
  for (const float v : values) {
    sum += v;
    squares += (v - 3.0) * (v - 3.0);
    ASSERT_LE(std::abs(v - 3.0), 0.5 * 3.5);
  }
  const double n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 3, 0.01);
  EXPECT_NEAR(squares / n, 0.25, 0.005);
}

}  // namespace
}  // namespace visavis
