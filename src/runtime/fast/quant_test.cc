// Quantized graphs: the fused int8 program against the reference program, and its bits over
// instruction sets, threads and batches.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"
#include "model/graph/passes/quantization.h"
#include "runtime/fast/mix_precision.h"
#include "runtime/fold_constants.h"
#include "tests/run_model.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

/// A graph under construction, with seeded weights.
class Builder {
 public:
  /// `stores`: which calls of Store do anything; nothing: all.
  explicit Builder(bool is_signed, std::optional<std::set<int>> stores = {})
      : signed_(is_signed), stores_(std::move(stores)), random_(7) {
    graph_.opset = 13;
    graph_.name = "quantized";
  }

  ValueId Input(std::int64_t channels, std::int64_t height, std::int64_t width) {
    const ValueId id = graph_.AddValue("x");
    graph_.value(id).shape =
        std::vector<Dim>{Dim{-1, "N"}, Dim{channels, ""}, Dim{height, ""}, Dim{width, ""}};
    graph_.inputs.push_back(id);
    return id;
  }

  ValueId Op(const std::string& op_type, std::vector<ValueId> inputs,
             std::map<std::string, Attribute, std::less<>> attributes = {}) {
    const ValueId y = graph_.AddValue(op_type + std::to_string(graph_.nodes.size()));
    graph_.nodes.push_back(Node{"", op_type, "", std::move(inputs), {y}, std::move(attributes)});
    return y;
  }

  /// QuantizeLinear and DequantizeLinear.
  ValueId Store(ValueId x, float scale, int zero) {
    if (stores_.has_value() && !stores_->contains(store_++)) return x;
    const ValueId s = Floats({scale});
    const ValueId z = Zero(zero);
    const ValueId q = Op("QuantizeLinear", {x, s, z});
    graph_.value(q).dtype = signed_ ? DType::kI8 : DType::kU8;
    return Op("DequantizeLinear", {q, s, z});
  }

  ValueId Conv(ValueId x, int in, int out, int kernel, int stride, int pad, int group,
               float x_scale) {
    std::vector<float> scales;
    const float unit = 0.02f / std::sqrt(static_cast<float>(in / group * kernel * kernel));
    for (int o = 0; o < out; ++o) scales.push_back(unit * (1.0f + 0.01f * static_cast<float>(o)));
    const ValueId w = Weights(Shape{out, in / group, kernel, kernel});
    const ValueId real = Op("DequantizeLinear", {w, Floats(scales)}, {{"axis", std::int64_t{0}}});
    for (float& s : scales) s *= x_scale;
    const ValueId bias =
        Op("DequantizeLinear", {Bias(out), Floats(scales)}, {{"axis", std::int64_t{0}}});
    const std::vector<std::int64_t> pads(4, pad);
    return Op("Conv", {x, real, bias},
              {{"strides", std::vector<std::int64_t>{stride, stride}},
               {"pads", pads},
               {"group", std::int64_t{group}}});
  }

  ValueId Prelu(ValueId x, int channels) {
    return Op("PRelu", {x, Random(Shape{channels, 1, 1}, 0.1f, 0.4f)});
  }
  ValueId BatchNorm(ValueId x, int channels) {
    const Shape shape{channels};
    return Op("BatchNormalization", {x, Random(shape, 0.7f, 1.3f), Random(shape, -0.3f, 0.3f),
                                     Random(shape, -0.2f, 0.2f), Random(shape, 0.8f, 1.2f)});
  }
  ValueId Gemm(ValueId x, int in, int out) {
    const ValueId w = Op("DequantizeLinear", {Weights(Shape{out, in}), Floats({0.001f})});
    return Op("Gemm", {x, w, Random(Shape{out}, -1, 1)}, {{"transB", std::int64_t{1}}});
  }

