#include "model/rewrite/transpose_hw.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/shape_inference.h"

namespace visavis {
namespace {

// Rows of `outer` blocks, each [height, width], become blocks [width, height].
Tensor BlocksTransposed(const Tensor& tensor, const Shape& shape, std::int64_t height,
                        std::int64_t width) {
  Tensor result = Tensor::Uninitialized(DType::kF32, shape);
  const auto from = tensor.data<float>();
  const auto to = result.data<float>();
  const auto block = static_cast<std::size_t>(height * width);
  for (std::size_t start = 0; start + block <= from.size(); start += block) {
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        to[start + static_cast<std::size_t>(x * height + y)] =
            from[start + static_cast<std::size_t>(y * width + x)];
      }
    }
  }
  return result;
}

void SwapPairs(Node& node, const char* name) {
  const auto* ints = node.Ints(name);
  if (ints == nullptr) return;
  std::vector<std::int64_t> swapped = *ints;
  for (std::size_t i = 0; i + 1 < swapped.size(); i += 2) std::swap(swapped[i], swapped[i + 1]);
  node.attributes[name] = std::move(swapped);
}

class Transposer {
 public:
  explicit Transposer(Graph graph)
      : graph_(std::move(graph)), inferred_(InferShapes(graph_)), producers_(Producers(graph_)) {}

  Result<Graph> Run() {
    const auto nodes = static_cast<int>(graph_.nodes.size());
    for (int i = 0; i < nodes; ++i) VISAVIS_RETURN_IF_ERROR(Visit(graph_.nodes[At(i)]));
    for (Value& value : graph_.values) {
      if (value.constant == nullptr && value.shape && value.shape->size() == 4) {
        std::swap((*value.shape)[2].extent, (*value.shape)[3].extent);
      }
    }
    return std::move(graph_);
  }

 private:
  static std::size_t At(int i) { return static_cast<std::size_t>(i); }

  Error Refuse(const Node& node, std::string_view why) const {
    return MakeError(ErrorCode::kUnsupported, "transpose: node {}: {}", graph_.Describe(node), why);
  }

  Status Visit(Node& node) {
    constexpr std::array<std::string_view, 11> kPlain{
        "Relu",          "LeakyRelu",         "Sigmoid", "Tanh", "Identity",          "Dropout",
        "GlobalMaxPool", "GlobalAveragePool", "Clip",    "Elu",  "BatchNormalization"};
    if (!node.domain.empty()) return Refuse(node, "is of another domain");
    if (std::ranges::find(kPlain, node.op_type) != kPlain.end()) return {};
    if (node.op_type == "Conv") return Convolution(node);
    if (node.op_type == "MaxPool" || node.op_type == "AveragePool") return Window(node);
    if (node.op_type == "Gemm") return FullyConnected(node);
    if (node.op_type == "Flatten") {
      return node.Int("axis", 1) == 1 ? Status() : Refuse(node, "flattens other axes");
    }
    if (node.op_type == "Softmax" || node.op_type == "Concat" || node.op_type == "Split") {
      const bool channels = node.Int("axis", node.op_type == "Split" ? 0 : 1) == 1;
      return channels ? Status() : Refuse(node, "works along another axis than the channels");
    }
    return Elementwise(node);
  }

  Status Elementwise(const Node& node) {
    constexpr std::array<std::string_view, 7> kKnown{"Add", "Sub", "Mul",  "Div",
                                                     "Max", "Min", "PRelu"};
    if (std::ranges::find(kKnown, node.op_type) == kKnown.end()) {
      return Refuse(node, "how it treats height and width is not known here");
    }
    for (const ValueId id : node.inputs) {
      if (graph_.constant(id) != nullptr && graph_.constant(id)->elements() != 1 &&
          !PerChannelConstant(graph_, id, Rank(node.outputs[0]))) {
        return Refuse(node, "a constant varies along height or width");
      }
    }
    return {};
  }

  int Rank(ValueId id) const {
    const auto& shape = inferred_[static_cast<std::size_t>(id)].shape;
    return shape ? static_cast<int>(shape->size()) : 4;
  }

  Status Window(Node& node) {
    if (node.String("auto_pad", "NOTSET") != "NOTSET") return Refuse(node, "pads automatically");
    for (const char* name : {"kernel_shape", "strides", "pads", "dilations"}) SwapPairs(node, name);
    return {};
  }

  Status Convolution(Node& node) {
    const Tensor* weights = graph_.constant(node.input(1));
    if (weights == nullptr || weights->dtype() != DType::kF32 || weights->shape().rank() != 4) {
      return Refuse(node, "has no constant weights of 4 dimensions");
    }
    const Shape& from = weights->shape();
    Tensor swapped =
        BlocksTransposed(*weights, Shape{from[0], from[1], from[3], from[2]}, from[2], from[3]);
    const std::string name = graph_.value(node.inputs[1]).name + "_hw";
    node.inputs[1] = graph_.AddConstant(name, std::move(swapped));
    return Window(node);
  }

  // The features that a Flatten made of N x C x H x W.
  Status FullyConnected(Node& node) {
    const int producer = node.input(0) == kNoValue ? -1 : producers_[At(node.input(0))];
    const Node* flatten = producer < 0 ? nullptr : &graph_.nodes[At(producer)];
    if (flatten == nullptr || flatten->op_type != "Flatten") return {};
    const auto& shape = inferred_[At(flatten->input(0))].shape;
    const Tensor* weights = graph_.constant(node.input(1));
    if (!shape || shape->size() != 4 || !(*shape)[2].known() || !(*shape)[3].known() ||
        weights == nullptr || weights->dtype() != DType::kF32 || weights->shape().rank() != 2 ||
        node.Int("transB", 0) == 0) {
      return Refuse(node, "the height and width of its features are not known");
    }
    const std::int64_t height = (*shape)[2].extent;
    const std::int64_t width = (*shape)[3].extent;
    if (height < 1 || width < 1 || weights->shape()[1] % (height * width) != 0) {
      return Refuse(node, "its features do not fit its input");
    }
    const std::string name = graph_.value(node.inputs[1]).name + "_hw";
    Tensor swapped = BlocksTransposed(*weights, weights->shape(), height, width);
    node.inputs[1] = graph_.AddConstant(name, std::move(swapped));
    return {};
  }

  Graph graph_;
  const std::vector<InferredValue> inferred_;
  const std::vector<int> producers_;
};

}  // namespace

Result<Graph> TransposeHeightAndWidth(Graph graph) {
  VISAVIS_ASSIGN_OR_RETURN(Graph result, Transposer(std::move(graph)).Run());
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(result, "transposed network"));
  return result;
}

}  // namespace visavis
