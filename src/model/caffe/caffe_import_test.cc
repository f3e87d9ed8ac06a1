#include "model/caffe/caffe_import.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "model/caffe/test_files.h"
#include "model/rewrite/input.h"
#include "model/rewrite/transpose_hw.h"
#include "tests/shared_data.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

using caffe::AsBytes;

std::vector<Tensor> RunOn(const Graph& graph, const Tensor& input) {
  SessionOptions options;
  options.reference = true;
  const auto session = Session::Create(Model::FromGraph(graph), options);
  EXPECT_TRUE(session) << session.error().message;
  std::vector<Tensor> outputs(graph.outputs.size());
  const std::vector<TensorView> inputs{input};
  const Status run = session->Run(inputs, outputs);
  EXPECT_TRUE(run) << run.error().message;
  return outputs;
}

Tensor Random(const Shape& shape) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> pixel(-1, 1);
  Tensor tensor(DType::kF32, shape);
  for (float& v : tensor.data<float>()) v = pixel(random);
  return tensor;
}

double LargestDifference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.data<float>().size(); ++i) {
    largest = std::max(largest, std::abs(double{a.data<float>()[i]} - b.data<float>()[i]));
  }
  return largest;
}

TEST(CaffeImportTest, MtcnnFromCaffeFilesIsMtcnnFromMxnetFiles) {
  struct Net {
    const char* prefix;
    std::int64_t side;
    std::vector<std::int64_t> image;
  };
  for (const Net& net :
       {Net{"models/mtcnn/det1", 12, {2, 3, 31, 44}}, Net{"models/mtcnn/det2", 24, {3, 3, 24, 24}},
        Net{"models/mtcnn/det3", 48, {2, 3, 48, 48}}}) {
    VISAVIS_REQUIRE_SHARED(std::string(net.prefix) + "-symbol.json");
    const auto model = Model::Load(SharedPath(net.prefix));
    ASSERT_TRUE(model) << model.error().message;
    const caffe::CaffeFiles files = caffe::WriteMtcnn(model->graph(), net.side);
    const auto caffe = ImportCaffe(AsBytes(files.network), "m.prototxt", AsBytes(files.weights),
                                   "m.caffemodel", Limits{});
    ASSERT_TRUE(caffe) << caffe.error().message;
    EXPECT_EQ(caffe->notes.size(), 1u);
    const auto upright = TransposeHeightAndWidth(*caffe);
    ASSERT_TRUE(upright) << upright.error().message;
    const auto converted = ReverseInputChannels(*upright, ReverseBy::kWeights);
    ASSERT_TRUE(converted) << converted.error().message;

    const Tensor image = Random(Shape(net.image));
    const std::vector<Tensor> want = RunOn(model->graph(), image);
    const std::vector<Tensor> have = RunOn(*converted, image);
    ASSERT_EQ(have.size(), want.size());
    for (const Tensor& output : want) {
      // The order of the outputs is the file's; their shapes tell them apart.
      const auto same = std::ranges::find_if(
          have, [&](const Tensor& other) { return other.shape() == output.shape(); });
      ASSERT_NE(same, have.end()) << output.shape().ToString();
      EXPECT_LE(LargestDifference(output, *same), 1e-6) << net.prefix;
    }
    // Without the two options it is another network.
    EXPECT_GT(LargestDifference(want[0], RunOn(*caffe, image)[0].shape() == want[0].shape()
                                             ? RunOn(*caffe, image)[0]
                                             : RunOn(*caffe, image)[1]),
              1e-3);
  }
}

TEST(CaffeImportTest, LoadsThePairByEitherName) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det2-symbol.json");
  const auto model = Model::Load(SharedPath("models/mtcnn/det2"));
  ASSERT_TRUE(model) << model.error().message;
  const caffe::CaffeFiles files = caffe::WriteMtcnn(model->graph(), 24);
  const std::string stem = testing::TempDir() + "/visavis-caffe-det2";
  std::ofstream(stem + ".prototxt") << files.network;
  for (const char* suffix : {".prototxt", ".caffemodel"}) {
    std::filesystem::remove(stem + ".caffemodel");
    if (std::string_view(suffix) == ".prototxt") {
      const auto missing = Model::Load(stem + ".prototxt");
      ASSERT_FALSE(missing);
      EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    }
    std::ofstream(stem + ".caffemodel", std::ios::binary) << files.weights;
    const auto loaded = Model::Load(stem + suffix);
    ASSERT_TRUE(loaded) << loaded.error().message;
    const auto info = loaded->Info();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->format, "caffe");
    EXPECT_EQ(info->recognised_as, "MTCNN RNet");
  }
  std::filesystem::remove(stem + ".caffemodel");
  std::filesystem::remove(stem + ".prototxt");
}

// Layers of 2014, writing in place, and everything MTCNN does not have.
constexpr char kOld[] = R"(
name: "old" input: "x" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" blobs_lr: 1 weight_decay: 0
         convolution_param { num_output: 2 kernel_size: 1 bias_term: false } }
layers { name: "r" type: RELU bottom: "c" top: "c" }
layers { name: "d" type: DROPOUT bottom: "c" top: "c" dropout_param { dropout_ratio: 0.5 } }
layers { name: "s" type: SPLIT bottom: "c" top: "s1" top: "s2" }
layers { name: "e" type: ELTWISE bottom: "s1" bottom: "s2" top: "e"
         eltwise_param { operation: SUM coeff: 1 coeff: -3 } }
