#include <cmath>
#include <limits>
#include <utility>

#include "model/graph/passes/linear_node.h"
#include "model/graph/passes/passes.h"

namespace visavis {
namespace {

bool AttachAffine(GraphEditor& editor, LinearNode& linear, int next) {
  const auto affine = AsChannelAffine(editor.graph(), editor.node(next), linear.output_rank());
  return affine.has_value() && affine->x == linear.y() && linear.FoldBehind(*affine);
}

// The slopes of PRelu or LeakyRelu, one per output channel; empty if `node` is neither.
std::vector<float> SlopeOf(const Graph& graph, const Node& node, const LinearNode& linear) {
  if (IsOnnx(node, "LeakyRelu")) {
    return std::vector<float>(linear.out_channels(), node.Float("alpha", 0.01f));
  }
  if (!IsOnnx(node, "PRelu") || node.input(0) != linear.y()) return {};
  const auto slope = PerChannelConstant(graph, node.input(1), linear.output_rank());
  if (!slope.has_value()) return {};
  if (slope->size() == 1) {
    return std::vector<float>(linear.out_channels(), static_cast<float>((*slope)[0]));
  }
  if (slope->size() != linear.out_channels()) return {};
  return std::vector<float>(slope->begin(), slope->end());
}

// The bounds of Clip (attributes before opset 11, constants since); nothing for other nodes.
std::optional<std::pair<float, float>> ClipBounds(const Graph& graph, const Node& node) {
  if (!IsOnnx(node, "Clip")) return std::nullopt;
  std::pair<float, float> bounds{node.Float("min", std::numeric_limits<float>::lowest()),
                                 node.Float("max", std::numeric_limits<float>::max())};
  for (const std::size_t i : {1u, 2u}) {
    if (node.input(i) == kNoValue) continue;
    const std::vector<double> bound = ConstantDoubles(graph, node.input(i));
    if (bound.size() != 1) return std::nullopt;
    (i == 1 ? bounds.first : bounds.second) = static_cast<float>(bound[0]);
  }
  if (!(bounds.first <= bounds.second)) return std::nullopt;
  return bounds;
}

bool AttachActivation(GraphEditor& editor, LinearNode& linear, int next) {
  if (linear.has_activation()) return false;
  const Node& node = editor.node(next);
  if (IsOnnx(node, "Relu")) {
    linear.SetActivation("relu");
  } else if (const auto slope = SlopeOf(editor.graph(), node, linear); !slope.empty()) {
    linear.SetActivation("prelu");
    linear.SetSlope(slope);
  } else if (const auto bounds = ClipBounds(editor.graph(), node)) {
    linear.SetActivation("clip");
    linear.SetAttribute("lo", bounds->first);
    linear.SetAttribute("hi", bounds->second);
  } else {
    return false;
  }
  if (linear.has_residual()) linear.SetAttribute("residual_first", std::int64_t{1});
  return true;
}

// Adds the other summand as residual. When both could take the addition, the node that runs later
// does: the other's result then lies ready.
bool AttachAddition(GraphEditor& editor, LinearNode& linear, int next) {
  const Node& add = editor.node(next);
  if (!linear.is_conv() || linear.has_residual() || add.inputs.size() != 2) return false;
  if (!IsOnnx(add, "Add") && !IsOnnx(add, "Sum")) return false;
  if (add.Has("broadcast") || add.Has("axis")) return false;
  const ValueId other = add.inputs[add.inputs[0] == linear.y() ? 1 : 0];
  if (other == kNoValue || other == linear.y() || editor.graph().constant(other) != nullptr) {
    return false;
  }
  const auto rival = LinearNode::At(editor, editor.producer(other));
  if (rival.has_value() && rival->index() > linear.index() && rival->is_conv() &&
      !rival->has_residual() && editor.SoleReader(other) == next) {
    return false;
  }
  linear.SetResidual(other, false);
  return true;
}

}  // namespace

Graph AttachEpilogues(Graph graph) {
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    auto linear = LinearNode::At(editor, i);
    if (!linear.has_value()) continue;
    for (int next = editor.SoleReader(linear->y()); next >= 0;
         next = editor.SoleReader(linear->y())) {
      if (editor.node(next).outputs.size() != 1) break;
      if (!AttachAffine(editor, *linear, next) && !AttachActivation(editor, *linear, next) &&
          !AttachAddition(editor, *linear, next)) {
        break;
      }
      editor.Absorb(i, next);
    }
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
