#include <algorithm>
#include <utility>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"
#include "model/graph/passes/quantization.h"

namespace visavis {
namespace {

constexpr std::string_view kMicrosoft = "com.microsoft";

// Operands as (value, scale, zero) triples at `first`; the result's scale and zero at `result`.
struct ByteOperator {
  std::string_view op_type;
  std::string_view plain;
  int operands;
  std::size_t result;
};
constexpr ByteOperator kByteOperators[] = {{"QLinearAdd", "Add", 2, 6},
                                           {"QLinearMul", "Mul", 2, 6},
                                           {"QLinearLeakyRelu", "LeakyRelu", 1, 3}};

// An addition to convolutions that stay operators of bytes stays one too: in floats a sum between
// two bytes may be rounded the other way.
bool StaysWhole(GraphEditor& editor, int index) {
  const Node& add = editor.node(index);
  if (add.op_type != "QLinearAdd") return false;
  bool reads_conv = false;
  for (const ValueId operand : {add.input(0), add.input(3)}) {
    const int producer = operand == kNoValue ? -1 : editor.producer(operand);
    if (producer < 0 || !IsOnnx(editor.node(producer), "QLinearConv")) continue;
    if (IsInt8QLinearConv(editor, producer)) return false;
    reads_conv = true;
  }
  return reads_conv;
}

// Makes node `index`, a quantized operator, the quantization of `real`; its output stays.
void BecomeQuantize(GraphEditor& editor, int index, ValueId real, ValueId scale, ValueId zero) {
  const std::size_t inputs = editor.node(index).inputs.size();
  for (std::size_t i = 0; i < inputs; ++i) editor.SetInput(index, i, kNoValue);
  Node& quantize = editor.node(index);
  quantize.op_type = "QuantizeLinear";
  quantize.domain.clear();
  quantize.attributes.clear();
  quantize.inputs.resize(3);
  editor.SetInput(index, 0, real);
  editor.SetInput(index, 1, scale);
  editor.SetInput(index, 2, zero);
}

// Dequantizes, computes in floats and quantizes, which is what these operators are defined as.
void TakeApart(GraphEditor& editor, int index) {
  const Node& node = editor.node(index);
  if (node.domain != kMicrosoft || node.outputs.size() != 1) return;
  const auto* found = std::ranges::find(kByteOperators, node.op_type, &ByteOperator::op_type);
  if (found == std::end(kByteOperators) || node.inputs.size() < found->result + 1) return;
  const std::vector<ValueId> inputs = node.inputs;
  const ValueId zero = node.input(found->result + 1);
  const std::string name = editor.graph().value(node.outputs[0]).name;
  for (int i = 0; i < found->operands; ++i) {
    const auto at = static_cast<std::size_t>(3 * i);
    if (inputs[at + 2] == kNoValue) return;
  }
  if (zero == kNoValue || StaysWhole(editor, index)) return;
  const ValueId result = editor.AddValue(name + "_real", DType::kF32);
  Node plain{editor.node(index).name,      std::string(found->plain), "", {}, {result},
             editor.node(index).attributes};
  for (int i = 0; i < found->operands; ++i) {
    const auto at = static_cast<std::size_t>(3 * i);
    const ValueId real = editor.AddValue(name + "_operand" + std::to_string(i), DType::kF32);
    editor.AddNode(
        Node{"", "DequantizeLinear", "", {inputs[at], inputs[at + 1], inputs[at + 2]}, {real}, {}});
    plain.inputs.push_back(real);
  }
  editor.AddNode(std::move(plain));
  BecomeQuantize(editor, index, result, inputs[found->result], zero);
}

// One scale per output channel of a QLinearConv: of its weights, times that of its input.
Tensor BiasScale(float x_scale, const Tensor& weight_scale) {
  Tensor scale(DType::kF32, weight_scale.shape());
  std::ranges::transform(weight_scale.data<float>(), scale.data<float>().begin(),
                         [&](float s) { return s * x_scale; });
  return scale;
}

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias. What FuseQuantized would leave
// alone stays as it is: only in one piece it is exact.
void TakeConvApart(GraphEditor& editor, int index) {
  const Graph& graph = editor.graph();
  const Node& node = editor.node(index);
  if (!IsOnnx(node, "QLinearConv") || node.inputs.size() < 8 || node.outputs.size() != 1) return;
  const std::vector<ValueId> inputs = node.inputs;
  const ValueId bias = node.input(8);
  const auto x = QuantizationOf(graph, inputs[1], inputs[2]);
  const Tensor* w_scale = graph.constant(inputs[4]);
  if (!x.has_value() || !QuantizationOf(graph, inputs[6], inputs[7]).has_value() ||
      w_scale == nullptr || w_scale->dtype() != DType::kF32 || inputs[0] == kNoValue) {
    return;
  }
  const std::string name = graph.value(node.outputs[0]).name;
  const std::map<std::string, Attribute, std::less<>> attributes = node.attributes;
  std::vector<int> added;
  const auto dequantize = [&](const char* what, std::vector<ValueId> from) {
    const ValueId real = editor.AddValue(name + what, DType::kF32);
    added.push_back(editor.AddNode(
        Node{"", "DequantizeLinear", "", std::move(from), {real}, {{"axis", std::int64_t{0}}}}));
    return real;
  };
  std::vector<ValueId> real = {dequantize("_real_x", {inputs[0], inputs[1], inputs[2]}),
                               dequantize("_real_w", {inputs[3], inputs[4], inputs[5]})};
  if (bias != kNoValue) {
    const ValueId scale = editor.AddConstant(name + "_bias_scale", BiasScale(x->scale, *w_scale));
    real.push_back(dequantize("_real_bias", {bias, scale}));
  }
  const ValueId result = editor.AddValue(name + "_real", DType::kF32);
  const int conv = editor.AddNode(
      Node{editor.node(index).name, "Conv", "", std::move(real), {result}, attributes});
  added.push_back(conv);
  if (!IsInt8Conv(editor, conv)) {
    for (const int extra : added) editor.Erase(extra);
    return;
  }
  editor.node(index).name.clear();
  BecomeQuantize(editor, index, result, inputs[6], inputs[7]);
}

}  // namespace

Graph TakeQuantizedApart(Graph graph, bool convolutions) {
  GraphEditor editor(std::move(graph));
  const int count = editor.node_count();
  for (int i = 0; i < count; ++i) {
    TakeApart(editor, i);
    if (convolutions) TakeConvApart(editor, i);
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
