#include <algorithm>
#include <cmath>
#include <utility>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"
#include "model/graph/passes/quantization.h"

namespace visavis {
namespace {

constexpr std::string_view kMicrosoft = "com.microsoft";
// Sums of this many products of two bytes, and a bias of up to 2^30, stay within 32 bits.
constexpr std::int64_t kLongestSum = (std::int64_t{1} << 30) / (255 * 128);
constexpr double kLargestBias = 1 << 30;

/// Weights as the kernels want them: signed, zero point 0.
struct QuantizedWeights {
  std::shared_ptr<const Tensor> tensor;
  std::vector<double> scale;  // one per output channel
};

// Whether every element of a zero point (null: none) is `value`.
bool ZeroIs(const Tensor* zero, int value) {
  if (zero == nullptr) return value == 0;
  if (zero->dtype() == DType::kI8) {
    return std::ranges::all_of(zero->data<std::int8_t>(), [&](int z) { return z == value; });
  }
  return zero->dtype() == DType::kU8 &&
         std::ranges::all_of(zero->data<std::uint8_t>(), [&](int z) { return z == value; });
}

Tensor MinusHalf(const Tensor& bytes) {
  Tensor result(DType::kI8, bytes.shape());
  std::ranges::transform(bytes.data<std::uint8_t>(), result.data<std::int8_t>().begin(),
                         [](int b) { return static_cast<std::int8_t>(b - 128); });
  return result;
}

std::optional<QuantizedWeights> ReadWeights(const Graph& graph, ValueId weights, ValueId scale,
                                            ValueId zero, std::int64_t channels) {
  const Tensor* w = graph.constant(weights);
  const Tensor* s = graph.constant(scale);
  const Tensor* z = graph.constant(zero);
  if (w == nullptr || w->elements() == 0 || s == nullptr || s->dtype() != DType::kF32 ||
      (s->elements() != 1 && s->elements() != channels) || (zero != kNoValue && z == nullptr)) {
    return std::nullopt;
  }
  QuantizedWeights result;
  if (w->dtype() == DType::kI8 && ZeroIs(z, 0)) {
    result.tensor = graph.value(weights).constant;
  } else if (w->dtype() == DType::kU8 && ZeroIs(z, 128)) {
    result.tensor = std::make_shared<const Tensor>(MinusHalf(*w));
  } else {
    return std::nullopt;
  }
  for (const float x : s->data<float>()) {
    if (!std::isfinite(x)) return std::nullopt;
    result.scale.push_back(x);
  }
  if (result.scale.size() == 1) {
    result.scale.assign(static_cast<std::size_t>(channels), result.scale[0]);
  }
  return result;
}

// The weights that DequantizeLinear node `index` makes; `axis` is that of the output channels.
std::optional<QuantizedWeights> WeightsOf(GraphEditor& editor, int index, int axis) {
  if (index < 0) return std::nullopt;
  const Node& node = editor.node(index);
  const Graph& graph = editor.graph();
  if (!IsOnnx(node, "DequantizeLinear") || node.inputs.size() < 2 ||
      node.Int("block_size", 0) != 0) {
    return std::nullopt;
  }
  const Tensor* w = graph.constant(node.inputs[0]);
  const Tensor* s = graph.constant(node.inputs[1]);
  if (w == nullptr || s == nullptr || w->shape().rank() <= axis) return std::nullopt;
  const std::int64_t said = node.Int("axis", 1);
  if (s->elements() != 1 && said != axis && said + w->shape().rank() != axis) return std::nullopt;
  return ReadWeights(graph, node.inputs[0], node.inputs[1], node.input(2), w->shape()[axis]);
}

// The integers of a bias, times their scales; nothing if it is neither that nor floats.
std::optional<std::vector<double>> BiasOf(GraphEditor& editor, ValueId id, std::size_t channels) {
  const Graph& graph = editor.graph();
  if (id == kNoValue) return std::vector<double>(channels, 0.0);
  std::vector<double> bias = ConstantDoubles(graph, id);
  if (const int dq = editor.producer(id);
      bias.empty() && dq >= 0 && IsOnnx(editor.node(dq), "DequantizeLinear")) {
    const Node& node = editor.node(dq);
    const Tensor* integers = graph.constant(node.inputs[0]);
    const std::vector<double> scale = ConstantDoubles(graph, node.input(1));
    if (integers == nullptr || integers->dtype() != DType::kI32 || scale.empty()) {
      return std::nullopt;
    }
    const Tensor* zero = graph.constant(node.input(2));
    if (node.input(2) != kNoValue &&
        (zero == nullptr || zero->dtype() != DType::kI32 ||
         !std::ranges::all_of(zero->data<std::int32_t>(), [](int z) { return z == 0; }))) {
      return std::nullopt;
    }
    const auto values = integers->data<std::int32_t>();
    if (scale.size() != 1 && scale.size() != values.size()) return std::nullopt;
    for (std::size_t i = 0; i < values.size(); ++i) {
      bias.push_back(values[i] * scale[scale.size() == 1 ? 0 : i]);
    }
  }
  if (bias.size() != channels) return std::nullopt;
  return bias;
}

// Quantizes before flattening instead of behind it: the same bytes, but the layer before can make
// them.
void SwapFlatten(GraphEditor& editor, int index) {
  if (!IsOnnx(editor.node(index), "QuantizeLinear")) return;
  if (!QuantizationOf(editor.graph(), editor.node(index)).has_value()) return;
  const std::vector<ValueId> quantize = editor.node(index).inputs;
  const int flatten = editor.producer(quantize[0]);
  if (flatten < 0 || !IsOnnx(editor.node(flatten), "Flatten") ||
      editor.SoleReader(quantize[0]) != index) {
    return;
  }
  std::swap(editor.node(index).op_type, editor.node(flatten).op_type);
  std::swap(editor.node(index).attributes, editor.node(flatten).attributes);
  for (std::size_t i = 1; i < quantize.size(); ++i) {
    editor.SetInput(flatten, i, quantize[i]);
    editor.SetInput(index, i, kNoValue);
  }
  editor.node(index).inputs.resize(1);
  editor.graph().value(quantize[0]).shape.reset();
  editor.graph().value(quantize[0]).dtype =
      editor.graph().value(editor.node(index).outputs[0]).dtype;
}

/// A quantized layer found in the graph.
struct Layer {
  ValueId x = kNoValue;  ///< stored
  Quantization x_quantization;
  QuantizedWeights weights;
  std::vector<double> bias;  ///< real

