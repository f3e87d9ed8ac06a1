#include <fmt/format.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "model/arch/arch.h"
#include "model/convert.h"
#include "model/onnx/onnx_export.h"
#include "model/onnx/onnx_import.h"
#include "model/onnx/tensor_proto.h"
#include "model/rewrite/difference.h"
#include "model/rewrite/opset.h"
#include "model/rewrite/weights.h"
#include "model/test_graph.h"
#include "visavis/session.h"

namespace visavis {
namespace {

// Debian's libonnx is of version 1.12, which knows operator sets up to this one.
constexpr int kCheckerOpset = 17;

struct Builder : GraphBuilder {
  explicit Builder(int opset) : GraphBuilder(opset, {2, 6, 7, 9}) {}
};

Tensor Random(const Shape& shape) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> number(-2, 2);
  Tensor tensor(DType::kF32, shape);
  for (float& v : tensor.data<float>()) v = number(random);
  return tensor;
}

std::vector<Tensor> RunOn(const Graph& graph, const Tensor& x) {
  const auto session = Session::Create(Model::FromGraph(graph));
  EXPECT_TRUE(session) << session.error().message;
  std::vector<Tensor> outputs(graph.outputs.size());
  if (!session) return outputs;
  const std::vector<TensorView> inputs{x};
  const Status run = session->Run(inputs, outputs);
  EXPECT_TRUE(run) << run.error().message;
  return outputs;
}

double LargestDifference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    EXPECT_EQ(a[k].shape(), b[k].shape());
    if (a[k].shape() != b[k].shape() || a[k].dtype() != DType::kF32) return INFINITY;
    for (std::size_t i = 0; i < a[k].data<float>().size(); ++i) {
      largest = std::max(largest, std::abs(double{a[k].data<float>()[i]} - b[k].data<float>()[i]));
    }
  }
  return largest;
}

double Largest(const std::vector<Tensor>& a) {
  double largest = 0;
  for (const Tensor& tensor : a) {
    for (const float x : tensor.data<float>()) largest = std::max(largest, std::abs(double{x}));
  }
  return largest;
}

// As a file would hold it, which the official checker has to accept.
Graph Written(const Graph& graph) {
  const auto bytes = ExportOnnx(graph);
  EXPECT_TRUE(bytes) << bytes.error().message;
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(*bytes));
  if (graph.opset <= kCheckerOpset) {
    try {
      onnx::checker::check_model(model);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "ONNX checker at opset " << graph.opset << ": " << error.what();
    }
  }
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes->data());
  auto again = ImportOnnx({data, bytes->size()}, "written.onnx", Limits{});
  EXPECT_TRUE(again) << again.error().message;
  return std::move(again).value();
}

