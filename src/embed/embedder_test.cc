#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "image/transform.h"
#include "model/graph/graph.h"
#include "visavis/embed.h"

namespace visavis {
namespace {

constexpr int kSide = 4;

Tensor Floats(Shape shape, const std::vector<float>& values) {
  return Tensor::From<float>(std::move(shape), values);
}

std::vector<Dim> CropDims(std::int64_t batch) {
  return {{batch, batch < 0 ? "N" : ""}, {3, ""}, {kSide, ""}, {kSide, ""}};
}

struct Net {
  std::int64_t batch = -1;
  bool normalises = false;
  int pairs = 0;  ///< of QuantizeLinear and DequantizeLinear behind the input
};

/// A network of two values per crop: the mean of the top-left red pixel and its weight 1 + the
/// second blue pixel of the first row, both as the network receives them.
Model PickingModel(Net net) {
  Graph graph;
  graph.opset = 13;
  const ValueId data = graph.AddValue("data");
  graph.value(data).shape = CropDims(net.batch);
  graph.inputs = {data};
  ValueId pixels = data;
  const auto add = [&](std::string op, std::string name, std::vector<ValueId> inputs) {
    const ValueId out = graph.AddValue(name + "_out");
    Node node;
    node.op_type = std::move(op);
    node.name = std::move(name);
    node.inputs = std::move(inputs);
    node.outputs = {out};
    graph.nodes.push_back(std::move(node));
    return out;
  };
  for (int i = 0; i < net.pairs; ++i) {
    const ValueId scale = graph.AddConstant("s", Floats({1}, {1.0f}));
    const ValueId zero = graph.AddConstant("z", Tensor(DType::kU8, Shape{1}));
    const ValueId bytes = add("QuantizeLinear", "q", {pixels, scale, zero});
    graph.value(bytes).dtype = DType::kU8;
    pixels = add("DequantizeLinear", "d", {bytes, scale, zero});
  }
  if (net.normalises) {
    pixels =
        add("Sub", "_minusscalar0", {pixels, graph.AddConstant("mean", Floats({1}, {127.5f}))});
    pixels = add("Mul", "_mulscalar0", {pixels, graph.AddConstant("scale", Floats({1}, {0.5f}))});
  }
  const ValueId flat = add("Flatten", "flatten", {pixels});
  std::vector<float> weights(2 * 3 * kSide * kSide, 0.0f);  // [out][in]
  weights[0] = 1;                                           // red, row 0, column 0
  weights[3 * kSide * kSide + 2 * kSide * kSide + 1] = 1;   // blue, row 0, column 1
  const ValueId weight = graph.AddConstant("w", Floats({2, 3 * kSide * kSide}, weights));
  const ValueId bias = graph.AddConstant("b", Floats({2}, {0, 1}));
  const ValueId out = add("Gemm", "fc1", {flat, weight, bias});
  graph.nodes.back().attributes["transB"] = std::int64_t{1};
  graph.outputs = {out};
  return Model::FromGraph(std::move(graph));
}

Image CropOf(std::uint8_t red, std::uint8_t blue) {
  Image crop(kSide, kSide);
  crop.row(0)[0] = red;
  crop.row(0)[3 + 2] = blue;
  crop.row(0)[3 * (kSide - 1)] = 200;      // red, mirrored to column 0
  crop.row(0)[3 * (kSide - 2) + 2] = 100;  // blue, mirrored to column 1
  return crop;
}

Embedder MustCreate(const Net& net, const EmbedOptions& options = {}) {
  Result<Embedder> embedder = Embedder::Create(PickingModel(net), options);
  EXPECT_TRUE(embedder) << embedder.error().message;
  return std::move(embedder).value();
}

TEST(Embedder, ReadsShapesFromTheNetwork) {
  const Embedder embedder = MustCreate({});
  EXPECT_EQ(embedder.dimension(), 2);
  EXPECT_EQ(embedder.crop_size_px(), kSide);
}

TEST(Embedder, NetworkThatNormalisesGetsRawPixels) {
  const Embedder embedder = MustCreate({-1, true});
  const Result<Embedding> embedding = embedder.Embed(CropOf(255, 0));
  ASSERT_TRUE(embedding) << embedding.error().message;
  EXPECT_FLOAT_EQ((*embedding)[0], 127.5f * 0.5f);
  EXPECT_FLOAT_EQ((*embedding)[1], -127.5f * 0.5f + 1);
}

// As ONNX Runtime's tools quantize such a network.
TEST(Embedder, QuantizedPixelsAreNormalisedInsideToo) {
  const Embedder embedder = MustCreate({-1, true, 5});
  const Result<Embedding> embedding = embedder.Embed(CropOf(255, 0));
  ASSERT_TRUE(embedding) << embedding.error().message;
  EXPECT_FLOAT_EQ((*embedding)[0], 127.5f * 0.5f);
}

TEST(Embedder, OtherNetworksGetPixelsFromMinusOneToOne) {
  const Embedder embedder = MustCreate({});
  const Result<Embedding> embedding = embedder.Embed(CropOf(255, 0));
  ASSERT_TRUE(embedding) << embedding.error().message;
  EXPECT_FLOAT_EQ((*embedding)[0], 1.0f);
  EXPECT_FLOAT_EQ((*embedding)[1], -1.0f + 1);
}

TEST(Embedder, PixelsAsTheContractSays) {
  EmbedOptions options;
  options.pixels = InputPixels{true, {10, 20, 30}, {0.5f, 1, 2}};
  options.face_template = FaceTemplate::kFrontal;
  const Embedder embedder = MustCreate({}, options);
  EXPECT_EQ(embedder.crop_pose().face_template, FaceTemplate::kFrontal);
  Image crop(kSide, kSide);
  crop.row(0)[2] = 200;     // blue of the first pixel: the first plane
  crop.row(0)[3 + 0] = 90;  // red of the second pixel: the last plane
  const Result<Embedding> embedding = embedder.Embed(crop);
  ASSERT_TRUE(embedding) << embedding.error().message;
  EXPECT_FLOAT_EQ((*embedding)[0], (200 - 10) * 0.5f);
  EXPECT_FLOAT_EQ((*embedding)[1], (90 - 30) * 2.0f + 1);
}

TEST(Embedder, EveryBatchSizeGivesTheSameRows) {
  std::vector<Image> crops;
  for (int i = 0; i < 7; ++i) {
    crops.push_back(CropOf(static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(10 * i)));
  }
  const std::vector<ImageView> views(crops.begin(), crops.end());
  for (const Net net : {Net{-1, true}, Net{1, true}, Net{4, true}}) {
    for (const int batch : {1, 3, 7, 100}) {
      EmbedOptions options;
      options.batch = batch;
      const auto embeddings = MustCreate(net, options).Embed(views);
      ASSERT_TRUE(embeddings) << embeddings.error().message;
      ASSERT_EQ(embeddings->size(), 7u);
      for (int i = 0; i < 7; ++i) {
        const Embedding& row = (*embeddings)[static_cast<std::size_t>(i)];
        EXPECT_FLOAT_EQ(row[0], (static_cast<float>(i) - 127.5f) * 0.5f);
        EXPECT_FLOAT_EQ(row[1], (static_cast<float>(10 * i) - 127.5f) * 0.5f + 1);
      }
    }
  }
}

TEST(Embedder, FlipAddsTheMirroredCrop) {
  EmbedOptions options;
  options.flip = true;
  const Result<Embedding> embedding = MustCreate({-1, true}, options).Embed(CropOf(50, 30));
  ASSERT_TRUE(embedding) << embedding.error().message;
  EXPECT_FLOAT_EQ((*embedding)[0], ((50 - 127.5f) + (200 - 127.5f)) * 0.5f);
  EXPECT_FLOAT_EQ((*embedding)[1], ((30 - 127.5f) + (100 - 127.5f)) * 0.5f + 2);
}

TEST(Embedder, NoCropsGiveNoRows) {
  EXPECT_TRUE(MustCreate({}).Embed(std::span<const ImageView>())->empty());
}

TEST(Embedder, RefusesCropsOfAnotherSize) {
  const Result<Embedding> embedding = MustCreate({}).Embed(Image(5, 4));
  ASSERT_FALSE(embedding);
  EXPECT_EQ(embedding.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(embedding.error().message.find("5x4"), std::string::npos);
}

TEST(Embedder, RefusesBatchBelowOne) {
  EmbedOptions options;
  options.batch = 0;
  EXPECT_FALSE(Embedder::Create(PickingModel({}), options));
}

}  // namespace
}  // namespace visavis
