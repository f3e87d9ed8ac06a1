#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"

namespace visavis {
namespace {

// One output branch of a detector: convolution, perhaps a depthwise one behind it, then a transpose
// to channels last. Node indices.
struct Head {
  std::vector<int> convs;
  int transpose = -1;
  std::vector<int> shapes;  // Shape nodes that ask the last convolution for the batch only
};

bool IsPlain(const Graph& graph, const Node& conv) {
  return !IsQuantized(graph, conv) && conv.String("activation", "none") == "none" &&
         conv.inputs[kConvInScale] == kNoValue && conv.inputs[kConvBorder] == kNoValue &&
         conv.inputs[kConvResidual] == kNoValue;
}

const Shape& WeightShape(const Graph& graph, const Node& conv) {
  return graph.constant(conv.inputs[kConvWeights])->shape();
}

bool IsDepthwise(const Graph& graph, const Node& conv) {
  return WeightShape(graph, conv)[1] == 1 && GeometryOf(conv).group == WeightShape(graph, conv)[0];
}

// Whether everything that reads Shape node `shape` picks the batch extent.
bool AsksForBatchOnly(GraphEditor& editor, int shape) {
  const ValueId result = editor.node(shape).outputs[0];
  return !editor.is_output(result) && std::ranges::all_of(editor.readers(result), [&](int reader) {
    const Node& gather = editor.node(reader);
    const Tensor* index = editor.graph().constant(gather.input(1));
    return IsOnnx(gather, "Gather") && gather.Int("axis", 0) == 0 && index != nullptr &&
           index->dtype() == DType::kI64 && index->elements() == 1 &&
           index->data<std::int64_t>()[0] == 0;
  });
}

std::optional<bool> BatchThird(const Node& node) {
  if (!IsOnnx(node, "Transpose")) return std::nullopt;
  const auto* perm = node.Ints("perm");
  if (perm == nullptr) return std::nullopt;
  if (*perm == std::vector<std::int64_t>{0, 2, 3, 1}) return false;
  if (*perm == std::vector<std::int64_t>{2, 3, 0, 1}) return true;
  return std::nullopt;
}

std::optional<Head> HeadAt(GraphEditor& editor, int conv) {
  Head head;
  head.convs = {conv};
  const ValueId y = editor.node(conv).outputs[0];
  if (const int next = editor.SoleReader(y); next >= 0 && IsFused(editor.node(next), kFusedConv) &&
                                             editor.node(next).inputs[kConvX] == y &&
                                             IsPlain(editor.graph(), editor.node(next)) &&
                                             IsDepthwise(editor.graph(), editor.node(next))) {
    head.convs.push_back(next);
  }
  const ValueId last = editor.node(head.convs.back()).outputs[0];
  if (editor.is_output(last)) return std::nullopt;
  for (const int reader : editor.readers(last)) {
    if (IsOnnx(editor.node(reader), "Shape") && AsksForBatchOnly(editor, reader)) {
      head.shapes.push_back(reader);
    } else if (BatchThird(editor.node(reader)).has_value() && head.transpose < 0) {
      head.transpose = reader;
    } else {
      return std::nullopt;
    }
  }
  if (head.transpose < 0) return std::nullopt;
  return head;
}

// What heads must share to be computed together.
using HeadKey = std::vector<std::int64_t>;

HeadKey KeyOf(GraphEditor& editor, const Head& head) {
  HeadKey key{static_cast<std::int64_t>(head.convs.size()),
              *BatchThird(editor.node(head.transpose))};
  for (const int conv : head.convs) {
    const ConvGeometry g = GeometryOf(editor.node(conv));
    const Shape& weights = WeightShape(editor.graph(), editor.node(conv));
    key.insert(key.end(), {weights[2], weights[3], g.stride, g.dilation[0], g.dilation[1]});
    key.insert(key.end(), g.pad.begin(), g.pad.end());
  }
  return key;
}

std::vector<double> Joined(GraphEditor& editor, const std::vector<int>& convs, std::size_t input,
                           double fallback) {
  std::vector<double> all;
  for (const int conv : convs) {
    const Node& node = editor.node(conv);
    std::vector<double> own = ConstantDoubles(editor.graph(), node.inputs[input]);
    own.resize(static_cast<std::size_t>(WeightShape(editor.graph(), node)[0]), fallback);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

// One convolution of x whose output channels are those of `convs`, one behind the other; the first
// of them becomes it.
void Join(GraphEditor& editor, const std::vector<int>& convs, ValueId x) {
  const int first = convs[0];
  const std::string name = editor.graph().value(editor.node(first).outputs[0]).name;
  std::vector<float> weights;
  for (const int conv : convs) {
    const auto own = editor.graph().constant(editor.node(conv).inputs[kConvWeights])->data<float>();
    weights.insert(weights.end(), own.begin(), own.end());
  }
  const std::vector<double> bias = Joined(editor, convs, kConvBias, 0);
  const std::vector<double> scale = Joined(editor, convs, kConvOutScale, 1);
  Shape shape = WeightShape(editor.graph(), editor.node(first));
  shape[0] = static_cast<std::int64_t>(bias.size());
  editor.SetInput(first, kConvX, x);
  editor.SetInput(first, kConvWeights,
                  editor.AddConstant(name + "_weights", Tensor::From<float>(shape, weights)));
  editor.SetInput(first, kConvBias, editor.AddDoubles(name + "_bias", bias));
  editor.SetInput(first, kConvOutScale, editor.AddDoubles(name + "_out_scale", scale));
}

void Merge(GraphEditor& editor, const std::vector<Head>& heads) {
  std::vector<std::int64_t> begins{0};
  for (const Head& head : heads) {
    begins.push_back(begins.back() +
                     WeightShape(editor.graph(), editor.node(head.convs.back()))[0]);
  }
  ValueId value = editor.node(heads[0].convs[0]).inputs[kConvX];
  for (std::size_t level = 0; level < heads[0].convs.size(); ++level) {
    std::vector<int> convs;
    for (const Head& head : heads) convs.push_back(head.convs[level]);
    if (level > 0) {
      // Depthwise even where a single channel made it look dense.
      editor.node(convs[0]).attributes["group"] = begins.back();
    }
    Join(editor, convs, value);
    value = editor.node(convs[0]).outputs[0];
  }
  for (std::size_t i = 0; i < heads.size(); ++i) {
    Node& slice = editor.node(heads[i].transpose);
    slice.attributes = {{"batch_third", std::int64_t{*BatchThird(slice)}},
                        {"begin", begins[i]},
                        {"count", begins[i + 1] - begins[i]}};
    slice.op_type = kChannelsLastOp;
    slice.domain = kFusedDomain;
    editor.SetInput(heads[i].transpose, 0, value);
    for (const int shape : heads[i].shapes) editor.SetInput(shape, 0, value);
  }
}

}  // namespace

Graph MergeHeads(Graph graph) {
  GraphEditor editor(std::move(graph));
  const std::size_t values = editor.graph().values.size();
  for (std::size_t id = 0; id < values; ++id) {
    const auto x = static_cast<ValueId>(id);
    std::map<HeadKey, std::vector<Head>> groups;
    for (const int reader : editor.readers(x)) {
      const Node& node = editor.node(reader);
      if (!IsFused(node, kFusedConv) || node.inputs[kConvX] != x ||
          !IsPlain(editor.graph(), node) || GeometryOf(node).group != 1) {
        continue;
      }
      if (auto head = HeadAt(editor, reader)) groups[KeyOf(editor, *head)].push_back(*head);
    }
    for (const auto& [key, heads] : groups) {
      if (heads.size() > 1) Merge(editor, heads);
    }
  }
  return std::move(editor).Finish();
}

}  // namespace visavis