  /// QuantizeLinear; `Zero` of it is for the operators below.
  ValueId Quantize(ValueId x, float scale, int zero) {
    const ValueId q = Op("QuantizeLinear", {x, Floats({scale}), Zero(zero)});
    graph_.value(q).dtype = signed_ ? DType::kI8 : DType::kU8;
    return q;
  }
  ValueId Dequantize(ValueId x, float scale, int zero) {
    return Op("DequantizeLinear", {x, Floats({scale}), Zero(zero)});
  }
  ValueId Flatten(ValueId x) {
    const ValueId y = Op("Flatten", {x});
    graph_.value(y).dtype = graph_.value(x).dtype;
    return y;
  }
  /// QGemm (`gemm`), with float results unless `bytes`, or QLinearMatMul.
  ValueId ByteProduct(ValueId x, int in, int out, bool gemm, bool transposed, bool bytes) {
    const ValueId w = Weights(transposed ? Shape{out, in} : Shape{in, out});
    Tensor zero(DType::kI8, Shape{});
    std::vector<ValueId> inputs = {x, Floats({0.05f}),  Zero(117),
                                   w, Floats({0.003f}), Constant(std::move(zero))};
    if (gemm) inputs.push_back(Bias(out));
    if (bytes) {
      inputs.push_back(Floats({0.37f}));
      inputs.push_back(Zero(125));
    }
    const ValueId y = Op(gemm ? "QGemm" : "QLinearMatMul", std::move(inputs));
    if (gemm) {
      graph_.nodes.back().domain = "com.microsoft";
      graph_.nodes.back().attributes["transB"] = std::int64_t{transposed};
    }
    graph_.value(y).dtype = !bytes ? DType::kF32 : signed_ ? DType::kI8 : DType::kU8;
    return bytes ? Dequantize(y, 0.37f, 125) : y;
  }

  ValueId Floats(const std::vector<float>& values) {
    const Shape shape =
        values.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(values.size())};
    return Constant(Tensor::From<float>(shape, values));
  }
  Model Finish(ValueId y) {
    graph_.outputs = {y};
    return Model::FromGraph(std::move(graph_));
  }

 private:
  ValueId Constant(Tensor tensor) {
    return graph_.AddConstant("c" + std::to_string(graph_.values.size()), std::move(tensor));
  }
  ValueId Zero(int zero) {
    if (signed_) {
      const std::int8_t z[] = {static_cast<std::int8_t>(zero - 128)};
      return Constant(Tensor::From<std::int8_t>(Shape{}, z));
    }
    const std::uint8_t z[] = {static_cast<std::uint8_t>(zero)};
    return Constant(Tensor::From<std::uint8_t>(Shape{}, z));
  }
  ValueId Weights(const Shape& shape) {
    Tensor w(DType::kI8, shape);
    for (std::int8_t& x : w.data<std::int8_t>())
      x = static_cast<std::int8_t>(random_() % 255 - 127);
    return Constant(std::move(w));
  }
  ValueId Bias(int count) {
    Tensor b(DType::kI32, Shape{count});
    for (std::int32_t& x : b.data<std::int32_t>())
      x = static_cast<std::int32_t>(random_() % 8001) - 4000;
    return Constant(std::move(b));
  }
  ValueId Random(const Shape& shape, float low, float high) {
    Tensor t(DType::kF32, shape);
    std::uniform_real_distribution<float> uniform(low, high);
    for (float& x : t.data<float>()) x = uniform(random_);
    return Constant(std::move(t));
  }

  bool signed_;
  std::optional<std::set<int>> stores_;
  int store_ = 0;
  std::mt19937 random_;
  Graph graph_;
};

/// Stem, depthwise, residual block with a normalised copy, and a fully connected layer, as our own
/// quantizer writes them; `foreign` puts quantization between all operators, as others do.
/// `stores`: which values are quantized.
Model SmallNetwork(bool is_signed, bool foreign, std::optional<std::set<int>> stores = {}) {
  Builder b(is_signed, std::move(stores));
  ValueId x = b.Input(3, 21, 17);
  x = b.Op("Mul", {b.Op("Sub", {x, b.Floats({127.5f})}), b.Floats({0.0078125f})});
  x = b.Conv(b.Store(x, 0.008f, 128), 3, 40, 3, 1, 1, 1, 0.008f);
  if (foreign) x = b.Store(x, 0.0213f, 130);
  x = b.Store(b.Prelu(x, 40), 0.016f, 70);
  x = b.Store(b.Prelu(b.Conv(x, 40, 40, 3, 2, 1, 40, 0.016f), 40), 0.02f, 60);
  const ValueId stream = b.Store(b.Conv(x, 40, 70, 1, 1, 0, 1, 0.02f), 0.03f, 120);
  x = b.Store(b.Prelu(b.Conv(stream, 70, 70, 3, 1, 1, 1, 0.03f), 70), 0.02f, 60);
  x = b.Conv(x, 70, 70, 3, 1, 1, 1, 0.02f);
  if (foreign) x = b.Store(x, 0.0257f, 125);
  const ValueId sum = b.Store(b.Op("Add", {x, stream}), 0.0413f, 127);
  x = b.Store(b.BatchNorm(sum, 70), 0.05f, 126);
  x = b.Conv(x, 70, 33, 3, 2, 1, 1, 0.05f);
  x = b.Op("Add", {x, b.Conv(sum, 70, 33, 1, 2, 0, 1, 0.0413f)});
  x = b.Store(b.Op("Flatten", {x}), 0.06f, 120);
  return b.Finish(b.Gemm(x, 33 * 6 * 5, 10));
}

