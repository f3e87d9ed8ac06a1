#include "model/rewrite/input.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/onnx/onnx_import.h"

namespace visavis {
namespace {

Result<ValueId> OnlyImage(const Graph& graph, const char* what) {
  if (graph.inputs.size() == 1) {
    const Value& input = graph.value(graph.inputs[0]);
    if (input.dtype == DType::kF32 && input.shape && input.shape->size() == 4) {
      return graph.inputs[0];
    }
  }
  return MakeError(ErrorCode::kUnsupported, "{}: want one float32 input N x C x H x W", what);
}

// Places of the channels when each group of three is turned round.
std::vector<std::int64_t> Reversed(std::int64_t channels) {
  std::vector<std::int64_t> order;
  for (std::int64_t c = 0; c < channels; ++c) order.push_back(c - c % 3 + 2 - c % 3);
  return order;
}

// All readers of the input read what `chain` makes of it.
Graph WithBehindInput(Graph graph, ValueId input, std::vector<Node> chain) {
  const ValueId last = chain.back().outputs[0];
  for (Node& node : graph.nodes) std::ranges::replace(node.inputs, input, last);
  std::ranges::replace(graph.outputs, input, last);
  graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(chain.begin()),
                     std::make_move_iterator(chain.end()));
  return graph;
}

std::string UnusedName(const Graph& graph, const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; graph.FindValue(name) != kNoValue; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

// A copy of weights [M,C,...] with input channel c at place order[c].
Tensor WithChannels(const Tensor& weights, const std::vector<std::int64_t>& order) {
  Tensor result = Tensor::Uninitialized(DType::kF32, weights.shape());
  const auto channels = static_cast<std::size_t>(weights.shape()[1]);
  const auto filters = static_cast<std::size_t>(weights.shape()[0]);
  const std::size_t step = weights.data<float>().size() / filters / channels;
  for (std::size_t m = 0; m < filters; ++m) {
    for (std::size_t c = 0; c < channels; ++c) {
      const auto from = static_cast<std::size_t>(order[c]);
      std::memcpy(result.data<float>().data() + (m * channels + c) * step,
                  weights.data<float>().data() + (m * channels + from) * step,
                  step * sizeof(float));
    }
  }
  return result;
}

// Constants along axis 1 with the channels in `order`; [1,C,1,1] and [C].
Tensor ReorderedVector(const Tensor& tensor, const std::vector<std::int64_t>& order) {
  Tensor result = tensor.Clone();
  for (std::size_t c = 0; c < order.size(); ++c) {
    result.data<float>()[c] = tensor.data<float>()[static_cast<std::size_t>(order[c])];
  }
  return result;
}

bool IsPadOfImage(const Graph& graph, const Node& node) {
  if (!IsOnnx(node, "Pad") || node.input(3) != kNoValue) return false;
  std::vector<std::int64_t> pads;
  if (const auto* attribute = node.Ints("pads")) pads = *attribute;
  if (const Tensor* input = graph.constant(node.input(1)); input && input->dtype() == DType::kI64) {
    pads.assign(input->data<std::int64_t>().begin(), input->data<std::int64_t>().end());
  }
  return pads.size() == 8 && pads[1] == 0 && pads[5] == 0;
}

Result<Graph> ReverseByWeights(Graph graph, ValueId input, std::int64_t channels) {
  const std::vector<std::int64_t> order = Reversed(channels);
  GraphEditor editor(std::move(graph));
  std::vector<ValueId> todo{input};
  std::set<ValueId> reversed{input};
  while (!todo.empty()) {
    const ValueId value = todo.back();
    todo.pop_back();
    if (editor.is_output(value)) {
      return MakeError(ErrorCode::kUnsupported, "reverse channels: '{}' is an output",
                       editor.graph().value(value).name);
    }
    const auto span = editor.readers(value);
    const std::vector<int> readers(span.begin(), span.end());
    for (const int reader : readers) {
      const Node& node = editor.node(reader);
      const auto refuse = [&] {
        return MakeError(ErrorCode::kUnsupported,
                         "reverse channels: node {}: reads the input channels; only Conv and maps "
                         "per channel can be turned (use the Gather)",
                         editor.graph().Describe(node));
      };
      const Tensor* weights = editor.graph().constant(node.input(1));
      if (IsOnnx(node, "Conv") && node.input(0) == value && node.Int("group", 1) == 1 &&
          weights != nullptr && weights->dtype() == DType::kF32 && weights->shape().rank() >= 2 &&
          weights->shape()[1] == channels) {
        const std::string name = editor.graph().value(node.inputs[1]).name;
        editor.SetInput(reader, 1,
                        editor.AddConstant(name + "_reversed", WithChannels(*weights, order)));
        continue;
      }
      const auto affine = AsChannelAffine(editor.graph(), node, 4);
      // A Pad of height and width treats all channels alike.
      const bool identity = IsOnnx(node, "Identity") || IsPadOfImage(editor.graph(), node);
      if (identity && node.outputs.size() == 1) {
        if (reversed.insert(node.outputs[0]).second) todo.push_back(node.outputs[0]);
        continue;
      }
      if (!affine || affine->x != value || node.outputs.size() != 1) return refuse();
      for (std::size_t slot = 0; slot < editor.node(reader).inputs.size(); ++slot) {
        const Tensor* constant = editor.graph().constant(editor.node(reader).inputs[slot]);
        if (constant == nullptr || constant->elements() == 1) continue;
        if (constant->dtype() != DType::kF32 || constant->elements() != channels) return refuse();
        const std::string name = editor.graph().value(editor.node(reader).inputs[slot]).name;
        Tensor turned = ReorderedVector(*constant, order);
        editor.SetInput(reader, slot, editor.AddConstant(name + "_reversed", std::move(turned)));
      }
      const ValueId output = editor.node(reader).outputs[0];
      if (reversed.insert(output).second) todo.push_back(output);
    }
  }
  return std::move(editor).Finish();
}

// The chain of per-channel maps behind the input, each the only reader of the one before.
struct InputMaps {
  std::vector<int> nodes;
  ValueId result = kNoValue;
  std::vector<double> scale{1};
  std::vector<double> shift{0};
};

std::vector<double> Combined(const std::vector<double>& a, const std::vector<double>& b,
                             auto&& combine) {
  std::vector<double> result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = combine(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
  }
  return result;
}

std::optional<InputMaps> FindInputMaps(GraphEditor& editor, ValueId input) {
  InputMaps maps;
  maps.result = input;
  for (;;) {
    const int reader = editor.SoleReader(maps.result);
    if (reader < 0) break;
    const Node& node = editor.node(reader);
    if (IsOnnx(node, "Identity") && node.outputs.size() == 1) {
      maps.nodes.push_back(reader);
      maps.result = node.outputs[0];
      continue;
    }
    // BatchNormalization with learnt numbers is a layer, not a normalisation of pixels.
    if (node.op_type == "BatchNormalization") break;
    const auto affine = AsChannelAffine(editor.graph(), node, 4);
    if (!affine || affine->x != maps.result) break;
    if (std::ranges::any_of(affine->scale, [](double s) { return s == 0; })) break;
    const auto times = [](double a, double b) { return a * b; };
    maps.shift = Combined(Combined(maps.shift, affine->scale, times), affine->shift,
                          [](double a, double b) { return a + b; });
    maps.scale = Combined(maps.scale, affine->scale, times);
    maps.nodes.push_back(reader);
    maps.result = node.outputs[0];
  }
  const bool only_identities = std::ranges::all_of(
      maps.nodes, [&](int index) { return IsOnnx(editor.node(index), "Identity"); });
  if (maps.nodes.empty() || only_identities) return std::nullopt;
  return maps;
}

InputNormalization NormalizationOf(const InputMaps& maps) {
  return {Combined(maps.shift, maps.scale, [](double b, double a) { return b == 0 ? 0 : -b / a; }),
          maps.scale};
}

Error NoNormalization() {
  return MakeError(ErrorCode::kUnsupported,
                   "normalization: the input does not go through Sub, Mul, Add or Div alone");
}

}  // namespace

Result<Graph> ReverseInputChannels(Graph graph, ReverseBy by) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId input, OnlyImage(graph, "reverse channels"));
  const std::int64_t channels = (*graph.value(input).shape)[1].extent;
  if (channels < 3 || channels % 3 != 0) {
    return MakeError(ErrorCode::kUnsupported,
                     "reverse channels: input '{}' has {} channels, want a multiple of 3",
                     graph.value(input).name,
                     channels < 0 ? "an unknown number of" : std::to_string(channels));
  }
  if (by == ReverseBy::kWeights) return ReverseByWeights(std::move(graph), input, channels);
  const std::string name = UnusedName(graph, graph.value(input).name + "_reversed");
  const std::vector<std::int64_t> order = Reversed(channels);
  const ValueId indices =
      graph.AddConstant(name + "_order", Tensor::From<std::int64_t>(Shape{channels}, order));
  const ValueId reversed = graph.AddValue(name);
  Node gather{name, "Gather", "", {input, indices}, {reversed}, {{"axis", std::int64_t{1}}}};
  return WithBehindInput(std::move(graph), input, {std::move(gather)});
}