  // scale[o] of one unit of the integer sum, as ONNX Runtime rounds it.
  std::vector<double> OutScale() const {
    std::vector<double> scale;
    for (const double s : weights.scale) {
      scale.push_back(static_cast<float>(s) * x_quantization.scale);
    }
    return scale;
  }
  bool Fits() const {
    const Shape& shape = weights.tensor->shape();
    const std::vector<double> scale = OutScale();
    for (std::size_t o = 0; o < bias.size(); ++o) {
      if (bias[o] != 0 && !(std::abs(bias[o] / scale[o]) < kLargestBias)) return false;
    }
    return shape.elements() / shape[0] <= kLongestSum;
  }
};

// False if the stored value comes from a node that says another zero point: its border would be
// another one.
bool ZeroAgrees(GraphEditor& editor, const Layer& layer) {
  const int producer = editor.producer(layer.x);
  if (producer < 0) return true;
  const Node& node = editor.node(producer);
  const auto made = IsOnnx(node, "QuantizeLinear") ? QuantizationOf(editor.graph(), node)
                                                   : GetQuantization(node, "out");
  if (!made.has_value()) return !IsOnnx(node, "QuantizeLinear");
  return made->zero == layer.x_quantization.zero &&
         made->is_signed == layer.x_quantization.is_signed;
}

// Fills in x from DequantizeLinear node `index`.
bool ReadX(GraphEditor& editor, int index, Layer& layer) {
  if (index < 0) return false;
  const Node& node = editor.node(index);
  if (!IsOnnx(node, "DequantizeLinear") || editor.graph().constant(node.input(0)) != nullptr) {
    return false;
  }
  const auto quantization = QuantizationOf(editor.graph(), node);
  if (!quantization.has_value()) return false;
  layer.x = node.inputs[0];
  layer.x_quantization = *quantization;
  return true;
}

void WriteLayer(GraphEditor& editor, int index, const Layer& layer) {
  const std::string name = editor.graph().value(editor.node(index).outputs[0]).name;
  const std::vector<ValueId> old = editor.node(index).inputs;
  for (std::size_t i = 0; i < old.size(); ++i) editor.SetInput(index, i, kNoValue);
  Node& node = editor.node(index);
  node.domain = kFusedDomain;
  node.attributes["activation"] = std::string("none");
  SetQuantization(node, "x", layer.x_quantization);
  editor.SetInput(index, kConvX, layer.x);
  editor.SetInput(index, kConvWeights, editor.AddConstant(name + "_s8", layer.weights.tensor));
}

void WriteConv(GraphEditor& editor, int index, const Layer& layer) {
  WriteLayer(editor, index, layer);
  Node& node = editor.node(index);
  const std::string name = editor.graph().value(node.outputs[0]).name;
  node.op_type = kFusedConv;
  node.attributes.erase("kernel_shape");
  node.attributes.erase("auto_pad");
  node.attributes["residual_first"] = std::int64_t{0};
  node.inputs.resize(kConvInputs, kNoValue);
  editor.SetInput(index, kConvBias, editor.AddDoubles(name + "_bias", layer.bias));
  editor.SetInput(index, kConvOutScale, editor.AddDoubles(name + "_out_scale", layer.OutScale()));
}

std::optional<Layer> LayerOf(GraphEditor& editor, int conv) {
  const Node& node = editor.node(conv);
  if (!IsOnnx(node, "Conv") || node.outputs.size() != 1 || node.inputs.size() < 2) {
    return std::nullopt;
  }
  Layer layer;
  if (!ReadX(editor, editor.producer(node.inputs[0]), layer)) return std::nullopt;
  auto weights = WeightsOf(editor, editor.producer(node.inputs[1]), 0);
  if (!weights.has_value() || !CanFuseGeometry(node, weights->tensor->shape())) {
    return std::nullopt;
  }
  auto bias = BiasOf(editor, node.input(2), weights->scale.size());
  if (!bias.has_value()) return std::nullopt;
  layer.weights = std::move(*weights);
  layer.bias = std::move(*bias);
  if (!layer.Fits() || !ZeroAgrees(editor, layer)) return std::nullopt;
  return layer;
}

void FuseConv(GraphEditor& editor, int index) {
  const std::optional<Layer> layer = LayerOf(editor, index);
  if (layer.has_value()) WriteConv(editor, index, *layer);
}

// Of a QLinearConv: what it computes, and what it stores.
struct StoredLayer {
  Layer layer;
  Quantization out;
};

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias. Nothing if the kernels cannot
// compute it, as with weights that need 9 bits.
std::optional<StoredLayer> ReadQLinearConv(GraphEditor& editor, int index) {
  const Node& node = editor.node(index);
  if (!IsOnnx(node, "QLinearConv") || node.inputs.size() < 8) return std::nullopt;
  const Graph& graph = editor.graph();
  const auto x = QuantizationOf(graph, node.inputs[1], node.inputs[2]);
  const auto y = QuantizationOf(graph, node.inputs[6], node.inputs[7]);
  const Tensor* w = graph.constant(node.inputs[3]);
  if (!x.has_value() || !y.has_value() || w == nullptr || w->shape().rank() != 4 ||
      graph.constant(node.inputs[0]) != nullptr || !CanFuseGeometry(node, w->shape())) {
    return std::nullopt;
  }
  auto weights = ReadWeights(graph, node.inputs[3], node.inputs[4], node.inputs[5], w->shape()[0]);
  if (!weights.has_value()) return std::nullopt;
  Layer layer{node.inputs[0], *x, std::move(*weights), {}};
  layer.bias = layer.OutScale();
  const Tensor* bias = graph.constant(node.input(8));
  if (node.input(8) != kNoValue &&
      (bias == nullptr || bias->dtype() != DType::kI32 ||
       bias->elements() != static_cast<std::int64_t>(layer.bias.size()))) {
    return std::nullopt;
  }
  for (std::size_t o = 0; o < layer.bias.size(); ++o) {
    layer.bias[o] *= bias == nullptr ? 0 : bias->data<std::int32_t>()[o];
  }
  if (!layer.Fits() || !ZeroAgrees(editor, layer)) return std::nullopt;
  return StoredLayer{std::move(layer), *y};
}

void FuseQLinearConv(GraphEditor& editor, int index) {
  const std::optional<StoredLayer> read = ReadQLinearConv(editor, index);
  if (!read) return;
  WriteConv(editor, index, read->layer);
  SetQuantization(editor.node(index), "out", read->out);
}

QuantizedWeights Transposed(const QuantizedWeights& weights) {
  const std::int64_t rows = weights.tensor->shape()[0];
  const std::int64_t columns = weights.tensor->shape()[1];
  Tensor result(DType::kI8, Shape{columns, rows});
  const auto from = weights.tensor->data<std::int8_t>();
  const auto to = result.data<std::int8_t>();
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      to[static_cast<std::size_t>(c * rows + r)] = from[static_cast<std::size_t>(r * columns + c)];
    }
  }
  return {std::make_shared<const Tensor>(std::move(result)), weights.scale};
}

