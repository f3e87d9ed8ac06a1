// What changed in which operator set. Source: onnx/onnx, docs/Changelog.md.
#include <algorithm>
#include <array>
#include <numeric>

#include "base/try.h"
#include "model/graph/onnx_types.h"
#include "model/rewrite/opset_site.h"
#include "model/rewrite/opset_windows.h"

namespace visavis::opset {
namespace {

using IntList = std::vector<std::int64_t>;

void TrimInputs(Node& node) {
  while (!node.inputs.empty() && node.inputs.back() == kNoValue) node.inputs.pop_back();
}

// --- Forms that moved between attributes and inputs.

Status IntsToInput(OpsetSite& site, std::string_view attribute, std::size_t slot) {
  const auto* values = site.node.Ints(attribute);
  if (values == nullptr) return {};
  site.SetInput(slot, site.AddInts(attribute, *values));
  site.node.attributes.erase(std::string(attribute));
  return {};
}

Status InputToInts(OpsetSite& site, std::string_view attribute, std::size_t slot) {
  const ValueId id = site.node.input(slot);
  if (id == kNoValue) return {};
  std::optional<IntList> values = site.Ints(id);
  if (!values) {
    return site.Fail("{} is computed at run time; this operator set wants an attribute", attribute);
  }
  site.node.attributes[std::string(attribute)] = *std::move(values);
  site.node.inputs[slot] = kNoValue;
  TrimInputs(site.node);
  return {};
}

Status FloatToInput(OpsetSite& site, std::string_view attribute, std::size_t slot) {
  if (!site.node.Has(attribute)) return {};
  site.SetInput(slot, site.AddFloats(attribute, Shape{}, {site.node.Float(attribute, 0)}));
  site.node.attributes.erase(std::string(attribute));
  return {};
}

Status InputToFloat(OpsetSite& site, std::string_view attribute, std::size_t slot) {
  const ValueId id = site.node.input(slot);
  if (id == kNoValue) return {};
  const std::optional<float> value = site.Float(id);
  if (!value) {
    return site.Fail("{} is no float32 constant; this operator set wants an attribute", attribute);
  }
  site.node.attributes[std::string(attribute)] = *value;
  site.node.inputs[slot] = kNoValue;
  TrimInputs(site.node);
  return {};
}

Status AxesUp(OpsetSite& site) { return IntsToInput(site, "axes", 1); }
Status AxesDown(OpsetSite& site) {
  if (site.node.Int("noop_with_empty_axes", 0) != 0 && site.node.input(1) == kNoValue) {
    return site.Fail("noop_with_empty_axes cannot be said");
  }
  site.node.attributes.erase("noop_with_empty_axes");
  return InputToInts(site, "axes", 1);
}

Status SplitUp(OpsetSite& site) { return IntsToInput(site, "split", 1); }
Status SplitDown(OpsetSite& site) { return InputToInts(site, "split", 1); }

Status NumOutputsUp(OpsetSite& site) {
  if (site.node.input(1) == kNoValue) {
    site.node.attributes["num_outputs"] = static_cast<std::int64_t>(site.node.outputs.size());
  }
  return {};
}

Status NumOutputsDown(OpsetSite& site) {
  if (!site.node.Has("num_outputs")) return {};
  const auto parts = static_cast<std::int64_t>(site.node.outputs.size());
  site.node.attributes.erase("num_outputs");
  const auto* shape = site.ShapeOf(site.node.input(0));
  std::int64_t axis = site.node.Int("axis", 0);
  if (shape != nullptr && axis < 0) axis += std::ssize(*shape);
  if (shape == nullptr || axis < 0 || axis >= std::ssize(*shape) ||
      !(*shape)[static_cast<std::size_t>(axis)].known()) {
    return site.Fail("num_outputs over an axis of unknown extent cannot be said");
  }
  const std::int64_t extent = (*shape)[static_cast<std::size_t>(axis)].extent;
  if (extent % parts == 0) return {};
  const std::int64_t part = (extent + parts - 1) / parts;
  IntList sizes(static_cast<std::size_t>(parts), part);
  sizes.back() = extent - part * (parts - 1);
  site.SetInput(1, site.AddInts("split", sizes));
  return {};
}

Status ClipUp(OpsetSite& site) {
  VISAVIS_RETURN_IF_ERROR(FloatToInput(site, "min", 1));
  return FloatToInput(site, "max", 2);
}
Status ClipDown(OpsetSite& site) {
  VISAVIS_RETURN_IF_ERROR(InputToFloat(site, "max", 2));
  return InputToFloat(site, "min", 1);
}

Status PadUp(OpsetSite& site) {
  VISAVIS_RETURN_IF_ERROR(IntsToInput(site, "pads", 1));
  return FloatToInput(site, "value", 2);
}
Status PadDown(OpsetSite& site) {
  VISAVIS_RETURN_IF_ERROR(InputToFloat(site, "value", 2));
  return InputToInts(site, "pads", 1);
}
Status PadAxesDown(OpsetSite& site) {
  if (site.node.input(3) == kNoValue) return {};
  const auto axes = site.Ints(site.node.input(3));
  const auto pads = site.Ints(site.node.input(1));
  const int rank = site.Rank(site.node.input(0));
  if (!axes || !pads || rank < 0 || pads->size() != 2 * axes->size()) {
    return site.Fail("axes of unknown values cannot be said");
  }
  IntList all(static_cast<std::size_t>(rank) * 2, 0);
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const std::int64_t axis = (*axes)[i] < 0 ? (*axes)[i] + rank : (*axes)[i];
    if (axis < 0 || axis >= rank) return site.Fail("axis {} of rank {}", axis, rank);
    all[static_cast<std::size_t>(axis)] = (*pads)[i];
    all[static_cast<std::size_t>(axis + rank)] = (*pads)[i + axes->size()];
  }
  site.node.inputs[1] = site.AddInts("pads", all);
  site.node.inputs[3] = kNoValue;
  TrimInputs(site.node);
  return {};
}
Status PadWrapDown(OpsetSite& site) {
  if (site.node.String("mode", "constant") == "wrap") return site.Fail("mode wrap cannot be said");
  return {};
}

Status SliceUp(OpsetSite& site) {
  for (std::size_t slot = 1; const char* name : {"starts", "ends", "axes"}) {
    VISAVIS_RETURN_IF_ERROR(IntsToInput(site, name, slot++));
  }
  return {};
}
Status SliceDown(OpsetSite& site) {
  if (site.node.input(4) != kNoValue) {
    const auto steps = site.Ints(site.node.input(4));
    if (!steps || std::ranges::any_of(*steps, [](std::int64_t s) { return s != 1; })) {
      return site.Fail("steps other than 1 cannot be said");
    }
    site.node.inputs[4] = kNoValue;
  }
  for (std::size_t slot = 3; const char* name : {"axes", "ends", "starts"}) {
    VISAVIS_RETURN_IF_ERROR(InputToInts(site, name, slot--));
  }
  return {};
}

Status DropoutUp(OpsetSite& site) { return FloatToInput(site, "ratio", 1); }
Status DropoutDown(OpsetSite& site) {
  if (const ValueId training = site.node.input(2); training != kNoValue) {
    const Tensor* constant = site.graph.constant(training);
    if (constant == nullptr || constant->dtype() != DType::kBool || constant->elements() != 1 ||
        constant->data<bool>()[0]) {
      return site.Fail("training mode cannot be said");
    }
    site.node.inputs[2] = kNoValue;
    TrimInputs(site.node);
  }
  site.node.attributes.erase("seed");
  return InputToFloat(site, "ratio", 1);
}

// --- Semantics

bool IsLastAxis(OpsetSite& site, std::int64_t axis, int rank) {
  if (axis == -1 || axis == rank - 1) return true;
  const auto* shape = site.ShapeOf(site.node.input(0));
  if (shape == nullptr || axis < 0) return false;
  // Trailing extents of 1 make no difference.
  return std::all_of(shape->begin() + axis + 1, shape->end(),
                     [](const Dim& dim) { return dim.extent == 1; });
}

// Until 12, Softmax works on the matrix [product of extents before axis, product of the others].
Status SoftmaxUp(OpsetSite& site) {
  const std::int64_t axis = site.node.Int("axis", 1);
  const int rank = site.Rank(site.node.input(0));
  if (rank >= 0 && IsLastAxis(site, axis < 0 ? axis + rank : axis, rank)) {
    site.node.attributes["axis"] = axis;
    return {};
  }
  const ValueId x = site.node.input(0);
  const ValueId shape = site.AddValue("shape");
  const ValueId matrix = site.AddValue("matrix");
  const ValueId result = site.AddValue("rows");
  site.before.push_back(site.Make("Shape", "shape", {x}, {shape}));
  site.before.push_back(site.Make("Flatten", "flatten", {x}, {matrix}));
  site.before.back().attributes["axis"] = axis;
  site.after.push_back(site.Make("Reshape", "restore", {result, shape}, {site.node.outputs[0]}));
  site.node.inputs[0] = matrix;
  site.node.outputs[0] = result;
  site.node.attributes["axis"] = std::int64_t{1};
  return {};
}

// The axis goes to the end, where both meanings are one.
Status SoftmaxDown(OpsetSite& site) {
  const int rank = site.Rank(site.node.input(0));
  std::int64_t axis = site.node.Int("axis", -1);
  if (rank < 0) return site.Fail("the rank of its input is unknown");
  if (axis < 0) axis += rank;
  if (IsLastAxis(site, axis, rank)) {
    site.node.attributes["axis"] = axis;
    return {};
  }
  IntList order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(axis)], order.back());  // its own inverse
  const ValueId turned = site.AddValue("turned");
  const ValueId result = site.AddValue("turned_result");
  site.before.push_back(site.Make("Transpose", "turn", {site.node.inputs[0]}, {turned}));
  site.before.back().attributes["perm"] = order;
  site.after.push_back(site.Make("Transpose", "turn_back", {result}, {site.node.outputs[0]}));
  site.after.back().attributes["perm"] = order;
  site.node.inputs[0] = turned;
  site.node.outputs[0] = result;
  site.node.attributes["axis"] = std::int64_t{rank - 1};
  return {};
}