Result<Graph> PutNormalizationIn(Graph graph, const InputNormalization& normalization) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId input, OnlyImage(graph, "normalization"));
  const std::int64_t channels = (*graph.value(input).shape)[1].extent;
  const auto check = [&](const std::vector<double>& values, const char* what) -> Status {
    const bool finite = std::ranges::all_of(values, [](double v) { return std::isfinite(v); });
    if (finite && (values.size() == 1 || std::ssize(values) == channels)) return {};
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} numbers, want 1 or {}, all finite", what,
                     values.size(), channels);
  };
  VISAVIS_RETURN_IF_ERROR(check(normalization.mean, "mean"));
  VISAVIS_RETURN_IF_ERROR(check(normalization.scale, "scale"));
  std::vector<Node> chain;
  ValueId value = input;
  const auto add = [&](const char* op, const char* suffix, const std::vector<double>& numbers,
                       double neutral) {
    if (std::ranges::all_of(numbers, [&](double v) { return v == neutral; })) return;
    const std::string name =
        UnusedName(graph, fmt::format("{}_{}", graph.value(input).name, suffix));
    const std::vector<float> floats(numbers.begin(), numbers.end());
    const Shape shape = floats.size() == 1 ? Shape{} : Shape{1, std::ssize(floats), 1, 1};
    const ValueId constant = graph.AddConstant(name + "_value", Tensor::From<float>(shape, floats));
    const ValueId result = graph.AddValue(name);
    chain.push_back(Node{name, op, "", {value, constant}, {result}, {}});
    value = result;
  };
  add("Sub", "minus_mean", normalization.mean, 0);
  add("Mul", "times_scale", normalization.scale, 1);
  if (chain.empty()) return graph;
  return WithBehindInput(std::move(graph), input, std::move(chain));
}