TEST(OpsetTest, EveryChangeOfFormUpAndDown) {
  using Ints = std::vector<std::int64_t>;
  struct Case {
    const char* what;
    int opset;
    std::function<void(Builder&)> build;
    int lowest = 7;
  };
  const std::int64_t one = 1;
  const std::vector<Case> cases{
      {"softmax 13", 13,
       [&](Builder& b) {
         b.Add("Softmax", {}, {{"axis", one}});
       }},
      {"softmax 13, last axis", 13, [&](Builder& b) { b.Add("Softmax"); }},
      {"softmax 11", 11,
       [&](Builder& b) {
         b.Add("Softmax", {}, {{"axis", one}});
       }},
      {"log softmax 9", 9,
       [&](Builder& b) {
         b.Add("LogSoftmax", {}, {{"axis", 2 * one}});
       }},
      {"clip", 11,
       [&](Builder& b) {
         b.Add("Clip", {b.Floats(Shape{}, {-0.5f}), b.Floats(Shape{}, {1})});
       }},
      {"clip, one bound", 11,
       [&](Builder& b) {
         b.Add("Clip", {kNoValue, b.Floats(Shape{}, {1})});
       }},
      {"pad", 13,
       [&](Builder& b) {
         b.Add("Pad", {b.Ints({0, 1, 2, 0, 0, 0, 3, 1}), b.Floats(Shape{}, {4})});
       }},
      {"slice", 10,
       [&](Builder& b) {
         b.Add("Slice", {b.Ints({1, 2}), b.Ints({3, 9}), b.Ints({-2, 3})});
       }},
      {"dropout 12", 12, [&](Builder& b) { b.Add("Dropout", {b.Floats(Shape{}, {0.3f})}); }},
      {"squeeze", 13,
       [&](Builder& b) {
         b.Add("Unsqueeze", {b.Ints({-1, 0})});
         b.Add("Squeeze", {b.Ints({-1})});
       }},
      {"split 13", 13,
       [&](Builder& b) {
         b.Add("Split", {b.Ints({1, 5})}, {{"axis", one}}, 2);
       }},
      {"split 18", 18,
       [&](Builder& b) {
         b.Add("Split", {}, {{"axis", -one}, {"num_outputs", 2 * one}}, 2);
       }},
      {"reduce 18", 18,
       [&](Builder& b) {
         b.Add("ReduceMean", {b.Ints({-1})});
         b.Add("ReduceSum", {b.Ints({2, 1})}, {{"keepdims", one - 1}});
       }},
      {"reshape", 14,
       [&](Builder& b) {
         b.Add("Reshape", {b.Ints({2, -1})}, {{"allowzero", one}});
       }},
      {"gemm without C", 11,
       [&](Builder& b) {
         b.Add("Flatten", {}, {{"axis", -3 * one}});
         b.Add("Gemm", {b.Floats(Shape{378, 1}, std::vector<float>(378, 0.01f))});
       }},
      {"hard swish", 14, [&](Builder& b) { b.Add("HardSwish"); }},
      {"max pool, rounded up", 11,
       [&](Builder& b) {
         b.Add("MaxPool", {},
               {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", one}});
         b.Add("MaxPool", {},
               {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}, {"ceil_mode", one}});
       }},
      {"average pool", 19,
       [&](Builder& b) {
         b.Add("AveragePool", {}, {{"kernel_shape", Ints{3, 3}}, {"dilations", Ints{1, 1}}});
       }},
      {"resize", 11,
       [&](Builder& b) {
         b.Add("Resize", {b.Floats(Shape{0}, {}), b.Floats(Shape{4}, {1, 1, 2, 2})},
               {{"mode", std::string("nearest")}});
       }},
      {"resize to sizes", 13,
       [&](Builder& b) {
         b.Add("Resize", {kNoValue, kNoValue, b.Ints({2, 6, 14, 27})},
               {{"mode", std::string("nearest")},
                {"coordinate_transformation_mode", std::string("asymmetric")},
                {"nearest_mode", std::string("floor")}});
       }},
      {"upsample", 7,
       [&](Builder& b) {
         b.Add("Upsample", {},
               {{"scales", std::vector<float>{1, 1, 2, 3}}, {"mode", std::string("nearest")}});
       }},
      {"shape", 15,
       [&](Builder& b) {
         const ValueId x = b.last;
         b.Add("Shape", {}, {{"start", one}, {"end", 2 * one}});
         const ValueId part = b.last;
         b.Add("Concat", {b.Ints({-1})}, {{"axis", std::int64_t{0}}});
         (void)part;
         const ValueId target = b.last;
         b.last = x;
         b.Add("Reshape", {target});
       }},
      {"max", 8,
       [&](Builder& b) {
         b.Add("Max", {b.Floats(Shape{6, 1, 1}, {0, 1, 2, -1, -2, 0.5f})});
       },
       8},
      {"batch norm", 9,
       [&](Builder& b) {
         const std::vector<float> v{1, 2, 3, 4, 5, 6};
         b.Add("BatchNormalization", {b.Floats(Shape{6}, v), b.Floats(Shape{6}, v),
                                      b.Floats(Shape{6}, v), b.Floats(Shape{6}, v)});
       }},
  };
  const Tensor x = Random(Shape{2, 6, 7, 9});
  for (const Case& c : cases) {
    Builder builder(c.opset);
    c.build(builder);
    ASSERT_TRUE(ValidateAndSort(builder.graph, c.what));
    const std::vector<Tensor> want = RunOn(builder.graph, x);
    for (const int opset : {7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 21}) {
      if (opset < c.lowest) continue;
      SCOPED_TRACE(fmt::format("{} from {} to {}", c.what, c.opset, opset));
      const auto changed = ChangeOpset(builder.graph, opset);
      ASSERT_TRUE(changed) << changed.error().message;
      EXPECT_EQ(changed->opset, opset);
      EXPECT_LE(LargestDifference(RunOn(Written(*changed), x), want), 1e-6);
      const auto back = ChangeOpset(*changed, c.opset);
      ASSERT_TRUE(back) << back.error().message;
      EXPECT_LE(LargestDifference(RunOn(Written(*back), x), want), 1e-6);
    }
  }
}

TEST(OpsetTest, RefusesByNodeAndReason) {
  const auto error = [](Builder& builder, int opset) {
    const auto changed = ChangeOpset(builder.graph, opset);
    EXPECT_FALSE(changed);
    if (changed) return std::string();
    EXPECT_EQ(changed.error().code, ErrorCode::kUnsupported);
    return changed.error().message;
  };
  Builder unknown(11);
  unknown.Add("Einsum");
  EXPECT_EQ(
      error(unknown, 13),
      "opset 13: node Einsum0 (Einsum): how Einsum changes between operator sets is not known "
      "here");
  Builder norm(9);
  norm.Add("Round");
  norm.graph.opset = 11;
  EXPECT_EQ(error(norm, 10), "opset 10: node Round0 (Round): Round is in operator sets 11 to 21");
  Builder slice(10);
  slice.Add("Slice", {slice.Ints({0}), slice.Ints({6}), slice.Ints({1}), slice.Ints({2})});
  EXPECT_EQ(error(slice, 9), "opset 9: node Slice0 (Slice): steps other than 1 cannot be said");
  Builder pool(11);
  pool.Add("AveragePool", {},
           {{"kernel_shape", std::vector<std::int64_t>{2, 2}},
            {"strides", std::vector<std::int64_t>{2, 2}},
            {"ceil_mode", std::int64_t{1}}});
  EXPECT_EQ(error(pool, 9), "opset 9: node AveragePool0 (AveragePool): ceil_mode=1 cannot be said");
  EXPECT_EQ(ChangeOpset(pool.graph, 22).error().code, ErrorCode::kInvalidArgument);
}

TEST(OpsetTest, ArcFaceNetworkThroughAllOperatorSets) {
  auto graph = BuildArch("lresnet18e-ir", 1);
  ASSERT_TRUE(graph) << graph.error().message;
  const auto clean = CleanGraph(*graph);
  ASSERT_TRUE(clean) << clean.error().message;
  const Tensor x = Random(Shape{1, 3, 112, 112});
  const std::vector<Tensor> want = RunOn(*graph, x);
  Graph at = *clean;
  for (const int opset : {11, 13, 17, 21, 17, 13, 11, 8}) {
    auto changed = ChangeOpset(at, opset);
    ASSERT_TRUE(changed) << changed.error().message;
    at = Written(*changed);
    EXPECT_EQ(at.opset, opset);
    EXPECT_LE(LargestDifference(RunOn(at, x), want), 1e-5) << opset;
  }
}

TEST(InputTest, FoldedNormalizationIsExactAtTheBorder) {
  Builder builder(13);
  builder.Add("Sub", {builder.Floats(Shape{}, {0.5f})});
  builder.Add("Mul", {builder.Floats(Shape{}, {3})});
  Tensor weights = Random(Shape{2, 6, 3, 3});
  builder.Add("Conv", {builder.graph.AddConstant("w", std::move(weights))},
              {{"pads", std::vector<std::int64_t>{1, 0, 2, 1}}});
  const Tensor x = Random(Shape{2, 6, 7, 9});
  const auto want = RunOn(builder.graph, x);
  const auto folded = FoldNormalization(builder.graph);
  ASSERT_TRUE(folded) << folded.error().message;
  EXPECT_EQ(folded->nodes.size(), 2u);  // Pad, Conv
  EXPECT_LE(LargestDifference(RunOn(Written(*folded), x), want), 1e-4);

  InputNormalization taken;
  const auto bare = TakeNormalizationOut(builder.graph, &taken);
  ASSERT_TRUE(bare) << bare.error().message;
  EXPECT_EQ(bare->nodes.size(), 1u);
  EXPECT_EQ(taken.mean, (std::vector<double>{0.5}));
  EXPECT_EQ(taken.scale, (std::vector<double>{3}));
  const auto again = PutNormalizationIn(*bare, taken);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_LE(LargestDifference(RunOn(Written(*again), x), want), 1e-6);
  EXPECT_FALSE(FoldNormalization(*bare));
  EXPECT_EQ(PutNormalizationIn(*bare, {{1, 2}, {1}}).error().code, ErrorCode::kInvalidArgument);
}

TEST(InputTest, ReversedChannels) {
  Builder builder(13);
  builder.Add("Sub", {builder.Floats(Shape{1, 6, 1, 1}, {1, 2, 3, 4, 5, 6})});
  builder.Add("Conv", {builder.graph.AddConstant("w", Random(Shape{2, 6, 3, 3}))});
  const Tensor x = Random(Shape{2, 6, 7, 9});
  Tensor turned = x.Clone();  // two groups of three channels
  for (int i = 0; i < 12; ++i) {
    std::memcpy(turned.data<float>().data() + i * 63,
                x.data<float>().data() + (i - i % 3 + 2 - i % 3) * 63, 63 * sizeof(float));
  }
  const auto want = RunOn(builder.graph, x);
  for (const ReverseBy by : {ReverseBy::kGather, ReverseBy::kWeights}) {
    const auto reversed = ReverseInputChannels(builder.graph, by);
    ASSERT_TRUE(reversed) << reversed.error().message;
    // The two graphs may take different algorithms, whose rounding goes with the numbers' size.
    EXPECT_LE(LargestDifference(RunOn(Written(*reversed), turned), want), 1e-6 * Largest(want));
    EXPECT_GT(LargestDifference(RunOn(Written(*reversed), x), want), 0.1 * Largest(want));
  }
  builder.Add("Relu");
  Builder mixed(13);
  mixed.Add("Relu");
  mixed.Add("Conv", {mixed.graph.AddConstant("w", Random(Shape{2, 6, 3, 3}))});
  const auto refused = ReverseInputChannels(mixed.graph, ReverseBy::kWeights);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("Relu0"), std::string::npos) << refused.error().message;
}

