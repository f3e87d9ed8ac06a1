#include "model/onnx/onnx_export.h"

#include <gtest/gtest.h>

#include <cstring>

#include "model/convert.h"
#include "model/onnx/onnx_import.h"
#include "model/onnx/tensor_proto.h"
#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

Result<Graph> Reimport(const Graph& graph) {
  const auto bytes = ExportOnnx(graph);
  if (!bytes) return bytes.error();
  return ImportOnnx({reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()}, "again",
                    Limits{});
}

void ExpectSame(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.dtype(), b.dtype());
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.size_bytes()), 0);
}

// Same nodes in the same order over values of the same names and bits.
void ExpectSame(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.opset, b.opset);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  const auto expect_values = [&](const std::vector<ValueId>& x, const std::vector<ValueId>& y) {
    ASSERT_EQ(x.size(), y.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(x[i] == kNoValue, y[i] == kNoValue);
      if (x[i] == kNoValue) continue;
      EXPECT_EQ(a.value(x[i]).name, b.value(y[i]).name);
      ASSERT_EQ(a.constant(x[i]) == nullptr, b.constant(y[i]) == nullptr);
      if (a.constant(x[i]) != nullptr) ExpectSame(*a.constant(x[i]), *b.constant(y[i]));
    }
  };
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    EXPECT_EQ(a.nodes[i].op_type, b.nodes[i].op_type);
    expect_values(a.nodes[i].inputs, b.nodes[i].inputs);
    expect_values(a.nodes[i].outputs, b.nodes[i].outputs);
    ASSERT_EQ(a.nodes[i].attributes.size(), b.nodes[i].attributes.size());
    for (const auto& [name, value] : a.nodes[i].attributes) {
      const Tensor* tensor = a.nodes[i].TensorAttribute(name);
      if (tensor != nullptr) {
        ExpectSame(*tensor, *b.nodes[i].TensorAttribute(name));
      } else {
        EXPECT_EQ(value, b.nodes[i].attributes.at(name));
      }
    }
  }
  expect_values(a.inputs, b.inputs);
  expect_values(a.outputs, b.outputs);
}

TEST(OnnxExportTest, EveryAttributeComesBack) {
  Graph graph;
  graph.opset = 13;
  graph.metadata["key"] = "value";
  const ValueId x = graph.AddValue("x");
  graph.value(x).shape = std::vector<Dim>{{-1, "N"}, {2, ""}, {-1, ""}};
  const ValueId y = graph.AddValue("y");
  const std::vector<float> one{1};
  const ValueId c = graph.AddConstant("c", Tensor::From<float>(Shape{1}, one));
  Node node{"n", "Add", "", {x, c}, {y}, {}};
  node.attributes["i"] = std::int64_t{-5};
  node.attributes["f"] = 0.5f;
  node.attributes["s"] = std::string("text");
  node.attributes["is"] = std::vector<std::int64_t>{1, -2};
  node.attributes["fs"] = std::vector<float>{1, 2};
  node.attributes["ss"] = std::vector<std::string>{"a", ""};
  node.attributes["t"] = std::make_shared<const Tensor>(Tensor::From<float>(Shape{1}, one));
  graph.nodes.push_back(std::move(node));
  graph.inputs = {x};
  graph.outputs = {y};
  const auto again = Reimport(graph);
  ASSERT_TRUE(again) << again.error().message;
  ExpectSame(graph, *again);
  EXPECT_EQ(again->metadata, graph.metadata);
  EXPECT_EQ(again->value(again->outputs[0]).shape, graph.value(x).shape);
}

TEST(OnnxExportTest, NamesAreMadeUniqueAndOutputsComputed) {
  Graph graph;
  graph.opset = 13;
  const ValueId x = graph.AddValue("a");
  graph.value(x).shape = std::vector<Dim>{{1, ""}};
  const ValueId unnamed = graph.AddValue("");
  const ValueId y = graph.AddValue("a");
  graph.nodes.push_back(Node{"", "Relu", "", {x}, {unnamed}, {}});
  graph.nodes.push_back(Node{"", "Relu", "", {unnamed}, {y}, {}});
  graph.inputs = {x};
  graph.outputs = {y, y, x};
  const auto again = Reimport(graph);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->outputs.size(), 3u);
  EXPECT_EQ(again->value(again->inputs[0]).name, "a");
  EXPECT_EQ(again->nodes.size(), 4u);  // two Identity nodes for the repeated output and the input
}

