#include "runtime/fast/blocked_node.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/epilogue_node.h"
#include "model/graph/passes/graph_editor.h"

namespace visavis {
namespace {

// Larger windows are no pooling layers of ours; sums of a few stay far inside int.
constexpr std::int64_t kMaxWindow = 1024;

bool AllWithin(const std::vector<std::int64_t>& values, std::int64_t low, std::int64_t high) {
  return std::ranges::all_of(values, [&](std::int64_t v) { return v >= low && v <= high; });
}

}  // namespace

std::optional<PoolGeometry> ReadPool(const Node& node) {
  const bool average = IsOnnx(node, "AveragePool");
  if ((!average && !IsOnnx(node, "MaxPool")) || node.inputs.empty() || node.outputs.size() != 1) {
    return std::nullopt;
  }
  const std::vector<std::int64_t> ones{1, 1};
  const std::vector<std::int64_t> zeros{0, 0, 0, 0};
  const auto* kernel = node.Ints("kernel_shape");
  const auto& strides = node.Has("strides") ? node.Ints("strides") : &ones;
  const auto& dilations = node.Has("dilations") ? node.Ints("dilations") : &ones;
  const auto& pads = node.Has("pads") ? node.Ints("pads") : &zeros;
  if (kernel == nullptr || strides == nullptr || dilations == nullptr || pads == nullptr ||
      kernel->size() != 2 || strides->size() != 2 || pads->size() != 4 || *dilations != ones ||
      node.String("auto_pad", "NOTSET") != "NOTSET" || node.Int("storage_order", 0) != 0) {
    return std::nullopt;
  }
  if (!AllWithin(*kernel, 1, kMaxWindow) || !AllWithin(*strides, 1, kMaxWindow) ||
      (*strides)[0] != (*strides)[1]) {
    return std::nullopt;
  }
  PoolGeometry geometry;
  geometry.average = average;
  geometry.stride = static_cast<int>((*strides)[0]);
  geometry.ceil_mode = node.Int("ceil_mode", 0) != 0;
  geometry.count_include_pad = node.Int("count_include_pad", 0) != 0;
  for (std::size_t i = 0; i < 4; ++i) {
    // A window must hold at least one pixel.
    if ((*pads)[i] < 0 || (*pads)[i] >= (*kernel)[i % 2]) return std::nullopt;
    geometry.pad[i] = static_cast<int>((*pads)[i]);
  }
  for (std::size_t i = 0; i < 2; ++i) geometry.kernel[i] = static_cast<int>((*kernel)[i]);
  return geometry;
}

std::optional<PointwiseNode> ReadPointwise(const Graph& graph, const Node& node, int channels) {
  if (node.inputs.empty() || node.outputs.size() != 1) return std::nullopt;
  const auto count = static_cast<std::size_t>(channels);
  PointwiseNode result;
  result.epilogue.bias = PaddedToBlocks({}, channels);
  if (const auto affine = AsChannelAffine(graph, node, 4)) {
    if (!affine->Fits(count)) return std::nullopt;
    std::vector<double> scale(count);
    std::vector<double> shift(count);
    for (std::size_t c = 0; c < count; ++c) {
      scale[c] = affine->ScaleAt(c);
      shift[c] = affine->ShiftAt(c);
    }
    result.x = affine->x;
    result.scale = PaddedToBlocks(scale, channels);
    result.epilogue.bias = PaddedToBlocks(shift, channels);
    return result;
  }
  result.x = node.inputs[0];
  if (IsOnnx(node, "Relu")) {
    result.epilogue.activation = Activation::kRelu;
  } else if (const auto slope = SlopesOf(graph, node, 4, count); !slope.empty()) {
    result.epilogue.activation = Activation::kPrelu;
    result.epilogue.slope =
        PaddedToBlocks(std::vector<double>(slope.begin(), slope.end()), channels);
  } else if (const auto bounds = ClipBounds(graph, node)) {
    result.epilogue.activation = Activation::kClip;
    result.epilogue.lo = bounds->first;
    result.epilogue.hi = bounds->second;
  } else {
    return std::nullopt;
  }
  return result;
}

std::optional<UpsampleGeometry> ReadUpsample(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.outputs.size() != 1) return std::nullopt;
  UpsampleGeometry geometry;
  if (IsOnnx(node, "Upsample")) {
    if (node.String("mode", "nearest") != "nearest") return std::nullopt;
    if (const auto* scales = node.Floats("scales")) {
      geometry.scales = *scales;
    } else {
      geometry.scales_input = 1;
    }
  } else if (IsOnnx(node, "Resize") && graph.opset >= 11) {
    if (node.String("mode", "nearest") != "nearest" || node.Has("axes") ||
        node.String("coordinate_transformation_mode", "half_pixel") != "asymmetric" ||
        node.String("nearest_mode", "round_prefer_floor") != "floor") {
      return std::nullopt;
    }
    // An empty `scales` stands for a missing one.
    const Tensor* scales = graph.constant(node.input(2));
    const bool by_scales =
        node.input(2) != kNoValue && (scales == nullptr || scales->elements() > 0);
    (by_scales ? geometry.scales_input : geometry.sizes_input) = by_scales ? 2 : 3;
    if (!by_scales && (node.input(3) == kNoValue ||
                       node.String("keep_aspect_ratio_policy", "stretch") != "stretch")) {
      return std::nullopt;
    }
  } else {
    return std::nullopt;
  }
  return geometry;
}

std::optional<ChannelRange> ReadChannelsLast(const Node& node) {
  if (IsFused(node, kChannelsLastOp)) {
    return ChannelRange{node.Int("batch_third", 0) != 0, static_cast<int>(node.Int("begin", 0)),
                        static_cast<int>(node.Int("count", 0))};
  }
  if (!IsOnnx(node, "Transpose") || node.inputs.size() != 1 || node.outputs.size() != 1) {
    return std::nullopt;
  }
  const auto* perm = node.Ints("perm");
  if (perm == nullptr) return std::nullopt;
  if (*perm == std::vector<std::int64_t>{0, 2, 3, 1}) return ChannelRange{false, 0, -1};
  if (*perm == std::vector<std::int64_t>{2, 3, 0, 1}) return ChannelRange{true, 0, -1};
  return std::nullopt;
}

}  // namespace visavis