Tensor Pictures(std::int64_t count) {
  std::mt19937 random(3);
  Tensor t(DType::kF32, Shape{count, 3, 21, 17});
  for (float& x : t.data<float>()) x = static_cast<float>(random() % 256);
  return t;
}

// |got - want| / |want|.
double Distance(const std::vector<float>& got, const std::vector<float>& want) {
  EXPECT_EQ(got.size(), want.size());
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    difference += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  EXPECT_GT(norm, 0);
  return std::sqrt(difference / norm);
}

// The reference computes what lies between DequantizeLinear and QuantizeLinear in floats, so that
// now and then a value between two bytes becomes the other one.
void ExpectClose(const std::vector<float>& got, const std::vector<float>& want) {
  EXPECT_LT(Distance(got, want), 0.01);
}

TEST(Quantized, EveryIsaGivesTheBitsOfScalarCloseToTheReference) {
  const Tensor pictures = Pictures(2);
  for (const bool is_signed : {false, true}) {
    for (const bool foreign : {false, true}) {
      SCOPED_TRACE(std::string(is_signed ? "signed" : "unsigned") + (foreign ? " foreign" : ""));
      const Model model = SmallNetwork(is_signed, foreign);
      SessionOptions options;
      options.reference = true;
      const std::vector<float> reference = RunToFloats(model, pictures, options);
      options.reference = false;
      options.isa = "scalar";
      const std::vector<float> scalar = RunToFloats(model, pictures, options);
      ExpectClose(scalar, reference);
      for (const std::string_view isa : KnownIsas()) {
        if (FindKernels(isa) == nullptr) continue;
        options.isa = isa;
        EXPECT_EQ(RunToFloats(model, pictures, options), scalar) << isa;
      }
    }
  }
}

TEST(Quantized, BatchAndThreadsDoNotChangeBits) {
  const Model model = SmallNetwork(false, false);
  const Tensor pictures = Pictures(3);
  const std::vector<float> alone = RunToFloats(model, pictures, {});
  ThreadPool pool(2);
  SessionOptions threaded;
  threaded.pool = &pool;
  EXPECT_EQ(RunToFloats(model, pictures, threaded), alone);
  Tensor one(DType::kF32, Shape{1, 3, 21, 17});
  std::copy_n(pictures.data<float>().begin(), one.elements(), one.data<float>().begin());
  const std::vector<float> first(alone.begin(), alone.begin() + 10);
  EXPECT_EQ(RunToFloats(model, one, {}), first);
  EXPECT_EQ(RunToFloats(model, one, threaded), first);
}

/// Every layer that may turn float does where bytes are never faster.
CostModel FloatsAreFree() {
  CostModel model;
  model.flops_per_s = 1e30;
  model.weight_bytes_per_s = 1e30;
  model.int8_ops_per_s = 1;
  model.int8_bytes_per_s = 1e30;
  return model;
}

Graph WithIntegers(const Model& model) {
  Graph graph = model.graph();
  CompileContext context;
  context.kernels = FindKernels("scalar");
  EXPECT_TRUE(FoldConstants(graph, context, true).has_value());
  return graph;
}

int Int8Convs(Graph graph) {
  GraphEditor editor(std::move(graph));
  int count = 0;
  for (int i = 0; i < editor.node_count(); ++i) count += IsInt8Conv(editor, i) ? 1 : 0;
  return count;
}

