// The network description of MXNet: `*-symbol.json`.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis::mxnet {

/// Output `output` of node `node`.
struct Edge {
  int node = 0;
  int output = 0;
};

/// One operator, or a variable (an input or a tensor of the .params file).
struct SymbolNode {
  std::string op;  ///< MXNet's name; "null" for a variable
  std::string name;
  std::map<std::string, std::string, std::less<>> attributes;
  std::vector<Edge> inputs;  ///< always earlier nodes

  bool is_variable() const { return op == "null"; }
};

/// Nodes in topological order.
struct Symbol {
  std::vector<SymbolNode> nodes;
  std::vector<Edge> heads;  ///< the outputs, in order
};

/// Reads a symbol file of any MXNet version (docs/formats/mxnet.md).
/// Errors: kCorruptData, kLimitExceeded.
Result<Symbol> ParseSymbol(std::span<const std::uint8_t> json, std::string_view where,
                           const Limits& limits);

}  // namespace visavis::mxnet
