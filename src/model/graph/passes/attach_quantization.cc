#include <algorithm>
#include <utility>

#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/epilogue_node.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/passes/passes.h"
#include "model/graph/passes/quantization.h"
#include "model/graph/passes/symbolic_shape.h"

namespace visavis {
namespace {

using Shapes = std::vector<std::optional<SymbolicShape>>;

class Attacher {
 public:
  explicit Attacher(Graph graph) : shapes_(InferSymbolicShapes(graph)), editor_(std::move(graph)) {}

  Graph Run() && {
    const int count = editor_.node_count();
    for (int i = 0; i < count; ++i) {
      if (IsQuantConv(i)) AttachTo(i);
    }
    for (int i = 0; i < count; ++i) {
      if (!editor_.erased(i)) MakeMap(i);
    }
    return std::move(editor_).Finish();
  }

 private:
  bool IsQuantConv(int index) {
    return !editor_.erased(index) && IsFused(editor_.node(index), kFusedConv) &&
           IsQuantized(editor_.graph(), editor_.node(index));
  }

  // The quantization of node `index` if it is a QuantizeLinear.
  std::optional<Quantization> Quantizes(int index) {
    if (index < 0 || editor_.erased(index) || !IsOnnx(editor_.node(index), "QuantizeLinear")) {
      return std::nullopt;
    }
    return QuantizationOf(editor_.graph(), editor_.node(index));
  }
  // The same of the DequantizeLinear of a value computed at run time.
  std::optional<Quantization> Dequantizes(int index) {
    if (index < 0 || editor_.erased(index) || !IsOnnx(editor_.node(index), "DequantizeLinear") ||
        editor_.graph().constant(editor_.node(index).input(0)) != nullptr) {
      return std::nullopt;
    }
    return QuantizationOf(editor_.graph(), editor_.node(index));
  }

  void AttachTo(int conv) {
    const ValueId residual = editor_.node(conv).inputs[kConvResidual];
    if (residual != kNoValue) {
      const int dequantize = editor_.producer(residual);
      if (const auto quantization = Dequantizes(dequantize)) {
        SetQuantization(editor_.node(conv), "residual", *quantization);
        editor_.SetInput(conv, kConvResidual, editor_.node(dequantize).inputs[0]);
      }
    }
    if (!GetQuantization(editor_.node(conv), "out").has_value()) {
      const int reader = editor_.SoleReader(editor_.node(conv).outputs[0]);
      if (const auto quantization = Quantizes(reader)) {
        SetQuantization(editor_.node(conv), "out", *quantization);
        editor_.Absorb(conv, reader);
      }
    }
    AttachCopy(conv);
  }

  // Another quantization of the result, which lives on itself (a residual stream): behind an affine
  // map or at once. A result that is quantized already is read through its DequantizeLinear.
  void AttachCopy(int conv) {
    const ValueId y = editor_.node(conv).outputs[0];
    const auto out = GetQuantization(editor_.node(conv), "out");
    const std::vector<int> readers(editor_.readers(y).begin(), editor_.readers(y).end());
    for (const int reader : readers) {
      if (!out.has_value()) {
        if (AttachCopyOf(conv, y, reader)) return;
      } else if (Dequantizes(reader) == out) {
        const ValueId real = editor_.node(reader).outputs[0];
        for (const int next :
             std::vector<int>(editor_.readers(real).begin(), editor_.readers(real).end())) {
          if (AttachCopyOf(conv, real, next)) return;
        }
      }
    }
  }

  bool AttachCopyOf(int conv, ValueId real, int reader) {
    const auto channels = static_cast<std::size_t>(
        editor_.graph().constant(editor_.node(conv).inputs[kConvWeights])->shape()[0]);
    std::vector<double> scale(channels, 1.0);
    std::vector<double> shift(channels, 0.0);
    int quantize = reader;
    const auto affine = AsChannelAffine(editor_.graph(), editor_.node(reader), 4);
    if (affine.has_value()) {
      if (affine->x != real || !affine->Fits(channels)) return false;
      quantize = editor_.SoleReader(editor_.node(reader).outputs[0]);
      for (std::size_t c = 0; c < channels; ++c) {
        scale[c] = affine->ScaleAt(c);
        shift[c] = affine->ShiftAt(c);
      }
    }
    const auto quantization = Quantizes(quantize);
    if (!quantization.has_value()) return false;
    const std::string name = editor_.graph().value(real).name;
    editor_.SetInput(conv, kConvCopyScale, editor_.AddDoubles(name + "_copy_scale", scale));
    editor_.SetInput(conv, kConvCopyShift, editor_.AddDoubles(name + "_copy_shift", shift));
    SetQuantization(editor_.node(conv), "copy", *quantization);
    if (affine.has_value()) editor_.Erase(reader);
    editor_.TakeOutput(conv, quantize);
    return true;
  }

  /// The nodes between a QuantizeLinear and what it starts from, found walking up.
  struct Chain {
    ValueId x = kNoValue;
    ValueId residual = kNoValue;
    bool residual_first = true;
    std::optional<ChannelAffine> affine;
    std::string activation = "none";
    std::vector<float> slope;
    std::pair<float, float> bounds;
    std::vector<int> nodes;
  };

  // The node that makes `id` if nothing else reads it.
  int OwnProducer(ValueId id) {
    const int producer = editor_.producer(id);
    return producer >= 0 && editor_.SoleReader(id) >= 0 ? producer : -1;
  }

