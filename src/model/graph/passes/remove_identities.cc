#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"

namespace visavis {
namespace {

// Dropout is the identity at inference; its mask output must be unused.
bool IsIdentity(const Node& node, const GraphEditor& editor) {
  if (node.inputs.empty() || node.outputs.empty() || node.inputs[0] == kNoValue) return false;
  if (IsOnnx(node, "Identity")) return true;
  if (!IsOnnx(node, "Dropout") || node.input(2) != kNoValue) return false;
  for (std::size_t i = 1; i < node.outputs.size(); ++i) {
    const ValueId mask = node.outputs[i];
    if (mask == kNoValue) continue;
    if (editor.is_output(mask) || !editor.readers(mask).empty()) return false;
  }
  return true;
}

}  // namespace

Graph RemoveIdentities(Graph graph) {
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    if (editor.erased(i) || !IsIdentity(editor.node(i), editor)) continue;
    const ValueId from = editor.node(i).inputs[0];
    const ValueId to = editor.node(i).outputs[0];
    if (!editor.is_output(to)) {
      editor.Redirect(to, from);
      editor.Erase(i);
      continue;
    }
    // An output of the graph keeps its name: its producer takes the identity's place.
    const int producer = editor.producer(from);
    if (producer >= 0 && editor.SoleReader(from) == i &&
        editor.node(producer).outputs.size() == 1) {
      editor.Absorb(producer, i);
    }
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
