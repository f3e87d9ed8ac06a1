// Shape rules of elementwise operators and matrix products.
#include <algorithm>
#include <array>

#include "model/graph/onnx_types.h"
#include "model/graph/shape_context.h"

namespace visavis {
namespace {

void InferSame(ShapeContext& context) {
  context.SetTypeFrom(0);
  if (const Dims* data = context.shape(0)) context.SetShape(0, *data);
}

void InferIdentity(ShapeContext& context) {
  InferSame(context);
  if (context.integers(0) != nullptr && context.output() != nullptr) {
    context.output()->integers = *context.integers(0);
  }
}

void InferDropout(ShapeContext& context) {
  InferSame(context);
  context.SetType(1, DType::kBool);
  if (const Dims* data = context.shape(0)) context.SetShape(1, *data);
}

void InferCast(ShapeContext& context) {
  const auto to = DTypeOfOnnxType(context.node().Int("to", 0));
  if (const Dims* data = context.shape(0)) context.SetShape(0, *data);
  if (!to || context.output() == nullptr) return;
  context.SetType(0, *to);
  if ((*to == DType::kI64 || *to == DType::kI32) && context.integers(0) != nullptr) {
    context.output()->integers = *context.integers(0);
  }
}

// All inputs from `first` on, broadcast together.
void BroadcastInputs(ShapeContext& context, std::size_t first) {
  std::optional<Dims> shape;
  for (std::size_t i = first; i < context.node().inputs.size(); ++i) {
    const Dims* other = context.shape(i);
    if (other == nullptr) return;
    shape = shape ? Broadcast(*shape, *other) : *other;
    if (!shape) return;
  }
  if (shape) context.SetShape(0, *std::move(shape));
}

void InferBroadcast(ShapeContext& context) {
  context.SetTypeFrom(0);
  BroadcastInputs(context, 0);
}

void InferCompare(ShapeContext& context) {
  context.SetType(0, DType::kBool);
  BroadcastInputs(context, 0);
}

void InferWhere(ShapeContext& context) {
  context.SetTypeFrom(1);
  BroadcastInputs(context, 0);
}

// Shape arithmetic stays far from overflow; whatever does not is not a shape.
std::optional<std::int64_t> Apply(std::string_view op, std::int64_t a, std::int64_t b) {
  const auto small = [](std::int64_t v) {
    return v >= -kMaxInferredExtent && v <= kMaxInferredExtent;
  };
  if (!small(a) || !small(b)) return std::nullopt;
  if (op == "Add") return a + b;
  if (op == "Sub") return a - b;
  if (op == "Mul") {
    constexpr std::int64_t kFactor = std::int64_t{1} << 31;
    if (a > kFactor || a < -kFactor || b > kFactor || b < -kFactor) return std::nullopt;
    return a * b;
  }
  if (op == "Div" && b != 0) return a / b;
  return std::nullopt;
}

void InferArithmetic(ShapeContext& context) {
  InferBroadcast(context);
  const Integers* a = context.integers(0);
  const Integers* b = context.integers(1);
  if (a == nullptr || b == nullptr || context.output() == nullptr) return;
  const std::size_t size = std::max(a->size(), b->size());
  if ((a->size() != size && a->size() != 1) || (b->size() != size && b->size() != 1)) return;
  Integers result;
  for (std::size_t i = 0; i < size; ++i) {
    const std::optional<std::int64_t>& x = (*a)[a->size() == 1 ? 0 : i];
    const std::optional<std::int64_t>& y = (*b)[b->size() == 1 ? 0 : i];
    result.push_back(x && y ? Apply(context.node().op_type, *x, *y) : std::nullopt);
  }
  context.output()->integers = std::move(result);
}

void InferGemm(ShapeContext& context) {
  context.SetTypeFrom(0);
  InferGemmShape(context, 0, 1);
}

void InferMatMul(ShapeContext& context) {
  context.SetTypeFrom(0);
  InferMatMulShape(context, 0, 1);
}

constexpr std::array kRules{
    InferEntry{"Identity", InferIdentity},
    InferEntry{"Dropout", InferDropout},
    InferEntry{"Cast", InferCast},
    InferEntry{"Gemm", InferGemm},
    InferEntry{"MatMul", InferMatMul},
    InferEntry{"Where", InferWhere},
    InferEntry{"Add", InferArithmetic},
    InferEntry{"Sub", InferArithmetic},
    InferEntry{"Mul", InferArithmetic},
    InferEntry{"Div", InferArithmetic},
    InferEntry{"Pow", InferBroadcast},
    InferEntry{"Min", InferBroadcast},
    InferEntry{"Max", InferBroadcast},
    InferEntry{"Sum", InferBroadcast},
    InferEntry{"Mean", InferBroadcast},
    InferEntry{"Equal", InferCompare},
    InferEntry{"Less", InferCompare},
    InferEntry{"LessOrEqual", InferCompare},
    InferEntry{"Greater", InferCompare},
    InferEntry{"GreaterOrEqual", InferCompare},
    InferEntry{"And", InferCompare},
    InferEntry{"Or", InferCompare},
    InferEntry{"Not", InferCompare},
    InferEntry{"BatchNormalization", InferSame},
    InferEntry{"InstanceNormalization", InferSame},
    InferEntry{"LpNormalization", InferSame},
    InferEntry{"PRelu", InferSame},
    InferEntry{"Relu", InferSame},
    InferEntry{"LeakyRelu", InferSame},
    InferEntry{"Elu", InferSame},
    InferEntry{"Selu", InferSame},
    InferEntry{"Clip", InferSame},
    InferEntry{"Sigmoid", InferSame},
    InferEntry{"HardSigmoid", InferSame},
    InferEntry{"HardSwish", InferSame},
    InferEntry{"Tanh", InferSame},
    InferEntry{"Softplus", InferSame},
    InferEntry{"Softsign", InferSame},
    InferEntry{"Softmax", InferSame},
    InferEntry{"LogSoftmax", InferSame},
    InferEntry{"Sqrt", InferSame},
    InferEntry{"Exp", InferSame},
    InferEntry{"Log", InferSame},
    InferEntry{"Neg", InferSame},
    InferEntry{"Abs", InferSame},
    InferEntry{"Floor", InferSame},
    InferEntry{"Ceil", InferSame},
    InferEntry{"Round", InferSame},
    InferEntry{"Sign", InferSame},
    InferEntry{"Reciprocal", InferSame},
    InferEntry{"Erf", InferSame},
};

}  // namespace

std::span<const InferEntry> ElementwiseRules() { return kRules; }

}  // namespace visavis