// The stored value that a matrix product reads, through the Flatten before it: dequantized and
// flattened, flattened and dequantized, or with another quantization of the same kind in between.
// True in `flattened` if there was a Flatten.
bool ReadFlattened(GraphEditor& editor, ValueId id, std::int64_t depth, Layer& layer,
                   bool& flattened) {
  const Graph& graph = editor.graph();
  const auto skip_flatten = [&](ValueId from) {
    const int producer = editor.producer(from);
    if (producer < 0 || !FlattensTo(graph, editor.node(producer), depth)) return from;
    flattened = true;
    return editor.node(producer).inputs[0];
  };
  if (!ReadX(editor, editor.producer(skip_flatten(id)), layer)) return false;
  layer.x = skip_flatten(layer.x);
  const int quantize = editor.producer(layer.x);
  if (quantize < 0 || !IsOnnx(editor.node(quantize), "QuantizeLinear")) return true;
  Layer before;
  if (QuantizationOf(graph, editor.node(quantize)) == layer.x_quantization &&
      ReadX(editor, editor.producer(skip_flatten(editor.node(quantize).inputs[0])), before) &&
      before.x_quantization == layer.x_quantization) {
    layer.x = before.x;
  }
  return true;
}

// The result is in units of `result_scale`.
void WriteGemm(GraphEditor& editor, int index, const Layer& layer, float result_scale) {
  WriteLayer(editor, index, layer);
  Node& node = editor.node(index);
  const std::string name = editor.graph().value(node.outputs[0]).name;
  node.op_type = kFusedGemm;
  for (const char* attribute : {"transA", "transB", "alpha"}) node.attributes.erase(attribute);
  node.inputs.resize(kGemmInputs, kNoValue);
  std::vector<double> scale = layer.OutScale();
  std::vector<double> bias = layer.bias;
  for (std::size_t o = 0; o < scale.size(); ++o) {
    const double whole = bias[o] == 0 ? 0 : bias[o] / scale[o];
    scale[o] = static_cast<float>(scale[o]) / result_scale;
    // Unchanged where it is left as it is; else the same whole number of the new units.
    if (result_scale != 1) bias[o] = whole * scale[o];
  }
  editor.SetInput(index, kGemmBias, editor.AddDoubles(name + "_bias", bias));
  editor.SetInput(index, kGemmOutScale, editor.AddDoubles(name + "_out_scale", scale));
}

