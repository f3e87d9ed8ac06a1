#include "model/mxnet/symbol.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "json/parse.h"

namespace visavis::mxnet {
namespace {

using Json = nlohmann::json;

// A symbol holds names and short attribute strings; ResNet-200 takes 0.5 MB. Each subgraph of a
// loop or condition lies five levels below its node.
constexpr JsonLimits kJsonLimits{.bytes = std::size_t{64} << 20, .depth = 64};

const Json* Member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}

std::optional<int> AsIndex(const Json& json) {
  if (!json.is_number_integer()) return std::nullopt;
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<int>::max()) {
    return std::nullopt;
  }
  const auto value = json.get<std::int64_t>();
  if (value < 0 || value > std::numeric_limits<int>::max()) return std::nullopt;
  return static_cast<int>(value);
}

// [node, output] or [node, output, version]; `limit` nodes may be referred to.
Result<Edge> ParseEdge(const Json& json, int limit, std::string_view where, std::string_view what) {
  if (json.is_array() && json.size() >= 2) {
    const std::optional<int> node = AsIndex(json[0]);
    const std::optional<int> output = AsIndex(json[1]);
    if (node && output && *node < limit) return Edge{*node, *output};
  }
  return MakeError(ErrorCode::kCorruptData,
                   "{}: {}: found a malformed edge, want [node, output] with node < {}", where,
                   what, limit);
}

// "attrs" since 1.0, "attr" and "param" before; a node may carry two of them. Attributes with
// leading underscores steer training only.
void ReadAttributes(const Json& json, SymbolNode& node) {
  for (const char* key : {"param", "attr", "attrs"}) {
    const Json* attributes = Member(json, key);
    if (attributes == nullptr || !attributes->is_object()) continue;
    for (const auto& [name, value] : attributes->items()) {
      if (name.starts_with("__")) continue;
      if (value.is_string()) {
        node.attributes[name] = value.get<std::string>();
      } else if (value.is_number() || value.is_boolean()) {
        node.attributes[name] = value.dump();
      }
    }
  }
}

Result<SymbolNode> ParseNode(const Json& json, int index, std::string_view where) {
  const Json* op = Member(json, "op");
  const Json* name = Member(json, "name");
  if (op == nullptr || !op->is_string() || name == nullptr || !name->is_string()) {
    return MakeError(ErrorCode::kCorruptData, "{}: node {}: want strings 'op' and 'name'", where,
                     index);
  }
  SymbolNode node;
  node.op = op->get<std::string>();
  node.name = name->get<std::string>();
  ReadAttributes(json, node);
  if (const Json* inputs = Member(json, "inputs"); inputs != nullptr && inputs->is_array()) {
    for (const Json& input : *inputs) {
      VISAVIS_ASSIGN_OR_RETURN(const Edge edge, ParseEdge(input, index, where, node.name));
      node.inputs.push_back(edge);
    }
  }
  if (node.is_variable() && !node.inputs.empty()) {
    return MakeError(ErrorCode::kCorruptData, "{}: variable {}: has inputs, want none", where,
                     node.name);
  }
  return node;
}

}  // namespace

Result<Symbol> ParseSymbol(std::span<const std::uint8_t> text, std::string_view where,
                           const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(
      const Json json,
      ParseJson({reinterpret_cast<const char*>(text.data()), text.size()}, where, kJsonLimits));
  const Json* nodes = Member(json, "nodes");
  const Json* heads = Member(json, "heads");
  if (nodes == nullptr || !nodes->is_array() || heads == nullptr || !heads->is_array() ||
      heads->empty()) {
    return MakeError(ErrorCode::kCorruptData,
                     "{}: no 'nodes' or no 'heads' array, want an MXNet symbol", where);
  }
  if (static_cast<std::int64_t>(nodes->size()) > limits.graph_nodes) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: symbol has {} nodes, limit {}", where,
                     nodes->size(), limits.graph_nodes);
  }
  Symbol symbol;
  for (const Json& node : *nodes) {
    VISAVIS_ASSIGN_OR_RETURN(SymbolNode parsed,
                             ParseNode(node, static_cast<int>(symbol.nodes.size()), where));
    symbol.nodes.push_back(std::move(parsed));
  }
  for (const Json& head : *heads) {
    VISAVIS_ASSIGN_OR_RETURN(
        const Edge edge, ParseEdge(head, static_cast<int>(symbol.nodes.size()), where, "heads"));
    symbol.heads.push_back(edge);
  }
  return symbol;
}

}  // namespace visavis::mxnet