Status BroadcastDown(OpsetSite& site) {
  const auto* first = site.ShapeOf(site.node.input(0));
  for (const ValueId id : site.node.inputs) {
    const auto* other = site.ShapeOf(id);
    if (first == nullptr || other == nullptr || *first != *other) {
      return site.Fail("inputs of different or unknown shapes do not broadcast yet");
    }
  }
  return {};
}

Status SpatialUp(OpsetSite& site) {
  if (site.node.Int("spatial", 1) == 0) return site.Fail("spatial=0 cannot be said");
  site.node.attributes.erase("spatial");
  return {};
}

Status BatchNormUp(OpsetSite& site) {
  if (site.node.outputs.size() > 1) return site.Fail("training outputs changed their meaning");
  return {};
}
Status BatchNormDown(OpsetSite& site) { return DropAttribute(site, "training_mode", 0); }

Status GemmDown(OpsetSite& site) {
  if (site.node.input(2) == kNoValue) site.SetInput(2, site.AddFloats("zero", Shape{1}, {0}));
  return {};
}

// Before 11, axes count from the front.
Status PositiveAxis(OpsetSite& site) {
  const std::int64_t axis = site.node.Int("axis", 0);
  if (axis >= 0) return {};
  const int rank = site.Rank(site.node.input(0));
  if (rank < 0) return site.Fail("axis {} of an unknown rank", axis);
  site.node.attributes["axis"] = axis + rank;
  return {};
}

