// What shapes and element types the values of a graph will have.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// What is known about a value before anything runs.
struct InferredValue {
  std::optional<DType> dtype;
  std::optional<std::vector<Dim>> shape;  ///< absent: not even the rank is known
  /// Elements of a short integer tensor that takes part in shape arithmetic; unknown ones absent.
  std::optional<std::vector<std::optional<std::int64_t>>> integers;

  /// The shape if every extent is known.
  std::optional<Shape> StaticShape() const;
};

/// For each value of `graph`, what follows from the shapes of its inputs and the semantics of its
/// operators at the graph's opset. `input_shapes`, by name, replace what the graph declares.
/// Whatever an unknown or malformed operator gives stays unknown: inference never fails. Symbols
/// such as "N" are carried along where an operator keeps an extent.
/// Threads: pure.
std::vector<InferredValue> InferShapes(const Graph& graph,
                                       const std::map<std::string, Shape>& input_shapes = {});

}  // namespace visavis