void FuseProduct(GraphEditor& editor, int index) {
  const Node& node = editor.node(index);
  const bool gemm = IsOnnx(node, "Gemm");
  if ((!gemm && !IsOnnx(node, "MatMul")) || node.outputs.size() != 1 || node.inputs.size() < 2 ||
      node.Int("transA", 0) != 0 || node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1) {
    return;
  }
  const bool transposed = gemm && node.Int("transB", 0) != 0;
  auto weights = WeightsOf(editor, editor.producer(node.inputs[1]), transposed ? 0 : 1);
  if (!weights.has_value() || weights->tensor->shape().rank() != 2) return;
  if (!transposed) weights = Transposed(*weights);
  const std::int64_t depth = weights->tensor->shape()[1];
  Layer layer;
  bool flattened = false;
  if (!ReadFlattened(editor, node.inputs[0], depth, layer, flattened)) return;
  // Only a Flatten tells that a MatMul's input is a matrix.
  if (!gemm && !flattened) return;
  auto bias = BiasOf(editor, gemm ? node.input(2) : kNoValue, weights->scale.size());
  if (!bias.has_value()) return;
  layer.weights = std::move(*weights);
  layer.bias = std::move(*bias);
  if (layer.Fits()) WriteGemm(editor, index, layer, 1);
}

