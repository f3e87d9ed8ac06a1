#include "quantize/compact.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace visavis {
namespace {

// The operators whose attributes below have these defaults.
constexpr std::array<std::string_view, 4> kWindows{"Conv", "QLinearConv", "MaxPool", "AveragePool"};

bool IsAll(const std::vector<std::int64_t>* values, std::int64_t wanted) {
  return values != nullptr && std::ranges::all_of(*values, [&](auto v) { return v == wanted; });
}

void DropDefaults(Node& node) {
  if (!node.domain.empty() || std::ranges::find(kWindows, node.op_type) == kWindows.end()) return;
  const auto drop = [&](const char* name, std::int64_t by_default) {
    if (IsAll(node.Ints(name), by_default)) node.attributes.erase(name);
  };
  drop("dilations", 1);
  drop("strides", 1);
  drop("pads", 0);
  if (node.Int("group", 1) == 1) node.attributes.erase("group");
  // Of a convolution it is the shape of the weights.
  if (node.op_type.ends_with("Conv")) node.attributes.erase("kernel_shape");
}

// Zero points mostly, and scales if they are portable.
void ShareScalars(Graph& graph) {
  std::map<std::tuple<DType, std::size_t, std::string>, ValueId> first;
  const auto shared = [&](ValueId id) {
    const Tensor* constant = graph.constant(id);
    if (constant == nullptr || constant->elements() != 1) return id;
    const std::string bytes(static_cast<const char*>(constant->raw()), constant->size_bytes());
    const std::size_t rank = static_cast<std::size_t>(constant->shape().rank());
    return first.try_emplace({constant->dtype(), rank, bytes}, id).first->second;
  };
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) id = shared(id);
  }
}

void ShortenNames(Graph& graph) {
  std::vector<bool> used(graph.values.size(), false);
  const auto use = [&](const std::vector<ValueId>& ids) {
    for (const ValueId id : ids) {
      if (id != kNoValue) used[static_cast<std::size_t>(id)] = true;
    }
  };
  for (const Node& node : graph.nodes) {
    use(node.inputs);
    use(node.outputs);
  }
  std::set<std::string, std::less<>> taken;
  for (const auto* ports : {&graph.inputs, &graph.outputs}) {
    for (const ValueId id : *ports) {
      taken.insert(graph.value(id).name);
      used[static_cast<std::size_t>(id)] = false;
    }
  }
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  std::size_t next = 0;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    Value& value = graph.values[i];
    if (!used[i]) {
      if (!taken.contains(value.name)) value.name.clear();
      continue;
    }
    std::string name;
    do {
      name.clear();
      for (std::size_t number = ++next; number > 0; number = (number - 1) / kLetters.size()) {
        name += kLetters[(number - 1) % kLetters.size()];
      }
    } while (taken.contains(name));
    value.name = name;
  }
}

}  // namespace

void MakeCompact(Graph& graph) {
  for (Node& node : graph.nodes) DropDefaults(node);
  ShareScalars(graph);
  ShortenNames(graph);
}

}  // namespace visavis