Status PositiveAxesOf(OpsetSite& site, int extra) {
  const IntList* axes = site.node.Ints("axes");
  if (axes == nullptr) return {};
  IntList positive = *axes;
  const int rank = site.Rank(site.node.input(0));
  for (std::int64_t& axis : positive) {
    if (axis >= 0) continue;
    if (rank < 0) return site.Fail("axis {} of an unknown rank", axis);
    axis += rank + extra;
  }
  site.node.attributes["axes"] = positive;
  return {};
}
Status PositiveAxes(OpsetSite& site) { return PositiveAxesOf(site, 0); }
Status PositiveAxesUnsqueeze(OpsetSite& site) {
  const IntList* axes = site.node.Ints("axes");
  return PositiveAxesOf(site, axes == nullptr ? 0 : static_cast<int>(axes->size()));
}

Status ConstantDown(OpsetSite& site) {
  Node& node = site.node;
  std::optional<Tensor> value;
  if (node.Has("value_float")) {
    value = Tensor::From<float>(Shape{}, std::array{node.Float("value_float", 0)});
  } else if (node.Has("value_int")) {
    value = Tensor::From<std::int64_t>(Shape{}, std::array{node.Int("value_int", 0)});
  } else if (const auto* floats = node.Floats("value_floats")) {
    value = Tensor::From<float>(Shape{std::ssize(*floats)}, *floats);
  } else if (const auto* ints = node.Ints("value_ints")) {
    value = Tensor::From<std::int64_t>(Shape{std::ssize(*ints)}, *ints);
  } else if (node.TensorAttribute("value") == nullptr) {
    return site.Fail("its kind of value cannot be said");
  } else {
    return {};
  }
  node.attributes.clear();
  node.attributes["value"] = std::make_shared<const Tensor>(*std::move(value));
  return {};
}