layers { name: "train" type: SOFTMAX_LOSS bottom: "e" top: "loss" include { phase: TRAIN } }
)";

std::string OldWeights() {
  caffe_format::NetParameter net;
  caffe_format::V1LayerParameter& layer = *net.add_layers();
  layer.set_name("c");
  layer.set_type(caffe_format::V1LayerParameter::CONVOLUTION);
  caffe_format::BlobProto& blob = *layer.add_blobs();
  blob.set_num(2);
  blob.set_channels(2);
  blob.set_height(1);
  blob.set_width(1);
  for (const float v : {1.0f, 0.0f, 0.0f, -1.0f}) blob.add_data(v);
  return net.SerializeAsString();
}

TEST(CaffeImportTest, NetworksOf2014) {
  const auto graph =
      ImportCaffe(AsBytes(kOld), "old.prototxt", AsBytes(OldWeights()), "old.caffemodel", Limits{});
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->outputs.size(), 1u);
  EXPECT_EQ(graph->value(graph->inputs[0]).shape->at(2).symbol, "height");
  Tensor x(DType::kF32, Shape{1, 2, 1, 1});
  x.data<float>()[0] = 5;
  x.data<float>()[1] = -2;
  const std::vector<Tensor> y = RunOn(*graph, x);
  EXPECT_EQ(y[0].data<float>()[0], -10);  // 5 - 3 * 5
  EXPECT_EQ(y[0].data<float>()[1], -4);   // relu(2) - 3 * 2
}

TEST(CaffeImportTest, BatchNormAndScaleAsCaffeStoresThem) {
  constexpr char kNet[] = R"(
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 1 dim: 1 dim: 1 } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "x" batch_norm_param { eps: 0 } }
layer { name: "sc" type: "Scale" bottom: "x" top: "x" scale_param { bias_term: true } }
)";
  caffe_format::NetParameter net;
  const auto add = [&](const char* name, const std::vector<float>& numbers) {
    caffe_format::LayerParameter& layer = *net.add_layer();
    layer.set_name(name);
    for (const float v : numbers) {
      caffe_format::BlobProto& blob = *layer.add_blobs();
      blob.mutable_shape()->add_dim(1);
      blob.add_data(v);
    }
  };
  add("bn", {6, 8, 2});  // mean 3, variance 4
  add("sc", {10, 1});
  const auto graph = ImportCaffe(AsBytes(kNet), "n.prototxt", AsBytes(net.SerializeAsString()),
                                 "n.caffemodel", Limits{});
  ASSERT_TRUE(graph) << graph.error().message;
  Tensor x(DType::kF32, Shape{1, 1, 1, 1});
  x.data<float>()[0] = 5;
  EXPECT_FLOAT_EQ(RunOn(*graph, x)[0].data<float>()[0], 11);  // (5 - 3) / 2 * 10 + 1
}

void ExpectError(const std::string& network, const std::string& weights, ErrorCode code,
                 const std::string& message) {
  const auto graph =
      ImportCaffe(AsBytes(network), "n.prototxt", AsBytes(weights), "n.caffemodel", Limits{});
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, code);
  EXPECT_NE(graph.error().message.find(message), std::string::npos) << graph.error().message;
}

TEST(CaffeImportTest, RefusesByName) {
  const std::string input = "input: \"x\" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4\n";
  ExpectError("layer { name: \"a", "", ErrorCode::kCorruptData, "n.prototxt: line 1");
  ExpectError(input, "", ErrorCode::kCorruptData, "has no layers");
  ExpectError(input + "layer { name: \"l\" type: \"LRN\" bottom: \"x\" top: \"y\" }", "",
              ErrorCode::kUnsupported, "layer 'l' (LRN): this type of layer is not supported");
  ExpectError(input + "layer { name: \"l\" type: \"ReLU\" bottom: \"q\" top: \"y\" }", "",
              ErrorCode::kCorruptData, "bottom 'q' is made by no layer before");
  ExpectError(kOld, "", ErrorCode::kCorruptData, "has 0 blobs for it, want 1");
  ExpectError(kOld, "\x08", ErrorCode::kCorruptData, "n.caffemodel: broken");
  caffe_format::NetParameter net;
  caffe_format::BlobProto& blob = *net.add_layer()->add_blobs();
  blob.mutable_shape()->add_dim(std::int64_t{1} << 40);
  blob.mutable_shape()->add_dim(std::int64_t{1} << 40);
  ExpectError(kOld, net.SerializeAsString(), ErrorCode::kLimitExceeded, "blob 0");
  blob.mutable_shape()->clear_dim();
  blob.mutable_shape()->add_dim(1 << 29);
  ExpectError(kOld, net.SerializeAsString(), ErrorCode::kCorruptData, "found 0 numbers");
  Limits few;
  few.graph_nodes = 1;
  EXPECT_EQ(ImportCaffe(AsBytes(kOld), "n", AsBytes(OldWeights()), "w", few).error().code,
            ErrorCode::kLimitExceeded);
}

}  // namespace
}  // namespace visavis
