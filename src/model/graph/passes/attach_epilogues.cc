#include <utility>

#include "model/graph/passes/epilogue_node.h"
#include "model/graph/passes/linear_node.h"
#include "model/graph/passes/passes.h"
#include "model/graph/passes/symbolic_shape.h"

namespace visavis {
namespace {

using Shapes = std::vector<std::optional<SymbolicShape>>;

bool AttachAffine(GraphEditor& editor, LinearNode& linear, int next) {
  const auto affine = AsChannelAffine(editor.graph(), editor.node(next), linear.output_rank());
  return affine.has_value() && affine->x == linear.y() && linear.FoldBehind(*affine);
}

bool AttachActivation(GraphEditor& editor, LinearNode& linear, int next) {
  if (linear.has_activation()) return false;
  const Node& node = editor.node(next);
  if (node.input(0) != linear.y()) return false;
  if (IsOnnx(node, "Relu")) {
    linear.SetActivation("relu");
  } else if (const auto slope =
                 SlopesOf(editor.graph(), node, linear.output_rank(), linear.out_channels());
             !slope.empty()) {
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

// Adds the other summand as residual, if it has the same shape for sure. When both could take the
// addition, the node that runs later does: the other's result then lies ready.
bool AttachAddition(GraphEditor& editor, const Shapes& shapes, LinearNode& linear, int next) {
  const Node& add = editor.node(next);
  if (!linear.is_conv() || linear.has_residual() || add.inputs.size() != 2) return false;
  if (!IsOnnx(add, "Add") && !IsOnnx(add, "Sum")) return false;
  if (add.Has("broadcast") || add.Has("axis")) return false;
  const ValueId other = add.inputs[add.inputs[0] == linear.y() ? 1 : 0];
  if (other == kNoValue || other == linear.y() || editor.graph().constant(other) != nullptr) {
    return false;
  }
  const auto& own_shape = shapes[static_cast<std::size_t>(linear.y())];
  if (!own_shape.has_value() || own_shape != shapes[static_cast<std::size_t>(other)]) return false;
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
  const Shapes shapes = InferSymbolicShapes(graph);
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    auto linear = LinearNode::At(editor, i);
    if (!linear.has_value()) continue;
    for (int next = editor.SoleReader(linear->y()); next >= 0;
         next = editor.SoleReader(linear->y())) {
      if (editor.node(next).outputs.size() != 1) break;
      if (!AttachAffine(editor, *linear, next) && !AttachActivation(editor, *linear, next) &&
          !AttachAddition(editor, shapes, *linear, next)) {
        break;
      }
      editor.Absorb(i, next);
    }
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
