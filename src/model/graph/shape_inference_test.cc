#include "model/graph/shape_inference.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

using Ints = std::vector<std::int64_t>;

// One node over inputs of the given shapes; integer tensors are constants.
class OneNode {
 public:
  explicit OneNode(const std::string& op_type, int opset = 13) {
    graph_.opset = opset;
    node_.op_type = op_type;
  }
  OneNode& Input(std::vector<Dim> shape) {
    const ValueId id = graph_.AddValue(fmt::format("x{}", graph_.values.size()));
    graph_.value(id).shape = std::move(shape);
    graph_.inputs.push_back(id);
    node_.inputs.push_back(id);
    return *this;
  }
  OneNode& Input(const Ints& extents) {
    std::vector<Dim> dims;
    for (const std::int64_t extent : extents) dims.push_back(Dim{extent, ""});
    return Input(dims);
  }
  OneNode& Constant(const Ints& values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    node_.inputs.push_back(graph_.AddConstant("c", Tensor::From<std::int64_t>(shape, values)));
    return *this;
  }
  OneNode& Scales(const std::vector<float>& values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    node_.inputs.push_back(graph_.AddConstant("s", Tensor::From<float>(shape, values)));
    return *this;
  }
  OneNode& Skip() {
    node_.inputs.push_back(kNoValue);
    return *this;
  }
  OneNode& With(const std::string& name, Attribute value) {
    node_.attributes[name] = std::move(value);
    return *this;
  }
  std::string Infer(int outputs = 1) {
    for (int i = 0; i < outputs; ++i) node_.outputs.push_back(graph_.AddValue("y"));
    graph_.nodes.push_back(node_);
    const std::vector<InferredValue> inferred = InferShapes(graph_);
    std::vector<std::string> shapes;
    for (const ValueId id : node_.outputs) {
      const auto& shape = inferred[static_cast<std::size_t>(id)].shape;
      if (!shape) {
        shapes.emplace_back("?");
        continue;
      }
      std::vector<std::string> extents;
      for (const Dim& dim : *shape) {
        extents.push_back(dim.known() ? fmt::format("{}", dim.extent)
                                      : fmt::format("{}?", dim.symbol));
      }
      shapes.push_back(fmt::format("[{}]", fmt::join(extents, ",")));
    }
    return fmt::format("{}", fmt::join(shapes, " "));
  }

 private:
  Graph graph_;
  Node node_;
};

const Dim kBatch{-1, "N"};

TEST(ShapeInferenceTest, Convolution) {
  const auto conv = [] { return OneNode("Conv").Input({kBatch, {3, ""}, {112, ""}, {97, ""}}); };
  EXPECT_EQ(conv().Input(Ints{64, 3, 3, 3}).With("pads", Ints{1, 1, 1, 1}).Infer(),
            "[N?,64,112,97]");
  EXPECT_EQ(conv().Input(Ints{64, 3, 3, 3}).With("strides", Ints{2, 2}).Infer(), "[N?,64,55,48]");
  EXPECT_EQ(conv().Input(Ints{8, 3, 3, 3}).With("dilations", Ints{2, 2}).Infer(), "[N?,8,108,93]");
  EXPECT_EQ(conv()
                .Input(Ints{8, 3, 3, 3})
                .With("strides", Ints{2, 2})
                .With("auto_pad", std::string("SAME_UPPER"))
                .Infer(),
            "[N?,8,56,49]");
  EXPECT_EQ(conv().Input(Ints{8, 3, 200, 200}).Infer(), "[N?,8,?,?]");  // larger than the image
  EXPECT_EQ(conv().Input(Ints{8, 3, 3, 3}).With("strides", Ints{0, 1}).Infer(), "?");
  EXPECT_EQ(conv().Input(Ints{8, 3, 3, 3}).With("pads", Ints{1}).Infer(), "?");
}

TEST(ShapeInferenceTest, PoolingRoundsUpOnlyIntoTheInput) {
  const auto pool = [](std::int64_t side) {
    return OneNode("MaxPool")
        .Input(Ints{1, 2, side, side})
        .With("kernel_shape", Ints{3, 3})
        .With("strides", Ints{2, 2})
        .With("ceil_mode", std::int64_t{1});
  };
  EXPECT_EQ(pool(22).Infer(), "[1,2,11,11]");
  EXPECT_EQ(pool(21).Infer(), "[1,2,10,10]");
  // The fourth window would start in the padding behind the five columns.
  EXPECT_EQ(OneNode("MaxPool")
                .Input(Ints{1, 1, 5, 5})
                .With("kernel_shape", Ints{1, 1})
                .With("strides", Ints{2, 2})
                .With("pads", Ints{0, 0, 1, 1})
                .With("ceil_mode", std::int64_t{1})
                .Infer(),
            "[1,1,3,3]");
  EXPECT_EQ(OneNode("GlobalAveragePool").Input(Ints{1, 8, 7, 7}).Infer(), "[1,8,1,1]");
}

