#include "doctor/input_chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace visavis {
namespace {

using PerChannel = std::array<double, 3>;

// One number for all channels, or one for each of three.
std::optional<PerChannel> ConstantPerChannel(const Tensor* tensor) {
  if (tensor == nullptr || tensor->dtype() != DType::kF32) return std::nullopt;
  const std::span<const float> values = tensor->data<float>();
  if (values.size() == 1) return PerChannel{values[0], values[0], values[0]};
  const Shape& shape = tensor->shape();
  const bool of_channels =
      values.size() == 3 && shape.rank() >= 3 && shape[static_cast<int>(shape.rank()) - 3] == 3;
  if (!of_channels) return std::nullopt;
  return PerChannel{values[0], values[1], values[2]};
}

std::string Numbers(const PerChannel& numbers) {
  if (numbers[0] == numbers[1] && numbers[1] == numbers[2])
    return fmt::format("{:.7g}", numbers[0]);
  return fmt::format("[{:.7g}, {:.7g}, {:.7g}]", numbers[0], numbers[1], numbers[2]);
}

// x -> factor x + shift.
struct Line {
  PerChannel factor{1, 1, 1};
  PerChannel shift{};
};

std::optional<Line> LineOf(const Graph& graph, const Node& node, ValueId input) {
  if (node.inputs.size() != 2) return std::nullopt;
  const bool first = node.inputs[0] == input;
  const std::optional<PerChannel> constant =
      ConstantPerChannel(graph.constant(node.inputs[first ? 1 : 0]));
  if (!constant) return std::nullopt;
  Line line;
  for (std::size_t c = 0; c < 3; ++c) {
    const double k = (*constant)[c];
    if (node.op_type == "Add") {
      line.shift[c] = k;
    } else if (node.op_type == "Sub") {
      line.factor[c] = first ? 1 : -1;
      line.shift[c] = first ? -k : k;
    } else if (node.op_type == "Mul") {
      line.factor[c] = k;
    } else if (node.op_type == "Div" && first && k != 0) {
      line.factor[c] = 1 / k;
    } else {
      return std::nullopt;
    }
  }
  return line;
}

bool ReversesChannels(const Graph& graph, const Node& node) {
  if (node.op_type != "Gather" || node.inputs.size() != 2 || node.Int("axis", 0) != 1) return false;
  const Tensor* indices = graph.constant(node.inputs[1]);
  if (indices == nullptr || indices->dtype() != DType::kI64) return false;
  return std::ranges::equal(indices->data<std::int64_t>(), std::array<std::int64_t, 3>{2, 1, 0});
}

}  // namespace

InputChain ReadInputChain(const Graph& graph) {
  InputChain chain;
  if (graph.inputs.size() != 1) return chain;
  Line total;
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  ValueId at = graph.inputs[0];
  for (std::size_t guard = 0; guard < graph.nodes.size(); ++guard) {
    const std::vector<int>& readers = consumers[static_cast<std::size_t>(at)];
    if (readers.size() != 1) break;
    const Node& node = graph.nodes[static_cast<std::size_t>(readers[0])];
    if (node.outputs.empty() || node.outputs[0] == kNoValue) break;
    const bool passes =
        node.op_type == "Identity" || node.op_type == "Dropout" || node.op_type == "Cast";
    if (ReversesChannels(graph, node)) {
      chain.steps.push_back("Gather [2, 1, 0]");
      chain.reversed = !chain.reversed;
    } else if (!passes) {
      const std::optional<Line> line = LineOf(graph, node, at);
      if (!line) break;
      const Tensor* constant = graph.constant(node.inputs[node.inputs[0] == at ? 1 : 0]);
      chain.steps.push_back(node.op_type + " " + Numbers(*ConstantPerChannel(constant)));
      if (node.op_type == "Sub" || node.op_type == "Add") ++chain.subtractions;
      if (node.op_type == "Mul" || node.op_type == "Div") ++chain.scalings;
      for (std::size_t c = 0; c < 3; ++c) {
        const std::size_t of_input = chain.reversed ? 2 - c : c;
        total.shift[of_input] = line->factor[c] * total.shift[of_input] + line->shift[c];
        total.factor[of_input] *= line->factor[c];
      }
    }
    at = node.outputs[0];
  }
  for (std::size_t c = 0; c < 3; ++c) {
    chain.scale[c] = total.factor[c];
    chain.mean[c] =
        total.factor[c] != 0 && total.shift[c] != 0 ? -total.shift[c] / total.factor[c] : 0.0;
  }
  return chain;
}

std::string NormalisationText(const std::array<double, 3>& mean,
                              const std::array<double, 3>& scale) {
  const auto is = [](const PerChannel& numbers, double value) {
    return std::all_of(numbers.begin(), numbers.end(), [&](double v) { return v == value; });
  };
  if (is(mean, 0) && is(scale, 1)) return "raw pixels 0..255";
  return fmt::format("(pixel - {}) x {}", Numbers(mean), Numbers(scale));
}

}  // namespace visavis
