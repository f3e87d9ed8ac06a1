// Shape rules of reductions and resizing.
#include <array>
#include <cmath>

#include "model/graph/shape_context.h"

namespace visavis {
namespace {

using Ints = std::vector<std::int64_t>;

// The input shape with `axes` reduced to 1 or dropped.
std::optional<Dims> Reduced(const Dims& data, const Ints& axes, bool keep) {
  std::vector<bool> reduced(data.size(), false);
  for (const std::int64_t value : axes) {
    const auto axis = ResolveAxis(value, data.size());
    if (!axis) return std::nullopt;
    reduced[*axis] = true;
  }
  Dims out;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (!reduced[i]) {
      out.push_back(data[i]);
    } else if (keep) {
      out.push_back(KnownDim(1));
    }
  }
  return out;
}

void InferReduce(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  std::optional<Ints> axes = context.IntsOf(1, "axes");
  if (data == nullptr || (context.input(1) != nullptr && !axes)) return;
  if (!axes || axes->empty()) {
    if (context.node().Int("noop_with_empty_axes", 0) != 0) return context.SetShape(0, *data);
    axes.emplace();
    for (std::size_t i = 0; i < data->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (auto out = Reduced(*data, *axes, context.node().Int("keepdims", 1) != 0)) {
    context.SetShape(0, *std::move(out));
  }
}

void InferArg(ShapeContext& context) {
  context.SetType(0, DType::kI64);
  const Dims* data = context.shape(0);
  if (data == nullptr) return;
  const bool keep = context.node().Int("keepdims", 1) != 0;
  if (auto out = Reduced(*data, {context.node().Int("axis", 0)}, keep)) {
    context.SetShape(0, *std::move(out));
  }
}

std::optional<std::vector<float>> Floats(const ShapeContext& context, std::size_t input) {
  const Tensor* tensor = context.graph().constant(context.node().input(input));
  if (tensor == nullptr || tensor->dtype() != DType::kF32) return std::nullopt;
  const std::span<const float> values = tensor->data<float>();
  return std::vector<float>(values.begin(), values.end());
}

void SetScaled(ShapeContext& context, const std::vector<float>& scales) {
  const Dims& data = *context.shape(0);
  if (scales.size() != data.size()) return;
  Dims out = data;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (scales[i] == 1.0f) continue;
    const double extent = std::floor(static_cast<double>(out[i].extent) * scales[i]);
    const bool sane = out[i].known() && extent >= 0 && extent <= 1e12;
    out[i] = sane ? KnownDim(static_cast<std::int64_t>(extent)) : Dim{};
  }
  context.SetShape(0, std::move(out));
}

// The sizes input of Resize, for all dimensions or those of `axes`.
void SetSized(ShapeContext& context, const Integers& sizes) {
  Dims out = *context.shape(0);
  const Ints* axes = context.node().Ints("axes");
  if (sizes.size() != (axes == nullptr ? out.size() : axes->size())) return;
  if (context.node().String("keep_aspect_ratio_policy", "stretch") != "stretch") return;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto axis = axes == nullptr ? std::optional(i) : ResolveAxis((*axes)[i], out.size());
    if (!axis) return;
    out[*axis] = sizes[i] ? KnownDim(*sizes[i]) : Dim{};
  }
  context.SetShape(0, std::move(out));
}

void InferResize(ShapeContext& context) {
  context.SetTypeFrom(0);
  if (context.shape(0) == nullptr) return;
  if (context.opset() < 11) {
    if (const auto scales = Floats(context, 1)) SetScaled(context, *scales);
    return;
  }
  if (context.input(3) != nullptr) {
    if (const Integers* sizes = context.integers(3)) SetSized(context, *sizes);
  } else if (const auto scales = Floats(context, 2)) {
    SetScaled(context, *scales);
  }
}

void InferUpsample(ShapeContext& context) {
  context.SetTypeFrom(0);
  if (context.shape(0) == nullptr) return;
  if (const std::vector<float>* scales = context.node().Floats("scales")) {
    SetScaled(context, *scales);
  } else if (const auto from_input = Floats(context, 1)) {
    SetScaled(context, *from_input);
  }
}

constexpr std::array kRules{
    InferEntry{"ReduceMean", InferReduce}, InferEntry{"ReduceSum", InferReduce},
    InferEntry{"ReduceMax", InferReduce},  InferEntry{"ReduceMin", InferReduce},
    InferEntry{"ReduceProd", InferReduce}, InferEntry{"ReduceL1", InferReduce},
    InferEntry{"ReduceL2", InferReduce},   InferEntry{"ReduceSumSquare", InferReduce},
    InferEntry{"ArgMax", InferArg},        InferEntry{"ArgMin", InferArg},
    InferEntry{"Resize", InferResize},     InferEntry{"Upsample", InferUpsample},
};

}  // namespace

std::span<const InferEntry> ReductionRules() { return kRules; }

}  // namespace visavis