Status ReshapeDown(OpsetSite& site) {
  if (site.node.Int("allowzero", 0) != 0) {
    const auto target = site.Ints(site.node.input(1));
    if (!target || std::ranges::find(*target, 0) != target->end()) {
      return site.Fail("allowzero=1 cannot be said");
    }
  }
  site.node.attributes.erase("allowzero");
  return {};
}

Status ShapeDown(OpsetSite& site) {
  if (!site.node.Has("start") && !site.node.Has("end")) return {};
  const std::int64_t start = site.node.Int("start", 0);
  const std::int64_t end = site.node.Int("end", std::int64_t{1} << 31);
  site.node.attributes.clear();
  const ValueId all = site.AddValue("all");
  site.after.push_back(site.Make("Slice", "part",
                                 {all, site.AddInts("start", {start}), site.AddInts("end", {end})},
                                 {site.node.outputs[0]}));
  site.node.outputs[0] = all;
  return {};
}

Status CastLikeDown(OpsetSite& site) {
  const ValueId like = site.node.input(1);
  std::optional<DType> type;
  if (site.graph.constant(like) != nullptr) type = site.graph.value(like).dtype;
  if (!type && like != kNoValue && static_cast<std::size_t>(like) < site.inferred.size()) {
    type = site.inferred[static_cast<std::size_t>(like)].dtype;
  }
  if (!type) return site.Fail("the type to cast to is unknown");
  site.node.op_type = "Cast";
  site.node.inputs.resize(1);
  site.node.attributes.clear();
  site.node.attributes["to"] = std::int64_t{OnnxTypeOf(*type)};
  return {};
}

Status CastSaturateDown(OpsetSite& site) {
  site.node.attributes.erase("saturate");  // speaks of 8-bit floats only
  return {};
}

// x * max(0, min(1, x / 6 + 0.5))
Status HardSwishDown(OpsetSite& site) {
  const ValueId gate = site.AddValue("gate");
  const ValueId x = site.node.input(0);
  site.before.push_back(site.Make("HardSigmoid", "gate", {x}, {gate}));
  site.before.back().attributes["alpha"] = 1.0f / 6.0f;
  site.before.back().attributes["beta"] = 0.5f;
  site.node.op_type = "Mul";
  site.node.inputs = {x, gate};
  site.node.attributes.clear();
  return {};
}

Status ArgDown12(OpsetSite& site) { return DropAttribute(site, "select_last_index", 0); }
Status QuantizeAxisDown(OpsetSite& site) {
  const auto* scale = site.ShapeOf(site.node.input(1));
  const bool single = scale != nullptr &&
                      std::ranges::all_of(*scale, [](const Dim& dim) { return dim.extent == 1; });
  if (!single) return site.Fail("a scale per channel cannot be said");
  site.node.attributes.erase("axis");
  return {};
}
Status QuantizeBlocksDown(OpsetSite& site) {
  site.node.attributes.erase("output_dtype");
  return DropAttribute(site, "block_size", 0);
}

