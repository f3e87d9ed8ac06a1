// Bookkeeping for passes: who makes and who reads each value while nodes change.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// Edits a graph node by node. Erased nodes keep their index until Finish.
class GraphEditor {
 public:
  explicit GraphEditor(Graph graph);

  Graph& graph() { return graph_; }
  int node_count() const { return static_cast<int>(graph_.nodes.size()); }
  Node& node(int index) { return graph_.nodes[static_cast<std::size_t>(index)]; }
  bool erased(int index) const { return erased_[static_cast<std::size_t>(index)]; }

  /// Index of the node that makes `id`, or -1 (inputs, constants, kNoValue).
  int producer(ValueId id) const;
  /// Indices of the nodes that read `id`, one per reading input.
  std::span<const int> readers(ValueId id) const;
  bool is_output(ValueId id) const;
  /// The only reader of `id`, or -1 if there are several, none, or `id` leaves the graph.
  int SoleReader(ValueId id) const;

  /// Makes input `i` of node `index` read `id`; the list of inputs grows as needed.
  void SetInput(int index, std::size_t i, ValueId id);
  /// Makes every node that reads `from` read `to`.
  void Redirect(ValueId from, ValueId to);
  /// Node `index` takes over the only output of its only reader `successor`, which is erased.
  void Absorb(int index, int successor);
  /// Node `index` makes the only output of `other` as its next output; `other` is erased.
  void TakeOutput(int index, int other);
  void Erase(int index);

  /// A value that a node will make.
  ValueId AddValue(const std::string& name, DType dtype);
  /// Appends a node and returns its index.
  int AddNode(Node node);

  ValueId AddConstant(const std::string& name, std::shared_ptr<const Tensor> tensor);
  ValueId AddConstant(const std::string& name, Tensor tensor);
  /// A float64 constant of rank 1.
  ValueId AddDoubles(const std::string& name, std::span<const double> values);
  /// A float32 constant of rank 1.
  ValueId AddFloats(const std::string& name, std::span<const float> values);

  /// The graph without erased nodes and nodes nobody reads, in topological order; constants that
  /// nobody reads are let go.
  Graph Finish() &&;

 private:
  std::size_t At(ValueId id) const { return static_cast<std::size_t>(id); }
  void Forget(ValueId id, int reader);
  void EraseDead();

  Graph graph_;
  std::vector<int> producers_;
  std::vector<std::vector<int>> readers_;
  std::vector<bool> is_output_;
  std::vector<bool> erased_;
};

/// The elements of a float32 or float64 constant as doubles; empty if `id` is no such constant.
std::vector<double> ConstantDoubles(const Graph& graph, ValueId id);

}  // namespace visavis
