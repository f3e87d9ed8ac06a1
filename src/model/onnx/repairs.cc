#include "model/onnx/repairs.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/shape_inference.h"
#include "tensor/convert.h"

namespace visavis::onnx_format {
namespace {

// Until opset 8, spatial=0 meant statistics per position; ours are [C] all the same.
Status DropSpatial(Graph& graph, std::string_view where) {
  int repaired = 0;
  for (Node& node : graph.nodes) {
    const auto spatial = node.attributes.find("spatial");
    if (node.op_type != "BatchNormalization" || spatial == node.attributes.end()) continue;
    const Tensor* scale = graph.constant(node.input(1));
    if (node.Int("spatial", 1) == 0) {
      if (scale != nullptr && scale->shape().rank() != 1) {
        return MakeError(ErrorCode::kUnsupported,
                         "{}: node {}: spatial=0 with scale {}, want one scale per channel", where,
                         graph.Describe(node), scale->shape().ToString());
      }
      ++repaired;
    }
    node.attributes.erase(spatial);
  }
  if (repaired > 0) {
    graph.notes.push_back(
        fmt::format("{} BatchNormalization nodes said spatial=0 with one scale per channel; read "
                    "as spatial=1",
                    repaired));
  }
  return {};
}

bool ComputesInFloat64(const Graph& graph) {
  const auto is_double = [&](ValueId id) { return graph.value(id).dtype == DType::kF64; };
  if (std::ranges::any_of(graph.inputs, is_double)) return true;
  constexpr std::int64_t kOnnxDouble = 11;
  return std::ranges::any_of(graph.nodes, [](const Node& node) {
    return node.op_type == "Cast" && node.Int("to", 0) == kOnnxDouble;
  });
}

// Without a float64 input or cast, every float64 constant meets float32 values, which ONNX forbids.
void NarrowFloat64(Graph& graph) {
  if (ComputesInFloat64(graph)) return;
  const auto narrowed = [](const Tensor& wide) {
    return std::make_shared<const Tensor>(ToFloat32(wide));
  };
  int repaired = 0;
  for (Value& value : graph.values) {
    if (value.constant == nullptr || value.dtype != DType::kF64) continue;
    value.constant = narrowed(*value.constant);
    value.dtype = DType::kF32;
    ++repaired;
  }
  for (Node& node : graph.nodes) {
    const Tensor* constant = node.TensorAttribute("value");
    if (node.op_type != "Constant" || constant == nullptr || constant->dtype() != DType::kF64) {
      continue;
    }
    node.attributes["value"] = narrowed(*constant);
    ++repaired;
  }
  if (repaired > 0) {
    graph.notes.push_back(
        fmt::format("{} float64 constants in a float32 network; read as float32", repaired));
  }
}

// Whether a slope of shape [C] can only mean one slope per channel of `data`: with C as the last
// extent ONNX's own broadcasting would apply.
bool IsPerChannel(const std::vector<Dim>& data, std::int64_t slopes) {
  if (data.size() < 3 || slopes < 2) return false;
  const bool fits_channels = !data[1].known() || data[1].extent == slopes;
  return fits_channels && data.back().extent != slopes;
}

void AlignSlopes(Graph& graph) {
  const auto has_flat_slope = [&](const Node& node) {
    const Tensor* slope = graph.constant(node.input(1));
    return node.op_type == "PRelu" && slope != nullptr && slope->dtype() == DType::kF32 &&
           slope->shape().rank() == 1;
  };
  if (std::ranges::none_of(graph.nodes, has_flat_slope)) return;
  const std::vector<InferredValue> inferred = InferShapes(graph);
  std::map<std::pair<ValueId, std::size_t>, ValueId> aligned;  // by slope and rank
  for (Node& node : graph.nodes) {
    if (!has_flat_slope(node) || node.input(0) == kNoValue) continue;
    const auto& data = inferred[static_cast<std::size_t>(node.inputs[0])].shape;
    const Tensor& slope = *graph.constant(node.inputs[1]);
    if (!data || !IsPerChannel(*data, slope.elements())) continue;
    const auto [it, added] = aligned.try_emplace({node.inputs[1], data->size()}, kNoValue);
    if (added) {
      std::vector<std::int64_t> extents(data->size() - 1, 1);
      extents[0] = slope.elements();
      const std::string name = graph.value(node.inputs[1]).name + "_per_channel";
      it->second = graph.AddConstant(
          name, Tensor::From<float>(Shape(std::move(extents)), slope.data<float>()));
    }
    node.inputs[1] = it->second;
  }
  if (!aligned.empty()) {
    graph.notes.push_back(
        fmt::format("{} PRelu slopes [C] do not broadcast over N x C x H x W; read as [C,1,1]",
                    aligned.size()));
  }
}

}  // namespace

Status RepairLegacy(Graph& graph, std::string_view where) {
  VISAVIS_RETURN_IF_ERROR(DropSpatial(graph, where));
  NarrowFloat64(graph);
  AlignSlopes(graph);
  return {};
}

}  // namespace visavis::onnx_format