TEST(WeightsTest, FoldedBatchNorm) {
  Builder builder(13);
  const std::vector<float> six{1, 2, 3, 4, 5, 6};
  const auto norm = [&](std::int64_t n) {
    const std::vector<float> v(six.begin(), six.begin() + n);
    builder.Add("BatchNormalization", {builder.Floats(Shape{n}, v), builder.Floats(Shape{n}, v),
                                       builder.Floats(Shape{n}, v), builder.Floats(Shape{n}, v)});
  };
  norm(6);
  builder.Add("Conv", {builder.graph.AddConstant("w", Random(Shape{4, 3, 3, 3}))},
              {{"group", std::int64_t{2}}});
  norm(4);
  builder.Add("Flatten");
  builder.Add("Gemm", {builder.graph.AddConstant("f", Random(Shape{140, 5}))});
  norm(5);
  const Tensor x = Random(Shape{2, 6, 7, 9});
  const auto want = RunOn(builder.graph, x);
  std::vector<std::string> names;
  const Graph folded = FoldBatchNorm(builder.graph, &names);
  EXPECT_EQ(folded.nodes.size(), 3u);
  EXPECT_EQ(names.size(), 3u);
  EXPECT_LE(LargestDifference(RunOn(Written(folded), x), want),
            1e-2);  // numbers of several hundred
}