// a, a_scale, a_zero, b, b_scale, b_zero, then of QLinearMatMul y_scale, y_zero; of QGemm the bias
// in front of them, and they may be left out for a float result.
void FuseByteProduct(GraphEditor& editor, int index) {
  const Node& node = editor.node(index);
  const Graph& graph = editor.graph();
  const bool gemm = node.domain == kMicrosoft && node.op_type == "QGemm";
  if ((!gemm && !IsOnnx(node, "QLinearMatMul")) || node.outputs.size() != 1 ||
      node.inputs.size() < 6 || node.Int("transA", 0) != 0 || node.Float("alpha", 1) != 1) {
    return;
  }
  const auto x = QuantizationOf(graph, node.inputs[1], node.inputs[2]);
  const Tensor* w = graph.constant(node.inputs[3]);
  if (!x.has_value() || w == nullptr || w->shape().rank() != 2 || node.inputs[0] == kNoValue ||
      graph.constant(node.inputs[0]) != nullptr) {
    return;
  }
  const bool transposed = node.Int("transB", 0) != 0;
  auto weights = ReadWeights(graph, node.inputs[3], node.inputs[4], node.inputs[5],
                             w->shape()[transposed ? 0 : 1]);
  if (!weights.has_value()) return;
  if (!transposed) weights = Transposed(*weights);
  Layer layer{node.inputs[0], *x, std::move(*weights), {}};
  const int flatten = editor.producer(layer.x);
  const bool flattened =
      flatten >= 0 && FlattensTo(graph, editor.node(flatten), layer.weights.tensor->shape()[1]);
  if (flattened) layer.x = editor.node(flatten).inputs[0];
  if (!gemm && !flattened) return;
  layer.bias = layer.OutScale();
  const ValueId bias = gemm ? node.input(6) : kNoValue;
  const Tensor* integers = graph.constant(bias);
  if (bias != kNoValue &&
      (integers == nullptr || integers->dtype() != DType::kI32 || integers->shape().rank() != 1 ||
       integers->elements() != std::ssize(layer.bias))) {
    return;
  }
  for (std::size_t o = 0; o < layer.bias.size(); ++o) {
    layer.bias[o] *= integers == nullptr ? 0 : integers->data<std::int32_t>()[o];
  }
  const ValueId y_scale = node.input(gemm ? 7 : 6);
  const ValueId y_zero = node.input(gemm ? 8 : 7);
  const auto y = QuantizationOf(graph, y_scale, y_zero);
  if (!layer.Fits() || (y_scale != kNoValue && !y.has_value())) return;
  if (y.has_value()) {
    // Sums become units of the result at once, as these operators have it; bytes are then those of
    // scale 1.
    const ValueId units =
        editor.AddValue(graph.value(node.outputs[0]).name + "_units", DType::kF32);
    const float one[] = {1.0f};
    const ValueId scale =
        editor.AddConstant(graph.value(units).name + "_scale", Tensor::From<float>(Shape{}, one));
    const ValueId bytes = editor.node(index).outputs[0];
    editor.node(index).outputs[0] = units;
    editor.AddNode(Node{"", "QuantizeLinear", "", {units, scale, y_zero}, {bytes}, {}});
  }
  WriteGemm(editor, index, layer, y.has_value() ? y->scale : 1);
}

}  // namespace

bool IsInt8Conv(GraphEditor& editor, int conv) { return LayerOf(editor, conv).has_value(); }

bool IsInt8QLinearConv(GraphEditor& editor, int conv) {
  return ReadQLinearConv(editor, conv).has_value();
}

void DequantizeConv(GraphEditor& editor, int conv) {
  const std::optional<Layer> layer = LayerOf(editor, conv);
  const Tensor& stored = *layer->weights.tensor;
  Tensor real(DType::kF32, stored.shape());
  const std::span<const std::int8_t> from = stored.data<std::int8_t>();
  const std::size_t depth = from.size() / layer->weights.scale.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    real.data<float>()[i] =
        static_cast<float>(from[i]) * static_cast<float>(layer->weights.scale[i / depth]);
  }
  const std::string name = editor.graph().value(editor.node(conv).outputs[0]).name;
  const std::vector<float> bias(layer->bias.begin(), layer->bias.end());
  editor.SetInput(conv, 1, editor.AddConstant(name + "_real_weights", std::move(real)));
  editor.SetInput(conv, 2, editor.AddFloats(name + "_real_bias", bias));
}

Graph FuseQuantized(Graph graph) {
  GraphEditor editor(TakeQuantizedApart(std::move(graph), false));
  const int count = editor.node_count();
  for (int i = 0; i < count; ++i) SwapFlatten(editor, i);
  for (int i = 0; i < count; ++i) {
    FuseQLinearConv(editor, i);
    FuseConv(editor, i);
    FuseProduct(editor, i);
    FuseByteProduct(editor, i);
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
