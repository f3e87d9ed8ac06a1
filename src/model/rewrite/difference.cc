#include "model/rewrite/difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <map>

namespace visavis {
namespace {

std::string Key(const Graph& graph, const Node& node) {
  if (!node.name.empty()) return node.name;
  if (node.outputs.empty() || node.outputs[0] == kNoValue) return "";
  return graph.value(node.outputs[0]).name;
}

std::string TextOf(const std::optional<std::vector<Dim>>& shape) {
  if (!shape) return "?";
  std::vector<std::string> extents;
  for (const Dim& dim : *shape) {
    extents.push_back(dim.known() ? std::to_string(dim.extent)
                                  : (dim.symbol.empty() ? "?" : dim.symbol));
  }
  return fmt::format("[{}]", fmt::join(extents, ","));
}

std::string Label(const Graph& graph, const Node& node) {
  return fmt::format("{} ({})", Key(graph, node), node.op_type);
}

std::string TextOf(const Attribute& attribute) {
  struct Writer {
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(float v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(const std::vector<std::int64_t>& v) const {
      return fmt::format("[{}]", fmt::join(v, ","));
    }
    std::string operator()(const std::vector<float>& v) const {
      return fmt::format("[{}]", fmt::join(v, ","));
    }
    std::string operator()(const std::vector<std::string>& v) const {
      return fmt::format("[{}]", fmt::join(v, ","));
    }
    std::string operator()(const std::shared_ptr<const Tensor>& v) const {
      return fmt::format("{} {}", Name(v->dtype()), v->shape().ToString());
    }
  };
  return std::visit(Writer{}, attribute);
}

std::string TextOfInput(const Graph& graph, ValueId id) {
  if (id == kNoValue) return "none";
  const Tensor* constant = graph.constant(id);
  if (constant == nullptr) return graph.value(id).name;
  return fmt::format("{} {} {}", graph.value(id).name, Name(constant->dtype()),
                     constant->shape().ToString());
}

bool SameInput(const Graph& before, ValueId a, const Graph& after, ValueId b) {
  const Tensor* x = before.constant(a);
  const Tensor* y = after.constant(b);
  if (x == y && x != nullptr) return true;
  if (x != nullptr && y != nullptr) {
    return x->dtype() == y->dtype() && x->shape() == y->shape() &&
           (x->size_bytes() == 0 || std::memcmp(x->raw(), y->raw(), x->size_bytes()) == 0);
  }
  return TextOfInput(before, a) == TextOfInput(after, b);
}

std::vector<std::string> NodeChanges(const Graph& before, const Node& a, const Graph& after,
                                     const Node& b) {
  std::vector<std::string> changes;
  if (a.op_type != b.op_type) changes.push_back(fmt::format("becomes {}", b.op_type));
  for (const auto& [name, value] : a.attributes) {
    const auto it = b.attributes.find(name);
    if (it == b.attributes.end()) {
      changes.push_back(fmt::format("attribute {}={} goes", name, TextOf(value)));
    } else if (TextOf(it->second) != TextOf(value)) {
      changes.push_back(fmt::format("{}: {} -> {}", name, TextOf(value), TextOf(it->second)));
    }
  }
  for (const auto& [name, value] : b.attributes) {
    if (!a.Has(name)) changes.push_back(fmt::format("attribute {}={} comes", name, TextOf(value)));
  }
  for (std::size_t i = 0; i < std::max(a.inputs.size(), b.inputs.size()); ++i) {
    if (SameInput(before, a.input(i), after, b.input(i))) continue;
    changes.push_back(fmt::format("input {}: {} -> {}", i, TextOfInput(before, a.input(i)),
                                  TextOfInput(after, b.input(i))));
  }
  return changes;
}

void ComparePorts(const char* what, const Graph& before, const std::vector<ValueId>& a,
                  const Graph& after, const std::vector<ValueId>& b,
                  std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const auto text = [](const Graph& graph, const std::vector<ValueId>& ids, std::size_t k) {
      if (k >= ids.size()) return std::string("none");
      const Value& value = graph.value(ids[k]);
      return fmt::format("{} {}", value.name, TextOf(value.shape));
    };
    const std::string was = text(before, a, i);
    const std::string is = text(after, b, i);
    if (was != is) lines.push_back(fmt::format("~ {} {}: {} -> {}", what, i, was, is));
  }
}

}  // namespace

std::vector<std::string> Differences(const Graph& before, const Graph& after) {
  std::vector<std::string> lines;
  if (before.opset != after.opset) {
    lines.push_back(fmt::format("~ operator set: {} -> {}", before.opset, after.opset));
  }
  ComparePorts("input", before, before.inputs, after, after.inputs, lines);
  std::map<std::string, const Node*> remaining;
  for (const Node& node : after.nodes) remaining.emplace(Key(after, node), &node);
  for (const Node& node : before.nodes) {
    const auto it = remaining.find(Key(before, node));
    if (it == remaining.end()) {
      lines.push_back("- " + Label(before, node));
      continue;
    }
    const std::vector<std::string> changes = NodeChanges(before, node, after, *it->second);
    if (!changes.empty()) {
      lines.push_back(fmt::format("~ {}: {}", Label(before, node), fmt::join(changes, "; ")));
    }
    remaining.erase(it);
  }
  for (const Node& node : after.nodes) {
    const auto it = remaining.find(Key(after, node));
    if (it != remaining.end() && it->second == &node) lines.push_back("+ " + Label(after, node));
  }
  ComparePorts("output", before, before.outputs, after, after.outputs, lines);
  return lines;
}

}  // namespace visavis