// Float layers drop the quantization between them: what is left is in front of the picture's
// convolution, of the depthwise one and of the fully connected layer.
TEST(Quantized, LayersThatTurnFloatComputeWhatTheirBytesStandFor) {
  const Tensor pictures = Pictures(2);
  for (const bool foreign : {false, true}) {
    SCOPED_TRACE(foreign);
    const Graph graph = WithIntegers(SmallNetwork(false, foreign));
    const Graph mixed = MixPrecision(graph, FloatsAreFree());
    EXPECT_EQ(Int8Convs(graph), 7);
    EXPECT_EQ(Int8Convs(mixed), 2);
    const std::set<int> left = foreign ? std::set<int>{0, 1, 2, 9} : std::set<int>{0, 1, 7};
    SessionOptions reference;
    reference.reference = true;
    ExpectClose(RunToFloats(Model::FromGraph(mixed), pictures, {}),
                RunToFloats(SmallNetwork(false, foreign, left), pictures, reference));
  }
}

TEST(Quantized, NothingChangesWhereBytesAreFaster) {
  const Graph graph = WithIntegers(SmallNetwork(false, false));
  CostModel model = FloatsAreFree();
  model.flops_per_s = 1;
  model.int8_ops_per_s = 1e30;
  const Graph same = MixPrecision(graph, model);
  EXPECT_EQ(same.nodes.size(), graph.nodes.size());
  EXPECT_EQ(Int8Convs(same), 7);
}

// Quantizers leave out a ReLU in front of bytes whose range starts at zero.
TEST(Quantized, ARangeFromZeroIsAReluOfFloatLayersToo) {
  Builder b(false);
  ValueId x = b.Input(3, 21, 17);
  x = b.Store(b.Conv(b.Store(x, 1.0f, 0), 3, 40, 3, 1, 1, 1, 1.0f), 2.0f, 0);
  x = b.Store(b.Conv(x, 40, 40, 3, 1, 1, 1, 2.0f), 0.8f, 0);
  x = b.Conv(x, 40, 20, 3, 1, 1, 1, 0.8f);
  const Model model = b.Finish(x);
  const Graph mixed = MixPrecision(WithIntegers(model), FloatsAreFree());
  EXPECT_EQ(Int8Convs(mixed), 1);
  SessionOptions reference;
  reference.reference = true;
  const Tensor pictures = Pictures(1);
  ExpectClose(RunToFloats(Model::FromGraph(mixed), pictures, {}),
              RunToFloats(model, pictures, reference));
}

// Behind these the same bytes as ONNX says, so the fast program may not differ in one bit.
TEST(Quantized, ProductsOfTheOperatorFormAreFusedAndExact) {
  const Tensor pictures = Pictures(2);
  struct Form {
    bool gemm, transposed, bytes;
  };
  for (const Form form : {Form{true, true, true}, Form{true, false, true}, Form{true, true, false},
                          Form{false, false, true}}) {
    for (const bool is_signed : {false, true}) {
      SCOPED_TRACE(testing::Message() << form.gemm << form.transposed << form.bytes << is_signed);
      Builder b(is_signed);
      const ValueId x = b.Flatten(b.Quantize(b.Input(3, 21, 17), 2.0f, 117));
      const Model model =
          b.Finish(b.ByteProduct(x, 3 * 21 * 17, 24, form.gemm, form.transposed, form.bytes));
      Graph graph = FuseQuantized(WithIntegers(model));
      EXPECT_TRUE(std::ranges::none_of(graph.nodes, [](const Node& node) {
        return node.op_type == "QGemm" || node.op_type == "QLinearMatMul";
      }));
      SessionOptions reference;
      reference.reference = true;
      EXPECT_EQ(RunToFloats(model, pictures, {}), RunToFloats(model, pictures, reference));
    }
  }
}

// A layer that stayed float would be right too, but slow.
TEST(Quantized, OnlyFusedNodesAreLeft) {
  const Model model = SmallNetwork(false, false);
  Graph graph = model.graph();
  CompileContext context;
  context.kernels = FindKernels("scalar");
  ASSERT_TRUE(FoldConstants(graph, context, true).has_value());
  graph = FuseQuantized(std::move(graph));
  ASSERT_TRUE(FoldConstants(graph, context).has_value());
  graph = *OptimizeGraph(std::move(graph));
  for (const Node& node : graph.nodes) {
    const bool picture = node.op_type == "Sub" || node.op_type == "Mul";
    const bool first = node.op_type == "QuantizeLinear" && node.inputs[0] != kNoValue;
    EXPECT_TRUE(node.domain == kFusedDomain || picture || first) << graph.Describe(node);
    if (node.domain == kFusedDomain && node.op_type != kQuantMap) {
      EXPECT_TRUE(IsQuantized(graph, node)) << graph.Describe(node);
    }
  }
}

}  // namespace
}  // namespace visavis