TEST(OnnxExportTest, AnOutputOfUnknownRankIsAnError) {
  Graph graph;
  graph.opset = 13;
  const ValueId x = graph.AddValue("x");
  const ValueId y = graph.AddValue("y");
  graph.value(x).shape = std::vector<Dim>{{1, ""}};
  graph.nodes.push_back(Node{"n", "Mystery", "other.domain", {x}, {y}, {}});
  graph.inputs = {x};
  graph.outputs = {y};
  const auto bytes = ExportOnnx(graph);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, "export: the rank of 'y' is unknown");
}

TEST(OnnxExportTest, RealNetworksComeBackBitForBit) {
  for (const char* file :
       {"models/mobilefacenet-arcface/model-symbol.json", "models/mtcnn/det1-symbol.json",
        "models/mtcnn/det2-symbol.json", "models/mtcnn/det3-symbol.json",
        "models/mtcnn/det4-symbol.json", "models/scrfd/scrfd_2.5g_bnkps.onnx",
        "models/scrfd/scrfd_500m_bnkps.onnx", "models/yunet/yunet_n_dynamic.onnx"}) {
    VISAVIS_REQUIRE_SHARED(file);
    const auto model = Model::Load(SharedPath(file));
    ASSERT_TRUE(model) << model.error().message;
    const auto again = Reimport(model->graph());
    ASSERT_TRUE(again) << again.error().message;
    ExpectSame(model->graph(), *again);
  }
}

// x -> Dropout -> Identity -> PRelu with a slope reshaped by a node -> y, batch 1.
Graph Cluttered() {
  Graph graph;
  graph.opset = 8;
  const ValueId x = graph.AddValue("x");
  graph.value(x).shape = std::vector<Dim>{{1, ""}, {2, ""}, {3, ""}, {3, ""}};
  const std::vector<float> slopes{0.1f, 0.2f};
  const std::vector<std::int64_t> shape{2, 1, 1};
  const ValueId slope = graph.AddConstant("slope", Tensor::From<float>(Shape{2}, slopes));
  const ValueId target = graph.AddConstant("shape", Tensor::From<std::int64_t>(Shape{3}, shape));
  const ValueId dropped = graph.AddValue("dropped");
  const ValueId same = graph.AddValue("same");
  const ValueId aligned = graph.AddValue("aligned");
  const ValueId y = graph.AddValue("y");
  graph.nodes = {Node{"d", "Dropout", "", {x}, {dropped}, {}},
                 Node{"i", "Identity", "", {dropped}, {same}, {}},
                 Node{"r", "Reshape", "", {slope, target}, {aligned}, {}},
                 Node{"p", "PRelu", "", {same, aligned}, {y}, {}}};
  graph.inputs = {x};
  graph.outputs = {y};
  return graph;
}

TEST(CleanTest, LeavesOnlyWhatComputes) {
  const auto clean = CleanGraph(Cluttered());
  ASSERT_TRUE(clean) << clean.error().message;
  ASSERT_EQ(clean->nodes.size(), 1u);
  EXPECT_EQ(clean->nodes[0].op_type, "PRelu");
  const Tensor* slope = clean->constant(clean->nodes[0].inputs[1]);
  ASSERT_NE(slope, nullptr);
  EXPECT_EQ(slope->shape(), (Shape{2, 1, 1}));
  EXPECT_EQ(slope->data<float>()[1], 0.2f);
  EXPECT_EQ((*clean->value(clean->inputs[0]).shape)[0], (Dim{-1, "N"}));
  EXPECT_TRUE(Reimport(*clean));
}

// Cluttered() with its result reshaped to `extents`, cleaned: the batch of the input.
Dim BatchWithReshape(const std::vector<std::int64_t>& extents) {
  Graph graph = Cluttered();
  const ValueId target = graph.AddConstant("row", Tensor::From<std::int64_t>(Shape{2}, extents));
  const ValueId row = graph.AddValue("flat");
  graph.nodes.push_back(Node{"f", "Reshape", "", {graph.outputs[0], target}, {row}, {}});
  graph.outputs = {row};
  const auto clean = CleanGraph(graph);
  EXPECT_TRUE(clean) << clean.error().message;
  return (*clean->value(clean->inputs[0]).shape)[0];
}

TEST(CleanTest, KeepsABatchThatShapesDependOn) {
  EXPECT_EQ(BatchWithReshape({2, 9}), (Dim{1, ""}));     // mixes images
  EXPECT_EQ(BatchWithReshape({1, 18}), (Dim{-1, "N"}));  // a row per image
}

}  // namespace
}  // namespace visavis
