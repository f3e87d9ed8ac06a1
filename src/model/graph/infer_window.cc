// Shape rules of convolution and pooling.
#include <algorithm>
#include <array>
#include <string>

#include "model/graph/shape_context.h"

namespace visavis {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kLargestWindow = std::int64_t{1} << 20;

// Window attributes over `rank` spatial dimensions; nothing if malformed.
struct Window {
  Ints kernel, strides, pads, dilations;
  std::string auto_pad;
  bool ceil = false;
};

std::optional<Ints> ReadInts(const Node& node, std::string_view name, std::size_t size,
                             std::int64_t fallback) {
  const Ints* values = node.Ints(name);
  if (values == nullptr) return Ints(size, fallback);
  const bool sane = std::ranges::all_of(
      *values, [](std::int64_t v) { return v >= -kLargestWindow && v <= kLargestWindow; });
  return values->size() == size && sane ? std::optional(*values) : std::nullopt;
}

std::optional<Window> ReadWindow(const Node& node, Ints kernel) {
  const std::size_t rank = kernel.size();
  const auto strides = ReadInts(node, "strides", rank, 1);
  const auto pads = ReadInts(node, "pads", 2 * rank, 0);
  const auto dilations = ReadInts(node, "dilations", rank, 1);
  if (!strides || !pads || !dilations) return std::nullopt;
  const auto positive = [](std::int64_t v) { return v >= 1 && v <= kLargestWindow; };
  if (!std::ranges::all_of(kernel, positive) || !std::ranges::all_of(*strides, positive) ||
      !std::ranges::all_of(*dilations, positive)) {
    return std::nullopt;
  }
  return Window{std::move(kernel),
                *strides,
                *pads,
                *dilations,
                node.String("auto_pad", "NOTSET"),
                node.Int("ceil_mode", 0) != 0};
}

Dim WindowExtent(const Window& window, std::size_t axis, const Dim& extent) {
  const std::int64_t span = (window.kernel[axis] - 1) * window.dilations[axis] + 1;
  const std::int64_t stride = window.strides[axis];
  if (window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER") {
    if (stride == 1) return extent;
    return extent.known() ? KnownDim((extent.extent + stride - 1) / stride) : Dim{};
  }
  const bool padded = window.auto_pad != "VALID";
  const std::int64_t begin = padded ? window.pads[axis] : 0;
  const std::int64_t end = padded ? window.pads[axis + window.kernel.size()] : 0;
  if (stride == 1 && begin + end == span - 1) return extent;
  if (!extent.known()) return Dim{};
  const std::int64_t slack = extent.extent + begin + end - span;
  if (slack < 0) return Dim{};
  std::int64_t count = slack / stride + 1;
  if (window.ceil && slack % stride != 0) {
    // A window that would start in the end padding is left out.
    if (count * stride < extent.extent + begin) ++count;
  }
  return KnownDim(count);
}

void SetWindowed(ShapeContext& context, const Window& window, Dim channels) {
  const Dims& data = *context.shape(0);
  Dims out{data[0], std::move(channels)};
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    out.push_back(WindowExtent(window, i, data[i + 2]));
  }
  for (std::size_t i = 0; i < context.node().outputs.size(); ++i) context.SetShape(i, out);
}

void Conv(ShapeContext& context, std::size_t weight_input) {
  const Dims* data = context.shape(0);
  const Dims* weight = context.shape(weight_input);
  if (data == nullptr || weight == nullptr || data->size() < 3 || weight->size() != data->size()) {
    return;
  }
  Ints kernel;
  for (std::size_t i = 2; i < weight->size(); ++i) kernel.push_back((*weight)[i].extent);
  if (const auto window = ReadWindow(context.node(), std::move(kernel))) {
    SetWindowed(context, *window, (*weight)[0]);
  }
}

void InferConv(ShapeContext& context) {
  context.SetTypeFrom(0);
  Conv(context, 1);
}

void InferQLinearConv(ShapeContext& context) {
  context.SetTypeFrom(7);  // the output's zero point
  Conv(context, 3);
}

void InferConvInteger(ShapeContext& context) {
  context.SetType(0, DType::kI32);
  Conv(context, 1);
}

void InferPool(ShapeContext& context) {
  context.SetTypeFrom(0);
  context.SetType(1, DType::kI64);
  const Dims* data = context.shape(0);
  const Ints* kernel = context.node().Ints("kernel_shape");
  if (data == nullptr || kernel == nullptr || kernel->empty() ||
      data->size() != kernel->size() + 2) {
    return;
  }
  if (const auto window = ReadWindow(context.node(), *kernel)) {
    SetWindowed(context, *window, (*data)[1]);
  }
}

void InferGlobalPool(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  if (data == nullptr || data->size() < 3) return;
  Dims out(data->size(), KnownDim(1));
  out[0] = (*data)[0];
  out[1] = (*data)[1];
  context.SetShape(0, std::move(out));
}

constexpr std::array kRules{
    InferEntry{"Conv", InferConv},
    InferEntry{"ConvInteger", InferConvInteger},
    InferEntry{"QLinearConv", InferQLinearConv},
    InferEntry{"MaxPool", InferPool},
    InferEntry{"AveragePool", InferPool},
    InferEntry{"GlobalAveragePool", InferGlobalPool},
    InferEntry{"GlobalMaxPool", InferGlobalPool},
};

}  // namespace

std::span<const InferEntry> WindowRules() { return kRules; }

}  // namespace visavis