constexpr std::array kSteps{
    OpsetStep{8, "Max", nullptr, BroadcastDown},
    OpsetStep{8, "Min", nullptr, BroadcastDown},
    OpsetStep{8, "Sum", nullptr, BroadcastDown},
    OpsetStep{8, "Mean", nullptr, BroadcastDown},
    OpsetStep{8, "MaxPool", nullptr, PoolIndicesDown},
    OpsetStep{9, "BatchNormalization", SpatialUp, nullptr},
    OpsetStep{9, "Upsample", UpsampleInputUp, UpsampleInputDown},
    OpsetStep{10, "MaxPool", nullptr, PoolCeilDown},
    OpsetStep{10, "AveragePool", nullptr, PoolCeilDown},
    OpsetStep{10, "Slice", SliceUp, SliceDown},
    OpsetStep{10, "Upsample", UpsampleToResize, nullptr},
    OpsetStep{10, "Resize", nullptr, ResizeToUpsample},
    OpsetStep{11, "Clip", ClipUp, ClipDown},
    OpsetStep{11, "Pad", PadUp, PadDown},
    OpsetStep{11, "Resize", ResizeUp11, ResizeDown11},
    OpsetStep{11, "Gemm", nullptr, GemmDown},
    OpsetStep{11, "ArgMax", nullptr, PositiveAxis},
    OpsetStep{11, "ArgMin", nullptr, PositiveAxis},
    OpsetStep{11, "Concat", nullptr, PositiveAxis},
    OpsetStep{11, "Flatten", nullptr, PositiveAxis},
    OpsetStep{11, "Gather", nullptr, PositiveAxis},
    OpsetStep{11, "LogSoftmax", nullptr, PositiveAxis},
    OpsetStep{11, "Softmax", nullptr, PositiveAxis},
    OpsetStep{11, "Split", nullptr, PositiveAxis},
    OpsetStep{11, "ReduceL1", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceL2", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceLogSum", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceLogSumExp", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceMax", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceMean", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceMin", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceProd", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceSum", nullptr, PositiveAxes},
    OpsetStep{11, "ReduceSumSquare", nullptr, PositiveAxes},
    OpsetStep{11, "Squeeze", nullptr, PositiveAxes},
    OpsetStep{11, "Unsqueeze", nullptr, PositiveAxesUnsqueeze},
    OpsetStep{12, "ArgMax", nullptr, ArgDown12},
    OpsetStep{12, "ArgMin", nullptr, ArgDown12},
    OpsetStep{12, "Constant", nullptr, ConstantDown},
    OpsetStep{12, "Dropout", DropoutUp, DropoutDown},
    OpsetStep{13, "LogSoftmax", SoftmaxUp, SoftmaxDown},
    OpsetStep{13, "Softmax", SoftmaxUp, SoftmaxDown},
    OpsetStep{13, "Squeeze", AxesUp, AxesDown},
    OpsetStep{13, "Unsqueeze", AxesUp, AxesDown},
    OpsetStep{13, "Split", SplitUp, SplitDown},
    OpsetStep{13, "ReduceSum", AxesUp, AxesDown},
    OpsetStep{13, "Resize", ResizeInputsUp13, ResizeDown13},
    OpsetStep{13, "QuantizeLinear", nullptr, QuantizeAxisDown},
    OpsetStep{13, "DequantizeLinear", nullptr, QuantizeAxisDown},
    OpsetStep{14, "BatchNormalization", BatchNormUp, BatchNormDown},
    OpsetStep{14, "HardSwish", nullptr, HardSwishDown},
    OpsetStep{14, "Reshape", nullptr, ReshapeDown},
    OpsetStep{15, "CastLike", nullptr, CastLikeDown},
    OpsetStep{15, "Shape", nullptr, ShapeDown},
    OpsetStep{18, "Pad", nullptr, PadAxesDown},
    OpsetStep{18, "ReduceL1", AxesUp, AxesDown},
    OpsetStep{18, "ReduceL2", AxesUp, AxesDown},
    OpsetStep{18, "ReduceLogSum", AxesUp, AxesDown},
    OpsetStep{18, "ReduceLogSumExp", AxesUp, AxesDown},
    OpsetStep{18, "ReduceMax", AxesUp, AxesDown},
    OpsetStep{18, "ReduceMean", AxesUp, AxesDown},
    OpsetStep{18, "ReduceMin", AxesUp, AxesDown},
    OpsetStep{18, "ReduceProd", AxesUp, AxesDown},
    OpsetStep{18, "ReduceSumSquare", AxesUp, AxesDown},
    OpsetStep{18, "Resize", nullptr, ResizeDown18},
    OpsetStep{18, "Split", NumOutputsUp, NumOutputsDown},
    OpsetStep{19, "AveragePool", nullptr, PoolDilationsDown},
    OpsetStep{19, "Cast", nullptr, CastSaturateDown},
    OpsetStep{19, "CastLike", nullptr, CastSaturateDown},
    OpsetStep{19, "Pad", nullptr, PadWrapDown},
    OpsetStep{19, "Resize", nullptr, ResizeDown19},
    OpsetStep{21, "QuantizeLinear", nullptr, QuantizeBlocksDown},
    OpsetStep{21, "DequantizeLinear", nullptr, QuantizeBlocksDown},
};

}  // namespace

}  // namespace visavis::opset

namespace visavis {

std::span<const OpsetStep> OpsetSteps() { return opset::kSteps; }

}  // namespace visavis
