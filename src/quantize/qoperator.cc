// QDQ form -> operator form.
#include <algorithm>
#include <optional>
#include <utility>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "quantize/insert.h"

namespace visavis {
namespace {

constexpr const char* kMicrosoft = "com.microsoft";

// Stored integers, their scale and their zero point.
struct Stored {
  ValueId q = kNoValue;
  ValueId scale = kNoValue;
  ValueId zero = kNoValue;
};

class Converter {
 public:
  explicit Converter(Graph graph) : editor_(std::move(graph)) {}

  Graph Run() {
    const int count = editor_.node_count();
    for (int i = 0; i < count; ++i) {
      if (editor_.erased(i)) continue;
      const Node& node = editor_.node(i);
      if (IsOnnx(node, "Conv")) ConvertLayer(i, true);
      if (IsOnnx(node, "Gemm")) ConvertLayer(i, false);
      if (IsOnnx(node, "Add")) ConvertAdd(i);
      if (IsOnnx(node, "GlobalAveragePool")) ConvertGlobalAveragePool(i);
      if (IsOnnx(node, "MaxPool")) ConvertMaxPool(i);
    }
    Graph graph = std::move(editor_).Finish();
    for (Node& node : graph.nodes) {
      // Before operator set 13 there was no axis, nor per-channel scales to need one.
      const bool linear = IsOnnx(node, "QuantizeLinear") || IsOnnx(node, "DequantizeLinear");
      if (linear) node.attributes.erase("axis");
    }
    return graph;
  }

 private:
  // What `id` is the dequantized form of.
  std::optional<Stored> Source(ValueId id) const {
    const int index = id == kNoValue ? -1 : editor_.producer(id);
    if (index < 0 || !IsOnnx(Get(index), "DequantizeLinear")) return std::nullopt;
    const Node& node = Get(index);
    return Stored{node.inputs[0], node.inputs[1], node.input(2)};
  }

  // The QuantizeLinear that alone reads what node `i` puts out; a ReLU between them is the
  // saturation at a zero point of 0.
  std::optional<int> Sink(int i) {
    ValueId y = Get(i).outputs[0];
    int next = editor_.SoleReader(y);
    if (next >= 0 && IsOnnx(Get(next), "Relu")) {
      const int behind = editor_.SoleReader(Get(next).outputs[0]);
      if (behind < 0 || !IsOnnx(Get(behind), "QuantizeLinear") || !StartsAtZero(Get(behind))) {
        return std::nullopt;
      }
      editor_.Absorb(i, next);
      next = behind;
    }
    if (next < 0 || !IsOnnx(Get(next), "QuantizeLinear")) return std::nullopt;
    return next;
  }

  bool StartsAtZero(const Node& quantize) const {
    const Tensor* zero = graph().constant(quantize.input(2));
    return zero != nullptr && zero->dtype() == DType::kU8 && zero->data<std::uint8_t>()[0] == 0;
  }

  // Zeros in place of a zero point that was left out.
  ValueId ZerosFor(const Stored& weights) {
    if (weights.zero != kNoValue) return weights.zero;
    const Shape shape = graph().constant(weights.scale)->shape();
    return editor_.AddConstant(graph().value(weights.q).name + "_z", Tensor(DType::kI8, shape));
  }

  // Node `i` becomes `op_type` of `inputs` and puts out what its QuantizeLinear did.
  void Replace(int i, const char* op_type, const char* domain, std::vector<ValueId> inputs,
               std::optional<int> sink) {
    if (sink) editor_.Absorb(i, *sink);
    Node& node = editor_.node(i);
    node.op_type = op_type;
    node.domain = domain;
    for (std::size_t k = 0; k < inputs.size(); ++k) editor_.SetInput(i, k, inputs[k]);
  }

  void ConvertLayer(int i, bool conv) {
    const auto x = Source(Get(i).input(0));
    const auto w = Source(Get(i).input(1));
    const ValueId bias = Get(i).input(2);
    const auto b = Source(bias);
    if (!x || !w || (bias != kNoValue && !b) || graph().constant(w->scale) == nullptr) return;
    const auto sink = Sink(i);
    if (!sink && (conv || editor_.is_output(Get(i).outputs[0]) == false)) return;
    const ValueId w_zero = ZerosFor(*w);
    std::vector<ValueId> inputs{x->q, x->scale, x->zero, w->q, w->scale, w_zero};
    const Stored y = sink ? ScalesOf(*sink) : Stored{};
    if (conv) {
      inputs.insert(inputs.end(), {y.scale, y.zero});
      if (b) inputs.push_back(b->q);
      Replace(i, "QLinearConv", "", std::move(inputs), sink);
    } else {
      inputs.push_back(b ? b->q : kNoValue);
      if (sink) inputs.insert(inputs.end(), {y.scale, y.zero});
      Replace(i, "QGemm", kMicrosoft, std::move(inputs), sink);
      editor_.node(i).attributes.erase("beta");
    }
  }

  Stored ScalesOf(int quantize) const {
    const Node& node = Get(quantize);
    return {kNoValue, node.inputs[1], node.input(2)};
  }

  void ConvertAdd(int i) {
    const auto a = Source(Get(i).input(0));
    const auto b = Source(Get(i).input(1));
    if (!a || !b) return;
    const auto sink = Sink(i);
    if (!sink) return;
    const Stored y = ScalesOf(*sink);
    Replace(i, "QLinearAdd", kMicrosoft,
            {a->q, a->scale, a->zero, b->q, b->scale, b->zero, y.scale, y.zero}, sink);
  }

  void ConvertGlobalAveragePool(int i) {
    const auto x = Source(Get(i).input(0));
    if (!x) return;
    const auto sink = Sink(i);
    if (!sink) return;
    const Stored y = ScalesOf(*sink);
    Replace(i, "QLinearGlobalAveragePool", kMicrosoft, {x->q, x->scale, x->zero, y.scale, y.zero},
            sink);
  }

  // Bytes in, bytes out, if both have one scale. Operator set 12 allows them; ours is 11, so the
  // pool stays float there.
  void ConvertMaxPool(int i) {
    if (graph().opset < 12) return;
    const auto x = Source(Get(i).input(0));
    if (!x) return;
    const int next = editor_.SoleReader(Get(i).outputs[0]);
    if (next < 0 || !IsOnnx(Get(next), "QuantizeLinear")) return;
    const Stored y = ScalesOf(next);
    const Tensor* a = graph().constant(x->scale);
    const Tensor* b = graph().constant(y.scale);
    if (a == nullptr || b == nullptr || a->data<float>()[0] != b->data<float>()[0]) return;
    Replace(i, "MaxPool", "", {x->q}, next);
  }

  const Node& Get(int i) const { return const_cast<GraphEditor&>(editor_).node(i); }
  const Graph& graph() const { return const_cast<GraphEditor&>(editor_).graph(); }

  GraphEditor editor_;
};

}  // namespace

Graph ToQOperators(Graph qdq) { return Converter(std::move(qdq)).Run(); }

}  // namespace visavis
