#include <algorithm>
#include <utility>

#include "model/graph/passes/linear_node.h"
#include "model/graph/passes/passes.h"

namespace visavis {
namespace {

// The map in front of `reader`'s input 0, if all readers of the mapped value can do without it:
// otherwise it would be computed anyway.
std::optional<ChannelAffine> FoldableMap(GraphEditor& editor, const LinearNode& reader) {
  const ValueId mapped = reader.x();
  const int producer = editor.producer(mapped);
  if (producer < 0 || editor.is_output(mapped)) return std::nullopt;
  // A flattened input may have any rank; only maps that do not depend on it are folded.
  const int rank = reader.is_conv() ? 4 : 2;
  auto affine = AsChannelAffine(editor.graph(), editor.node(producer), rank);
  if (!affine.has_value()) return std::nullopt;
  const bool by_arithmetic = !IsOnnx(editor.node(producer), "BatchNormalization");
  if (!reader.is_conv() && by_arithmetic &&
      std::max(affine->scale.size(), affine->shift.size()) != 1) {
    return std::nullopt;
  }
  const auto can_fold = [&](int other) {
    const auto linear = LinearNode::At(editor, other);
    return linear.has_value() && linear->x() == mapped && linear->CanFoldBefore(*affine);
  };
  if (!std::ranges::all_of(editor.readers(mapped), can_fold)) return std::nullopt;
  return affine;
}

}  // namespace

Graph FoldAffineBefore(Graph graph) {
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    auto linear = LinearNode::At(editor, i);
    if (!linear.has_value()) continue;
    for (auto map = FoldableMap(editor, *linear); map.has_value();
         map = FoldableMap(editor, *linear)) {
      const ValueId mapped = linear->x();
      const std::vector<int> readers(editor.readers(mapped).begin(), editor.readers(mapped).end());
      for (const int reader : readers) LinearNode::At(editor, reader)->FoldBefore(*map);
      // Gone at once, so that it is no reader of the map before it.
      editor.Erase(editor.producer(mapped));
    }
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