std::optional<InputNormalization> NormalizationIn(const Graph& graph) {
  const Result<ValueId> input = OnlyImage(graph, "normalization");
  if (!input) return std::nullopt;
  GraphEditor editor(graph);
  const std::optional<InputMaps> maps = FindInputMaps(editor, *input);
  return maps ? std::optional(NormalizationOf(*maps)) : std::nullopt;
}

Result<Graph> TakeNormalizationOut(Graph graph, InputNormalization* taken) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId input, OnlyImage(graph, "normalization"));
  GraphEditor editor(std::move(graph));
  const std::optional<InputMaps> maps = FindInputMaps(editor, input);
  if (!maps || editor.is_output(maps->result)) return NoNormalization();
  if (taken != nullptr) *taken = NormalizationOf(*maps);
  editor.Redirect(maps->result, input);
  // The redirected readers make the maps dead; Finish drops them.
  return std::move(editor).Finish();
}

Result<Graph> FoldNormalization(Graph graph) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId input, OnlyImage(graph, "normalization"));
  GraphEditor editor(std::move(graph));
  const std::optional<InputMaps> maps = FindInputMaps(editor, input);
  if (!maps) return NoNormalization();
  const int index = editor.SoleReader(maps->result);
  const Tensor* weights =
      index < 0 ? nullptr : editor.graph().constant(editor.node(index).input(1));
  if (weights == nullptr || !IsOnnx(editor.node(index), "Conv") ||
      weights->dtype() != DType::kF32 || weights->shape().rank() != 4 ||
      editor.node(index).Int("group", 1) != 1 ||
      (editor.node(index).input(2) != kNoValue &&
       ConstantDoubles(editor.graph(), editor.node(index).input(2)).empty())) {
    return MakeError(ErrorCode::kUnsupported,
                     "fold normalization: '{}' is not read by one Conv with constant weights",
                     editor.graph().value(maps->result).name);
  }
  const Node conv = editor.node(index);
  const auto filters = static_cast<std::size_t>(weights->shape()[0]);
  const auto channels = static_cast<std::size_t>(weights->shape()[1]);
  const auto taps = static_cast<std::size_t>(weights->shape()[2] * weights->shape()[3]);
  const ChannelAffine affine{input, maps->scale, maps->shift};
  if (!affine.Fits(channels)) return NoNormalization();

  const std::vector<std::int64_t>* pads = conv.Ints("pads");
  const bool padded =
      conv.String("auto_pad", "NOTSET").starts_with("SAME") ||
      (pads != nullptr && std::ranges::any_of(*pads, [](auto p) { return p != 0; }));
  const std::vector<double> border = NormalizationOf(*maps).mean;
  if (padded) {
    if (pads == nullptr || std::ranges::any_of(border, [&](double b) { return b != border[0]; })) {
      return MakeError(ErrorCode::kUnsupported,
                       "fold normalization: node {}: pads, and what stands for 0 differs between "
                       "channels or the padding is automatic",
                       editor.graph().Describe(conv));
    }
  }
  Tensor scaled = weights->Clone();
  std::vector<double> bias = ConstantDoubles(editor.graph(), conv.input(2));
  bias.resize(filters, 0);
  for (std::size_t m = 0; m < filters; ++m) {
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t t = 0; t < taps; ++t) {
        float& w = scaled.data<float>()[(m * channels + c) * taps + t];
        bias[m] += w * affine.ShiftAt(c);
        w = static_cast<float>(w * affine.ScaleAt(c));
      }
    }
  }
  const std::string name = editor.graph().value(conv.inputs[1]).name;
  editor.SetInput(index, 1, editor.AddConstant(name + "_normalizing", std::move(scaled)));
  editor.SetInput(
      index, 2,
      editor.AddFloats(name + "_normalizing_bias", std::vector<float>(bias.begin(), bias.end())));
  editor.Redirect(maps->result, input);
  if (!padded || border[0] == 0) return std::move(editor).Finish();

  // ONNX lists begins, then ends, over all axes.
  std::vector<std::int64_t> all{0, 0, (*pads)[0], (*pads)[1], 0, 0, (*pads)[2], (*pads)[3]};
  editor.node(index).attributes["pads"] = std::vector<std::int64_t>(4, 0);
  Graph folded = std::move(editor).Finish();
  const std::string pad_name = UnusedName(folded, folded.value(input).name + "_padded");
  Node pad{pad_name, "Pad", "", {input}, {folded.AddValue(pad_name)}, {}};
  const auto value = static_cast<float>(border[0]);
  if (folded.opset < 11) {
    pad.attributes["pads"] = all;
    pad.attributes["value"] = value;
  } else {
    pad.inputs.push_back(
        folded.AddConstant(pad_name + "_pads", Tensor::From<std::int64_t>(Shape{8}, all)));
    pad.inputs.push_back(folded.AddConstant(pad_name + "_value",
                                            Tensor::From<float>(Shape{}, std::span(&value, 1))));
  }
  for (Node& node : folded.nodes) std::ranges::replace(node.inputs, input, pad.outputs[0]);
  folded.nodes.insert(folded.nodes.begin(), std::move(pad));
  return folded;
}

}  // namespace visavis
