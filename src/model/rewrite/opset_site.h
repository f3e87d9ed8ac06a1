// One node between two versions of ONNX's operator set.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/graph/graph.h"
#include "model/graph/shape_inference.h"

namespace visavis {

/// The node under change and what is known around it.
struct OpsetSite {
  Graph& graph;
  const std::vector<InferredValue>& inferred;  ///< of the graph as it came
  int target;                                  ///< the opset on the far side of this step
  Node& node;
  std::vector<Node> before;  ///< nodes to put in front of the node
  std::vector<Node> after;   ///< nodes to put behind it
  bool dropped = false;      ///< only `before` and `after` stay

  const std::vector<Dim>* ShapeOf(ValueId id) const;
  int Rank(ValueId id) const;  ///< -1 when unknown
  ValueId AddInts(std::string_view suffix, const std::vector<std::int64_t>& values);
  ValueId AddFloats(std::string_view suffix, const Shape& shape, const std::vector<float>& values);
  ValueId AddValue(std::string_view suffix);
  Node Make(std::string_view op_type, std::string_view suffix, std::vector<ValueId> inputs,
            std::vector<ValueId> outputs) const;
  void SetInput(std::size_t slot, ValueId id);
  /// The elements of an int64 constant; nothing for anything else.
  std::optional<std::vector<std::int64_t>> Ints(ValueId id) const;
  /// The element of a float32 constant of one element; nothing for anything else.
  std::optional<float> Float(ValueId id) const;
  std::string Who() const;

  template <typename... Args>
  Error Fail(fmt::format_string<Args...> what, Args&&... args) const {
    return MakeError(ErrorCode::kUnsupported, "opset {}: node {}: {}", target, Who(),
                     fmt::format(what, std::forward<Args>(args)...));
  }
};

/// A change of form. `version` is the first operator set with the new form.
struct OpsetStep {
  int version;
  std::string_view op_type;
  Status (*up)(OpsetSite&);    ///< from version - 1 to version; null: nothing to do
  Status (*down)(OpsetSite&);  ///< from version to version - 1; null: nothing to do
};

/// All steps; those of one version in any order.
std::span<const OpsetStep> OpsetSteps();

}  // namespace visavis