  bool TakeActivation(int index, std::size_t channels, Chain& chain) {
    const Node& node = editor_.node(index);
    if (IsOnnx(node, "Relu")) {
      chain.activation = "relu";
    } else if (auto slope = SlopesOf(editor_.graph(), node, 4, channels); !slope.empty()) {
      chain.activation = "prelu";
      chain.slope = std::move(slope);
    } else if (const auto bounds = ClipBounds(editor_.graph(), node)) {
      chain.activation = "clip";
      chain.bounds = *bounds;
    } else {
      return false;
    }
    chain.x = node.inputs[0];
    chain.nodes.push_back(index);
    return true;
  }

  bool TakeSum(int index, Chain& chain) {
    const Node& node = editor_.node(index);
    if (!IsOnnx(node, "Add") || node.inputs.size() != 2 || node.inputs[0] == node.inputs[1]) {
      return false;
    }
    const auto& a = shapes_[static_cast<std::size_t>(node.inputs[0])];
    const auto& b = shapes_[static_cast<std::size_t>(node.inputs[1])];
    if (!a.has_value() || a != b || editor_.graph().constant(node.inputs[0]) != nullptr ||
        editor_.graph().constant(node.inputs[1]) != nullptr) {
      return false;
    }
    // What is computed on the way goes first.
    const bool second = Dequantizes(editor_.producer(node.inputs[0])).has_value();
    chain.x = node.inputs[second ? 1 : 0];
    chain.residual = node.inputs[second ? 0 : 1];
    chain.nodes.push_back(index);
    return true;
  }

  void MakeMap(int quantize) {
    const auto out = Quantizes(quantize);
    if (!out.has_value()) return;
    Chain chain;
    chain.x = editor_.node(quantize).inputs[0];
    if (static_cast<std::size_t>(chain.x) >= shapes_.size()) return;
    const auto& shape = shapes_[static_cast<std::size_t>(chain.x)];
    // Few channels are a picture, which its convolution quantizes itself.
    if (!shape.has_value() || (*shape)[1].symbol != SymbolicExtent::kNumber ||
        (*shape)[1].add <= 4) {
      return;
    }
    const auto channels = static_cast<std::size_t>((*shape)[1].add);
    int next = OwnProducer(chain.x);
    if (next >= 0 && TakeActivation(next, channels, chain)) next = OwnProducer(chain.x);
    if (next >= 0 && TakeSum(next, chain)) {
      chain.residual_first = true;
      next = OwnProducer(chain.x);
      if (chain.activation == "none" && next >= 0 && TakeActivation(next, channels, chain)) {
        chain.residual_first = false;
        next = OwnProducer(chain.x);
      }
    }
    if (next >= 0) {
      chain.affine = AsChannelAffine(editor_.graph(), editor_.node(next), 4);
      if (chain.affine.has_value() && chain.affine->Fits(channels)) {
        chain.x = chain.affine->x;
        chain.nodes.push_back(next);
      } else {
        chain.affine.reset();
      }
    }
    const int source = editor_.producer(chain.x);
    const auto stored = Dequantizes(source);
    // Floats are only worth joining to what is done to them.
    if (!stored.has_value() && chain.nodes.empty()) return;
    WriteMap(quantize, chain, channels, *out);
  }

  void WriteMap(int index, const Chain& chain, std::size_t channels, const Quantization& out) {
    const std::string name = editor_.graph().value(editor_.node(index).outputs[0]).name;
    for (std::size_t i = 0; i < editor_.node(index).inputs.size(); ++i) {
      editor_.SetInput(index, i, kNoValue);
    }
    for (const int node : chain.nodes) editor_.Erase(node);
    Node& node = editor_.node(index);
    node.op_type = kQuantMap;
    node.domain = kFusedDomain;
    node.attributes.clear();
    node.attributes["activation"] = chain.activation;
    node.attributes["lo"] = chain.bounds.first;
    node.attributes["hi"] = chain.bounds.second;
    node.attributes["residual_first"] = std::int64_t{chain.residual_first};
    node.attributes["channels"] = static_cast<std::int64_t>(channels);
    node.inputs.assign(kMapInputs, kNoValue);
    SetQuantization(node, "out", out);
    SetSource(index, kMapX, chain.x, "x");
    if (chain.residual != kNoValue) SetSource(index, kMapResidual, chain.residual, "residual");
    if (chain.affine.has_value()) {
      std::vector<double> scale(channels);
      std::vector<double> shift(channels);
      for (std::size_t c = 0; c < channels; ++c) {
        scale[c] = chain.affine->ScaleAt(c);
        shift[c] = chain.affine->ShiftAt(c);
      }
      editor_.SetInput(index, kMapScale, editor_.AddDoubles(name + "_scale", scale));
      editor_.SetInput(index, kMapShift, editor_.AddDoubles(name + "_shift", shift));
    }
    if (!chain.slope.empty()) {
      editor_.SetInput(index, kMapSlope, editor_.AddFloats(name + "_slope", chain.slope));
    }
  }

  // Reads `real`, or what is stored where it is dequantized from that.
  void SetSource(int index, std::size_t input, ValueId real, const std::string& name) {
    const int dequantize = editor_.producer(real);
    const auto stored = Dequantizes(dequantize);
    if (stored.has_value()) SetQuantization(editor_.node(index), name, *stored);
    editor_.SetInput(index, input, stored.has_value() ? editor_.node(dequantize).inputs[0] : real);
  }

  Shapes shapes_;
  GraphEditor editor_;
};

}  // namespace

Graph AttachQuantization(Graph graph) { return Attacher(std::move(graph)).Run(); }

}  // namespace visavis
