// The one form of a model: an ONNX-like graph of named operators over values. It is never executed
// here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis {

/// Index into Graph::values.
using ValueId = std::int32_t;
/// An optional input or output that is left out.
inline constexpr ValueId kNoValue = -1;

/// One extent of a declared shape: a number, or a named unknown ("N"), or an anonymous unknown
/// (empty name).
struct Dim {
  std::int64_t extent = -1;  ///< -1 when unknown
  std::string symbol;        ///< name of an unknown extent; may be empty
  bool known() const { return extent >= 0; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

/// A value that flows along an edge: an input, a constant or a node's output.
struct Value {
  std::string name;
  DType dtype = DType::kF32;
  std::optional<std::vector<Dim>> shape;             ///< absent when not declared
  std::shared_ptr<const Tensor> constant = nullptr;  ///< set for initializers and folded constants
};

using Attribute =
    std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                 std::vector<std::string>, std::shared_ptr<const Tensor>>;

/// One operator. Inputs and outputs may contain kNoValue.
struct Node {
  std::string name;     ///< unique or empty
  std::string op_type;  ///< ONNX's name, e.g. "Conv"
  std::string domain;   ///< empty for ONNX's own operators
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, Attribute, std::less<>> attributes;

  std::int64_t Int(std::string_view attribute, std::int64_t fallback) const;
  float Float(std::string_view attribute, float fallback) const;
  std::string String(std::string_view attribute, std::string_view fallback) const;
  /// Null when absent or of another type.
  const std::vector<std::int64_t>* Ints(std::string_view attribute) const;
  const std::vector<float>* Floats(std::string_view attribute) const;
  const Tensor* TensorAttribute(std::string_view attribute) const;
  bool Has(std::string_view attribute) const {
    return attributes.find(attribute) != attributes.end();
  }
  ValueId input(std::size_t i) const { return i < inputs.size() ? inputs[i] : kNoValue; }
};

/// A model. Nodes are in topological order; every value is produced by at most one node.
/// Threads: a value; const access is safe concurrently. Copies share constants.
struct Graph {
  std::string name;
  int opset = 0;         ///< version of ONNX's own operator set the nodes follow
  std::string producer;  ///< who wrote the file, as it says
  std::map<std::string, std::string> metadata;
  std::vector<std::string> notes;  ///< what import had to repair, one line each
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;  ///< run-time inputs; never constants
  std::vector<ValueId> outputs;

  ValueId AddValue(std::string name, DType dtype = DType::kF32);
  ValueId AddConstant(std::string name, Tensor tensor);
  ValueId AddConstant(std::string name, std::shared_ptr<const Tensor> tensor);
  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  /// The constant behind `id`, or null if it is computed at run time (or kNoValue).
  const Tensor* constant(ValueId id) const;
  ValueId FindValue(std::string_view name) const;

  /// "Conv_12 (Conv)" or "node 12 (Conv)", for messages.
  std::string Describe(const Node& node) const;
};

/// For each value, the index of the node that produces it, or -1.
std::vector<int> Producers(const Graph& graph);
/// For each value, the indices of the nodes that read it (a node that reads it twice appears
/// twice).
std::vector<std::vector<int>> Consumers(const Graph& graph);

/// Checks the invariants above (ids in range, single assignment, topological order, outputs exist)
/// and sorts the nodes if they are not in order. `where` names the file in messages. kCorruptData
/// on any violation, a cycle included.
Status ValidateAndSort(Graph& graph, std::string_view where);

}  // namespace visavis
