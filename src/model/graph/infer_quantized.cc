// Shape rules of quantized operators, ONNX's own and ONNX Runtime's (domain com.microsoft).
#include <array>

#include "model/graph/onnx_types.h"
#include "model/graph/shape_context.h"

namespace visavis {
namespace {

void InferQuantize(ShapeContext& context) {
  if (const Dims* data = context.shape(0)) context.SetShape(0, *data);
  context.SetType(0, DType::kU8);
  if (const auto type = DTypeOfOnnxType(context.node().Int("output_dtype", 0))) {
    context.SetType(0, *type);
  }
  if (context.input(2) != nullptr) context.SetTypeFrom(2);
}

void InferDequantize(ShapeContext& context) {
  if (const Dims* data = context.shape(0)) context.SetShape(0, *data);
  context.SetTypeFrom(1);
}

void InferDynamicQuantize(ShapeContext& context) {
  if (const Dims* data = context.shape(0)) context.SetShape(0, *data);
  context.SetType(0, DType::kU8);
  context.SetType(1, DType::kF32);
  context.SetShape(1, {});
  context.SetType(2, DType::kU8);
  context.SetShape(2, {});
}

void InferMatMulInteger(ShapeContext& context) {
  context.SetType(0, DType::kI32);
  InferMatMulShape(context, 0, 1);
}

void InferQLinearMatMul(ShapeContext& context) {
  context.SetTypeFrom(7);
  InferMatMulShape(context, 0, 3);
}

void InferQLinearBinary(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* a = context.shape(0);
  const Dims* b = context.shape(3);
  if (a == nullptr || b == nullptr) return;
  if (std::optional<Dims> shape = Broadcast(*a, *b)) context.SetShape(0, *std::move(shape));
}

void InferQGemm(ShapeContext& context) {
  context.SetType(0, DType::kF32);
  if (context.input(8) != nullptr) context.SetTypeFrom(8);
  InferGemmShape(context, 0, 3);
}

void InferQLinearUnary(ShapeContext& context) {
  context.SetTypeFrom(0);
  if (const Dims* data = context.shape(0)) context.SetShape(0, *data);
}

void InferQLinearGlobalPool(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  if (data == nullptr || data->size() < 3) return;
  Dims out(data->size(), KnownDim(1));
  const std::size_t channels = context.node().Int("channels_last", 0) != 0 ? data->size() - 1 : 1;
  out[0] = (*data)[0];
  out[channels] = (*data)[channels];
  context.SetShape(0, std::move(out));
}

void InferQLinearConcat(ShapeContext& context) {
  context.SetTypeFrom(1);
  const Dims* first = context.shape(2);
  if (first == nullptr) return;
  Dims out = *first;
  const auto axis = ResolveAxis(context.node().Int("axis", 1), out.size());
  if (!axis) return;
  for (std::size_t i = 5; i < context.node().inputs.size(); i += 3) {
    const Dims* part = context.shape(i);
    if (part == nullptr || part->size() != out.size()) return;
    const Dim& more = (*part)[*axis];
    out[*axis] =
        out[*axis].known() && more.known() ? KnownDim(out[*axis].extent + more.extent) : Dim{};
  }
  context.SetShape(0, std::move(out));
}

constexpr std::array kRules{
    InferEntry{"QuantizeLinear", InferQuantize},
    InferEntry{"DequantizeLinear", InferDequantize},
    InferEntry{"DynamicQuantizeLinear", InferDynamicQuantize},
    InferEntry{"MatMulInteger", InferMatMulInteger},
    InferEntry{"QLinearMatMul", InferQLinearMatMul},
};

constexpr std::array kMicrosoftRules{
    InferEntry{"QGemm", InferQGemm},
    InferEntry{"QLinearAdd", InferQLinearBinary},
    InferEntry{"QLinearConcat", InferQLinearConcat},
    InferEntry{"QLinearGlobalAveragePool", InferQLinearGlobalPool},
    InferEntry{"QLinearLeakyRelu", InferQLinearUnary},
    InferEntry{"QLinearMul", InferQLinearBinary},
    InferEntry{"QLinearSigmoid", InferQLinearUnary},
};

}  // namespace

std::span<const InferEntry> QuantizedRules() { return kRules; }
std::span<const InferEntry> MicrosoftRules() { return kMicrosoftRules; }

}  // namespace visavis
