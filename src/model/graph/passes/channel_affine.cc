#include "model/graph/passes/channel_affine.h"

#include <cmath>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"

namespace visavis {
namespace {

std::optional<ChannelAffine> FromBatchNorm(const Graph& graph, const Node& node) {
  if (node.inputs.size() != 5 || node.Int("training_mode", 0) != 0) return std::nullopt;
  for (std::size_t i = 1; i < node.outputs.size(); ++i) {
    if (node.outputs[i] != kNoValue) return std::nullopt;
  }
  const std::vector<double> gamma = ConstantDoubles(graph, node.inputs[1]);
  const std::vector<double> beta = ConstantDoubles(graph, node.inputs[2]);
  const std::vector<double> mean = ConstantDoubles(graph, node.inputs[3]);
  const std::vector<double> variance = ConstantDoubles(graph, node.inputs[4]);
  const std::size_t channels = gamma.size();
  if (channels == 0 || beta.size() != channels || mean.size() != channels ||
      variance.size() != channels) {
    return std::nullopt;
  }
  const double epsilon = node.Float("epsilon", 1e-5f);
  ChannelAffine affine{node.inputs[0], std::vector<double>(channels),
                       std::vector<double>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    affine.scale[c] = gamma[c] / std::sqrt(variance[c] + epsilon);
    affine.shift[c] = beta[c] - mean[c] * affine.scale[c];
  }
  return affine;
}

std::optional<ChannelAffine> FromArithmetic(const Graph& graph, const Node& node, int rank) {
  if (node.inputs.size() != 2 || node.Has("broadcast") || node.Has("axis")) return std::nullopt;
  const bool constant_first = graph.constant(node.inputs[0]) != nullptr;
  const ValueId x = node.inputs[constant_first ? 1 : 0];
  const auto constant = PerChannelConstant(graph, node.inputs[constant_first ? 0 : 1], rank);
  if (!constant.has_value() || x == kNoValue || graph.constant(x) != nullptr) return std::nullopt;

  ChannelAffine affine{x, {1.0}, {0.0}};
  if (IsOnnx(node, "Add")) {
    affine.shift = *constant;
  } else if (IsOnnx(node, "Sub")) {
    affine.shift = *constant;
    if (constant_first) {
      affine.scale = {-1.0};
    } else {
      for (double& c : affine.shift) c = -c;
    }
  } else if (IsOnnx(node, "Mul")) {
    affine.scale = *constant;
  } else if (IsOnnx(node, "Div") && !constant_first) {
    affine.scale = *constant;
    for (double& c : affine.scale) c = 1.0 / c;
  } else {
    return std::nullopt;
  }
  return affine;
}

bool AllFinite(const std::vector<double>& values) {
  for (const double v : values) {
    if (!std::isfinite(v)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::vector<double>> PerChannelConstant(const Graph& graph, ValueId id, int rank) {
  const Tensor* tensor = graph.constant(id);
  if (tensor == nullptr || tensor->elements() == 0 || tensor->shape().rank() > rank) {
    return std::nullopt;
  }
  const int lead = rank - tensor->shape().rank();
  for (int axis = 0; axis < tensor->shape().rank(); ++axis) {
    if (lead + axis != 1 && tensor->shape()[axis] != 1) return std::nullopt;
  }
  std::vector<double> values = ConstantDoubles(graph, id);
  if (values.empty()) return std::nullopt;
  return values;
}

std::optional<ChannelAffine> AsChannelAffine(const Graph& graph, const Node& node, int rank) {
  if (node.outputs.empty() || !node.domain.empty()) return std::nullopt;
  auto affine = node.op_type == "BatchNormalization" ? FromBatchNorm(graph, node)
                                                     : FromArithmetic(graph, node, rank);
  // A file with infinities or negative variances keeps its own arithmetic.
  if (affine.has_value() && !(AllFinite(affine->scale) && AllFinite(affine->shift))) {
    return std::nullopt;
  }
  return affine;
}

}  // namespace visavis