TEST(ShapeInferenceTest, MatrixProductsAndBroadcasting) {
  EXPECT_EQ(OneNode("Gemm")
                .Input({kBatch, {128, ""}})
                .Input(Ints{512, 128})
                .With("transB", std::int64_t{1})
                .Infer(),
            "[N?,512]");
  EXPECT_EQ(OneNode("MatMul").Input(Ints{5, 1, 2, 3}).Input(Ints{4, 3, 6}).Infer(), "[5,4,2,6]");
  EXPECT_EQ(OneNode("Add").Input(Ints{2, 1, 4}).Input(Ints{3, 1}).Infer(), "[2,3,4]");
  EXPECT_EQ(OneNode("Add").Input({kBatch, {4, ""}}).Input({kBatch, {1, ""}}).Infer(), "[N?,4]");
  EXPECT_EQ(OneNode("Add").Input({kBatch}).Input({Dim{-1, "M"}}).Infer(), "[?]");
  EXPECT_EQ(OneNode("Add").Input(Ints{2}).Input(Ints{3}).Infer(), "?");
}

TEST(ShapeInferenceTest, Layout) {
  EXPECT_EQ(OneNode("Flatten").Input({kBatch, {8, ""}, {3, ""}, {3, ""}}).Infer(), "[N?,72]");
  EXPECT_EQ(OneNode("Reshape").Input(Ints{2, 3, 4}).Constant({0, -1}).Infer(), "[2,12]");
  EXPECT_EQ(OneNode("Transpose").Input(Ints{1, 2, 3}).With("perm", Ints{2, 0, 1}).Infer(),
            "[3,1,2]");
  EXPECT_EQ(OneNode("Transpose").Input(Ints{1, 2, 3}).With("perm", Ints{2, 0, 7}).Infer(), "?");
  EXPECT_EQ(OneNode("Concat")
                .Input(Ints{1, 2, 3})
                .Input(Ints{1, 5, 3})
                .With("axis", std::int64_t{-2})
                .Infer(),
            "[1,7,3]");
  EXPECT_EQ(OneNode("Split").Input(Ints{1, 7}).With("axis", std::int64_t{1}).Infer(3),
            "[1,3] [1,3] [1,1]");
  EXPECT_EQ(OneNode("Split", 11)
                .Input(Ints{1, 7})
                .With("axis", std::int64_t{1})
                .With("split", Ints{2, 5})
                .Infer(2),
            "[1,2] [1,5]");
  EXPECT_EQ(OneNode("Unsqueeze").Input(Ints{4}).Constant({0, -1}).Infer(), "[1,4,1]");
  EXPECT_EQ(OneNode("Squeeze", 11).Input(Ints{1, 4, 1}).With("axes", Ints{0}).Infer(), "[4,1]");
  EXPECT_EQ(OneNode("Squeeze").Input(Ints{1, 4, 1}).Infer(), "[4]");
  EXPECT_EQ(OneNode("Gather").Input(Ints{5, 6}).Constant({0, 1, 2}).Infer(), "[3,6]");
  EXPECT_EQ(OneNode("Pad").Input(Ints{1, 4}).Constant({0, 1, 0, 2}).Infer(), "[1,7]");
  EXPECT_EQ(OneNode("Expand").Input(Ints{3, 1}).Constant({2, 1, 6}).Infer(), "[2,3,6]");
}

// What the operator refuses has no shape.
TEST(ShapeInferenceTest, AxesThatPadRefuses) {
  const auto pad = [](Ints pads, Ints axes) {
    return OneNode("Pad", 18).Input(Ints{2, 3}).Constant(pads).Skip().Constant(axes).Infer();
  };
  EXPECT_EQ(pad({1, 1}, {1}), "[2,5]");
  EXPECT_EQ(pad({1, 1, 1, 1}, {0, -2}), "?");
  EXPECT_EQ(pad({1, 1}, {2}), "?");
  EXPECT_EQ(pad({1, 1, 1, 1}, {1}), "?");
}

