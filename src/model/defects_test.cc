#include "model/defects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "model/arch/arch.h"
#include "model/onnx/onnx_export.h"
#include "model/onnx/tensor_proto.h"
#include "model/rewrite/batch.h"
#include "model/test_graph.h"
#include "visavis/model.h"

namespace visavis {
namespace {

struct Builder : GraphBuilder {
  explicit Builder(int opset) : GraphBuilder(opset, {1, 2, 3, 4}) {}
  Node& BatchNorm(std::int64_t channels) {
    const std::vector<float> ones(static_cast<std::size_t>(channels), 1);
    const Shape shape{channels};
    return Add("BatchNormalization", {Floats(shape, ones), Floats(shape, ones), Floats(shape, ones),
                                      Floats(shape, ones)});
  }
};

std::vector<Defect> OfKind(const std::vector<Defect>& defects, DefectKind kind) {
  std::vector<Defect> some;
  std::ranges::copy_if(defects, std::back_inserter(some),
                       [kind](const Defect& d) { return d.kind == kind; });
  return some;
}

// The graph has one defect of the kind; after mending none. Returns the mended graph.
Graph ExpectMended(const Graph& graph, DefectKind kind, const std::string& node) {
  const std::vector<Defect> found = OfKind(FindDefects(graph), kind);
  EXPECT_EQ(found.size(), 1u) << Name(kind);
  if (!found.empty()) {
    EXPECT_EQ(found[0].node, node);
    EXPECT_FALSE(found[0].message.empty());
    EXPECT_TRUE(found[0].flag.starts_with("--"));
    EXPECT_FALSE(found[0].mended_on_read);
  }
  std::vector<Defect> mended;
  auto result = MendDefects(graph, AllDefectKinds(), &mended);
  EXPECT_TRUE(result) << result.error().message;
  EXPECT_EQ(OfKind(mended, kind).size(), 1u);
  EXPECT_TRUE(FindDefects(*result).empty()) << FindDefects(*result)[0].message;
  return *std::move(result);
}

TEST(DefectsTest, NamesAreRoundTrips) {
  for (const DefectKind kind : AllDefectKinds()) EXPECT_EQ(DefectKindNamed(Name(kind)), kind);
  EXPECT_FALSE(DefectKindNamed("nonsense"));
}

TEST(DefectsTest, SpatialZero) {
  Builder builder(8);
  builder.BatchNorm(2).attributes["spatial"] = std::int64_t{0};
  const Graph mended = ExpectMended(builder.graph, DefectKind::kSpatialZero, "BatchNormalization0");
  EXPECT_FALSE(mended.nodes[0].Has("spatial"));
}

TEST(DefectsTest, Float64Constant) {
  Builder builder(11);
  const double mean = 127.5;
  builder.Add("Sub", {builder.graph.AddConstant(
                         "mean", Tensor::From<double>(Shape{}, std::span(&mean, 1)))});
  const Graph mended = ExpectMended(builder.graph, DefectKind::kFloat64Constant, "mean");
  EXPECT_EQ(mended.constant(mended.nodes[0].inputs[1])->dtype(), DType::kF32);
}

TEST(DefectsTest, FlatSlope) {
  Builder builder(11);
  builder.Add("PRelu", {builder.Floats(Shape{2}, {0.25f, 0.5f})});
  const Graph mended = ExpectMended(builder.graph, DefectKind::kFlatSlope, "PRelu0");
  EXPECT_EQ(mended.constant(mended.nodes[0].inputs[1])->shape(), (Shape{2, 1, 1}));
}

TEST(DefectsTest, SlopeBehindReshape) {
  Builder builder(11);
  const ValueId x = builder.last;
  builder.last = builder.Floats(Shape{2}, {0.25f, 0.5f});
  builder.Add("Reshape", {builder.Ints({2, 1, 1})});
  const ValueId slope = builder.last;
  builder.last = x;
  builder.Add("PRelu", {slope});
  const Graph mended = ExpectMended(builder.graph, DefectKind::kComputedSlope, "PRelu1");
  ASSERT_EQ(mended.nodes.size(), 1u);
  EXPECT_EQ(mended.constant(mended.nodes[0].inputs[1])->shape(), (Shape{2, 1, 1}));
}

TEST(DefectsTest, GammaOfTheEmbeddingThatWasFixed) {
  auto graph = BuildArch("mobilefacenet", 1);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_TRUE(OfKind(FindDefects(*graph), DefectKind::kUnfixedGamma).empty());
  Node& last = graph->nodes.back();
  ASSERT_EQ(last.op_type, "BatchNormalization");
  const std::vector<float> stored(128, 3.0f);
  last.inputs[1] = graph->AddConstant("stored", Tensor::From<float>(Shape{128}, stored));
  const std::string name = last.name;
  const Graph mended = ExpectMended(*graph, DefectKind::kUnfixedGamma, name);
  EXPECT_EQ(mended.constant(mended.nodes.back().inputs[1])->data<float>()[7], 1.0f);
}

TEST(DefectsTest, FixedBatch) {
  Builder builder(11);
  builder.Add("Reshape", {builder.Ints({1, -1})});
  const Graph mended = ExpectMended(builder.graph, DefectKind::kFixedBatch, "x");
  EXPECT_EQ((*mended.value(mended.inputs[0]).shape)[0], (Dim{-1, "N"}));
  EXPECT_EQ((*mended.value(mended.outputs[0]).shape)[0], (Dim{-1, "N"}));
  EXPECT_EQ(mended.constant(mended.nodes[0].inputs[1])->data<std::int64_t>()[0], 0);
}

TEST(DefectsTest, ABatchThatOutputsDoNotFollowIsNoDefect) {
  Builder builder(11);
  builder.Add("Reshape", {builder.Ints({-1, 4})});
  const Graph graph = builder.graph;
  EXPECT_TRUE(FindDefects(graph).empty());
  const auto opened = SetBatch(graph, Dim{-1, "N"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(opened.error().message.find("Reshape0_y"), std::string::npos);
}

TEST(DefectsTest, TrainingModeOfBatchNormalizationAndDropout) {
  Builder norm(15);
  norm.BatchNorm(2).attributes["training_mode"] = std::int64_t{1};
  norm.graph.nodes[0].outputs.push_back(norm.graph.AddValue("running_mean"));
  const Graph mended = ExpectMended(norm.graph, DefectKind::kTrainingMode, "BatchNormalization0");
  EXPECT_FALSE(mended.nodes[0].Has("training_mode"));
  EXPECT_EQ(mended.nodes[0].outputs.size(), 1u);

  Builder dropout(13);
  const bool yes = true;
  const ValueId training =
      dropout.graph.AddConstant("training", Tensor::From<bool>(Shape{}, std::span(&yes, 1)));
  dropout.Add("Dropout", {dropout.Floats(Shape{}, {0.4f}), training});
  const Graph plain = ExpectMended(dropout.graph, DefectKind::kTrainingMode, "Dropout0");
  EXPECT_EQ(plain.nodes[0].inputs.size(), 2u);

  // An output that only training has and somebody reads cannot be mended.
  Graph read = norm.graph;
  read.outputs.push_back(read.nodes[0].outputs[1]);
  EXPECT_EQ(MendDefects(read, AllDefectKinds()).error().code, ErrorCode::kUnsupported);
}

TEST(DefectsTest, OfAFileAlsoThoseThatReadingMends) {
  Builder builder(8);
  builder.BatchNorm(2).attributes["spatial"] = std::int64_t{0};
  builder.Add("PRelu", {builder.Floats(Shape{2}, {0.25f, 0.5f})});
  const auto bytes = ExportOnnx(builder.graph);
  ASSERT_TRUE(bytes) << bytes.error().message;
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(*bytes));
  model.set_ir_version(3);
  for (const onnx::TensorProto& constant : model.graph().initializer()) {
    onnx::ValueInfoProto* listed = model.mutable_graph()->add_input();
    listed->set_name(constant.name());
    listed->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  const std::string path = testing::TempDir() + "/visavis-defects.onnx";
  std::ofstream(path, std::ios::binary) << model.SerializeAsString();
  const auto found = FindDefectsInFile(path);
  ASSERT_TRUE(found) << found.error().message;
  for (const DefectKind kind :
       {DefectKind::kSpatialZero, DefectKind::kFlatSlope, DefectKind::kInitializerInput}) {
    ASSERT_EQ(OfKind(*found, kind).size(), 1u) << Name(kind);
    EXPECT_TRUE(OfKind(*found, kind)[0].mended_on_read);
  }
  EXPECT_EQ(OfKind(*found, DefectKind::kFixedBatch).size(), 1u);
  const auto read = Model::Load(path);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->graph().inputs.size(), 1u);
  EXPECT_EQ(read->graph().notes.size(), 2u);
  EXPECT_EQ(FindDefects(read->graph()).size(), 1u);  // the batch
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace visavis