TEST(WeightsTest, StoredAsHalvesAndReadAsFloats) {
  Builder builder(13);
  builder.Add("Conv", {builder.Floats(Shape{1, 6, 1, 1}, {1, 2, 0.5f, 1.0009765625f, -3, 65504})});
  builder.Add("Conv", {builder.Floats(Shape{2, 1, 1, 1}, {1, 1e6f})});
  std::vector<std::string> stored;
  std::vector<std::string> kept;
  const auto half = StoreWeightsAs(builder.graph, DType::kF16, &stored, &kept);
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_EQ(stored.size(), 1u);
  EXPECT_EQ(kept.size(), 1u);  // 1e6 is no float16
  EXPECT_EQ(half->nodes.size(), 3u);
  const Graph read = Written(*half);
  EXPECT_EQ(read.nodes.size(), 2u);  // widened on reading
  const Tensor x = Random(Shape{2, 6, 7, 9});
  EXPECT_EQ(LargestDifference(RunOn(read, x), RunOn(builder.graph, x)),
            0);  // all are float16 numbers

  const auto bf16 = StoreWeightsAs(builder.graph, DType::kBF16);
  ASSERT_TRUE(bf16) << bf16.error().message;
  EXPECT_EQ(ChangeOpset(*bf16, 12).error().code, ErrorCode::kUnsupported);
  builder.graph.opset = 11;
  EXPECT_EQ(StoreWeightsAs(builder.graph, DType::kBF16).error().code, ErrorCode::kUnsupported);
}

TEST(DifferenceTest, NamesWhatChanged) {
  Builder builder(11);
  builder.Add("Identity");
  builder.Add("Softmax", {}, {{"axis", std::int64_t{3}}});
  Graph after = builder.graph;
  after.nodes.erase(after.nodes.begin());
  after.nodes[0].inputs[0] = after.inputs[0];
  after.nodes[0].attributes["axis"] = std::int64_t{1};
  after.opset = 13;
  EXPECT_EQ(
      Differences(builder.graph, after),
      (std::vector<std::string>{"~ operator set: 11 -> 13", "- Identity0 (Identity)",
                                "~ Softmax1 (Softmax): axis: 3 -> 1; input 0: Identity0_y0 -> "
                                "x"}));
  EXPECT_TRUE(Differences(after, after).empty());
}

}  // namespace
}  // namespace visavis