TEST(ShapeInferenceTest, Slices) {
  const auto slice = [](Ints starts, Ints ends, Ints axes, Ints steps) {
    return OneNode("Slice")
        .Input(Ints{10, 4})
        .Constant(starts)
        .Constant(ends)
        .Constant(axes)
        .Constant(steps)
        .Infer();
  };
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(slice({2}, {kMax}, {0}, {3}), "[3,4]");
  EXPECT_EQ(slice({-3}, {-1}, {0}, {1}), "[2,4]");
  EXPECT_EQ(slice({kMax}, {kMin}, {0}, {-1}), "[10,4]");
  EXPECT_EQ(slice({8}, {2}, {0}, {-2}), "[3,4]");
  EXPECT_EQ(slice({5}, {2}, {0}, {1}), "[0,4]");
  EXPECT_EQ(slice({0}, {1}, {0}, {0}), "?");
  EXPECT_EQ(slice({0}, {1}, {2}, {1}), "?");
  EXPECT_EQ(slice({0}, {1}, {0}, {kMin}), "?");
}

TEST(ShapeInferenceTest, ReductionsAndResizing) {
  EXPECT_EQ(OneNode("ReduceMean").Input(Ints{2, 3, 4}).With("axes", Ints{-1}).Infer(), "[2,3,1]");
  EXPECT_EQ(OneNode("ReduceSum")
                .Input(Ints{2, 3, 4})
                .Constant({0, 1})
                .With("keepdims", std::int64_t{0})
                .Infer(),
            "[4]");
  EXPECT_EQ(OneNode("ReduceMax").Input(Ints{2, 3}).Infer(), "[1,1]");
  EXPECT_EQ(OneNode("Resize").Input(Ints{1, 8, 5, 6}).Skip().Scales({1, 1, 2, 1.5f}).Infer(),
            "[1,8,10,9]");
  EXPECT_EQ(OneNode("Resize").Input(Ints{1, 8, 5, 6}).Skip().Skip().Constant({1, 8, 7, 9}).Infer(),
            "[1,8,7,9]");
  EXPECT_EQ(OneNode("Upsample", 7)
                .Input(Ints{1, 8, 5, 6})
                .With("scales", std::vector<float>{1, 1, 2, 2})
                .Infer(),
            "[1,8,10,12]");
}

TEST(ShapeInferenceTest, OperatorsItDoesNotKnowStayUnknown) {
  EXPECT_EQ(OneNode("Mystery").Input(Ints{1}).Infer(), "?");
}

// Expected extents by hand: strides 8, 16 and 32 of 640 x 480, two anchors per cell for SCRFD.
TEST(ShapeInferenceTest, RealDetectors) {
  struct Case {
    const char* file;
    const char* input;
    std::vector<Shape> outputs;
  };
  const std::vector<Case> cases{
      {"models/scrfd/scrfd_500m_bnkps.onnx",
       "input.1",
       {Shape{1, 9600, 1}, Shape{1, 2400, 1}, Shape{1, 600, 1}, Shape{1, 9600, 4},
        Shape{1, 2400, 4}, Shape{1, 600, 4}, Shape{1, 9600, 10}, Shape{1, 2400, 10},
        Shape{1, 600, 10}}},
      {"models/scrfd/scrfd_2.5g_bnkps.onnx",
       "input.1",
       {Shape{9600, 1}, Shape{2400, 1}, Shape{600, 1}, Shape{9600, 4}, Shape{2400, 4},
        Shape{600, 4}, Shape{9600, 10}, Shape{2400, 10}, Shape{600, 10}}},
      {"models/yunet/yunet_n_dynamic.onnx",
       "input",
       {Shape{1, 4800, 1}, Shape{1, 1200, 1}, Shape{1, 300, 1}, Shape{1, 4800, 1},
        Shape{1, 1200, 1}, Shape{1, 300, 1}, Shape{1, 4800, 4}, Shape{1, 1200, 4}, Shape{1, 300, 4},
        Shape{1, 4800, 10}, Shape{1, 1200, 10}, Shape{1, 300, 10}}},
  };
  for (const Case& c : cases) {
    VISAVIS_REQUIRE_SHARED(c.file);
    const auto model = Model::Load(SharedPath(c.file));
    ASSERT_TRUE(model) << model.error().message;
    const Graph& graph = model->graph();
    const auto inferred = InferShapes(graph, {{c.input, Shape{1, 3, 480, 640}}});
    ASSERT_EQ(graph.outputs.size(), c.outputs.size());
    for (std::size_t i = 0; i < c.outputs.size(); ++i) {
      const InferredValue& output = inferred[static_cast<std::size_t>(graph.outputs[i])];
      const auto shape = output.StaticShape();
      ASSERT_TRUE(shape) << c.file << " output " << i;
      EXPECT_EQ(*shape, c.outputs[i]) << c.file << " output " << i;
      EXPECT_EQ(output.dtype, DType::kF32);
    }
  }
}

}  // namespace
}  // namespace visavis
