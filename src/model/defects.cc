#include "model/defects.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/onnx_types.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"
#include "model/graph/shape_inference.h"
#include "model/load.h"
#include "model/recognise.h"
#include "model/rewrite/batch.h"
#include "model/rewrite/constants.h"
#include "tensor/convert.h"

namespace visavis {
namespace {

std::string NameOf(const Graph& graph, const Node& node) {
  if (!node.name.empty()) return node.name;
  return node.outputs.empty() || node.outputs[0] == kNoValue ? ""
                                                             : graph.value(node.outputs[0]).name;
}

Defect Of(DefectKind kind, std::string node, std::string message) {
  return {kind, std::move(node), std::move(message), fmt::format("--repair={}", Name(kind)), false};
}

// --- spatial: until opset 8, 0 meant statistics per position; published ones are [C] all the same.

bool SaysSpatialZero(const Node& node) {
  return IsOnnx(node, "BatchNormalization") && node.Int("spatial", 1) == 0;
}

std::vector<Defect> FindSpatialZero(const Graph& graph) {
  std::vector<Defect> found;
  for (const Node& node : graph.nodes) {
    if (!SaysSpatialZero(node)) continue;
    found.push_back(Of(DefectKind::kSpatialZero, NameOf(graph, node),
                       "spatial=0 with one scale per channel; spatial=1 is meant"));
  }
  return found;
}

Result<Graph> MendSpatialZero(Graph graph) {
  for (Node& node : graph.nodes) {
    if (!IsOnnx(node, "BatchNormalization")) continue;
    const Tensor* scale = graph.constant(node.input(1));
    if (SaysSpatialZero(node) && scale != nullptr && scale->shape().rank() != 1) {
      return MakeError(ErrorCode::kUnsupported,
                       "node {}: spatial=0 with scale {}, want one scale per channel",
                       graph.Describe(node), scale->shape().ToString());
    }
    node.attributes.erase("spatial");
  }
  return graph;
}

// --- float64: without a float64 input or cast, every float64 constant meets float32 values, which
// ONNX forbids.

bool ComputesInFloat64(const Graph& graph) {
  const auto is_double = [&](ValueId id) { return graph.value(id).dtype == DType::kF64; };
  if (std::ranges::any_of(graph.inputs, is_double)) return true;
  return std::ranges::any_of(graph.nodes, [](const Node& node) {
    return node.op_type == "Cast" && node.Int("to", 0) == OnnxTypeOf(DType::kF64);
  });
}

const Tensor* Float64Value(const Node& node) {
  const Tensor* value = node.op_type == "Constant" ? node.TensorAttribute("value") : nullptr;
  return value != nullptr && value->dtype() == DType::kF64 ? value : nullptr;
}

std::vector<Defect> FindFloat64(const Graph& graph) {
  std::vector<Defect> found;
  if (ComputesInFloat64(graph)) return found;
  const auto add = [&](std::string name) {
    found.push_back(Of(DefectKind::kFloat64Constant, std::move(name),
                       "float64 constant in a float32 network; float32 is meant"));
  };
  for (const Value& value : graph.values) {
    if (value.constant != nullptr && value.dtype == DType::kF64) add(value.name);
  }
  for (const Node& node : graph.nodes) {
    if (Float64Value(node) != nullptr) add(NameOf(graph, node));
  }
  return found;
}

Result<Graph> MendFloat64(Graph graph) {
  if (ComputesInFloat64(graph)) return graph;
  for (Value& value : graph.values) {
    if (value.constant == nullptr || value.dtype != DType::kF64) continue;
    value.constant = std::make_shared<const Tensor>(ToFloat32(*value.constant));
    value.dtype = DType::kF32;
  }
  for (Node& node : graph.nodes) {
    if (const Tensor* wide = Float64Value(node)) {
      node.attributes["value"] = std::make_shared<const Tensor>(ToFloat32(*wide));
    }
  }
  return graph;
}

// --- slope

// Whether a slope of shape [C] can only mean one slope per channel of `data`: with C as the last
// extent ONNX's own broadcasting would apply.
bool IsPerChannel(const std::vector<Dim>& data, std::int64_t slopes) {
  if (data.size() < 3 || slopes < 2) return false;
  const bool fits_channels = !data[1].known() || data[1].extent == slopes;
  return fits_channels && data.back().extent != slopes;
}

bool HasFlatSlope(const Graph& graph, const Node& node) {
  const Tensor* slope = graph.constant(node.input(1));
  return IsOnnx(node, "PRelu") && slope != nullptr && slope->dtype() == DType::kF32 &&
         slope->shape().rank() == 1 && node.input(0) != kNoValue;
}

// By index of the node, the rank of its data.
std::map<std::size_t, std::size_t> FlatSlopes(const Graph& graph) {
  std::map<std::size_t, std::size_t> found;
  if (std::ranges::none_of(graph.nodes, [&](const Node& n) { return HasFlatSlope(graph, n); })) {
    return found;
  }
  const std::vector<InferredValue> inferred = InferShapes(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!HasFlatSlope(graph, node)) continue;
    const auto& data = inferred[static_cast<std::size_t>(node.inputs[0])].shape;
    const std::int64_t slopes = graph.constant(node.inputs[1])->elements();
    if (data && IsPerChannel(*data, slopes)) found.emplace(i, data->size());
  }
  return found;
}

std::vector<Defect> FindFlatSlopes(const Graph& graph) {
  std::vector<Defect> found;
  for (const auto& [index, rank] : FlatSlopes(graph)) {
    const Node& node = graph.nodes[index];
    found.push_back(Of(
        DefectKind::kFlatSlope, NameOf(graph, node),
        fmt::format("PRelu slope [{0}] does not broadcast over N x C x ...; [{0},1,...] is meant",
                    graph.constant(node.inputs[1])->elements())));
  }
  return found;
}

Result<Graph> MendFlatSlopes(Graph graph) {
  std::map<std::pair<ValueId, std::size_t>, ValueId> aligned;  // by slope and rank
  for (const auto& [index, rank] : FlatSlopes(graph)) {
    const ValueId slope_id = graph.nodes[index].inputs[1];
    const auto [it, added] = aligned.try_emplace({slope_id, rank}, kNoValue);
    if (added) {
      const Tensor& slope = *graph.constant(slope_id);
      std::vector<std::int64_t> extents(rank - 1, 1);
      extents[0] = slope.elements();
      it->second =
          graph.AddConstant(graph.value(slope_id).name + "_per_channel",
                            Tensor::From<float>(Shape(std::move(extents)), slope.data<float>()));
    }
    graph.nodes[index].inputs[1] = it->second;
  }
  return graph;
}

// --- computed-slope: importers elsewhere want an initializer.

std::vector<Defect> FindComputedSlopes(const Graph& graph) {
  std::vector<Defect> found;
  const Graph folded = FoldPlainConstants(graph);  // values keep their ids
  for (const Node& node : graph.nodes) {
    if (!IsOnnx(node, "PRelu") || node.input(1) == kNoValue) continue;
    if (graph.constant(node.inputs[1]) != nullptr) continue;
    const auto same = std::ranges::find_if(
        folded.nodes, [&](const Node& other) { return other.outputs == node.outputs; });
    if (same == folded.nodes.end() || folded.constant(same->input(1)) == nullptr) continue;
    found.push_back(Of(DefectKind::kComputedSlope, NameOf(graph, node),
                       "PRelu slope comes through a Reshape; an initializer is meant"));
  }
  return found;
}

// --- gamma: insightface trains the last BatchNorm with fix_gamma=True, so that gamma is 1 whatever
// is stored; exporters that ignore this write what is stored.

std::vector<std::size_t> EmbeddingNorms(const Graph& graph) {
  std::vector<std::size_t> found;
  const std::string network = RecogniseNetwork(graph);
  if (!network.ends_with("E-IR") && network != "MobileFaceNet") return found;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!IsOnnx(node, "BatchNormalization") || node.outputs.empty()) continue;
    if (std::ranges::find(graph.outputs, node.outputs[0]) == graph.outputs.end()) continue;
    const std::vector<double> gamma = ConstantDoubles(graph, node.input(1));
    if (std::ranges::any_of(gamma, [](double g) { return g != 1; })) found.push_back(i);
  }
  return found;
}

std::vector<Defect> FindUnfixedGamma(const Graph& graph) {
  std::vector<Defect> found;
  for (const std::size_t i : EmbeddingNorms(graph)) {
    found.push_back(Of(DefectKind::kUnfixedGamma, NameOf(graph, graph.nodes[i]),
                       "this network is trained with gamma fixed at 1 here (fix_gamma), the file "
                       "has other values"));
  }
  return found;
}

Result<Graph> MendUnfixedGamma(Graph graph) {
  for (const std::size_t i : EmbeddingNorms(graph)) {
    const ValueId gamma = graph.nodes[i].inputs[1];
    const Shape shape = graph.constant(gamma)->shape();
    const std::vector<float> ones(static_cast<std::size_t>(shape.elements()), 1.0f);
    graph.nodes[i].inputs[1] =
        graph.AddConstant(graph.value(gamma).name + "_fixed", Tensor::From<float>(shape, ones));
  }
  return graph;
}

// --- batch

std::vector<Defect> FindFixedBatch(const Graph& graph) {
  std::vector<Defect> found;
  const std::optional<std::int64_t> batch = FixedBatch(graph);
  if (!batch || !SetBatch(graph, Dim{-1, std::string(kOpenBatch)})) return found;
  found.push_back(Of(DefectKind::kFixedBatch, graph.value(graph.inputs[0]).name,
                     fmt::format("batch fixed at {}, the network takes any", *batch)));
  found.back().flag = "--batch dynamic";
  return found;
}

Result<Graph> MendFixedBatch(Graph graph) {
  Result<Graph> opened = SetBatch(graph, Dim{-1, std::string(kOpenBatch)});
  return opened ? std::move(opened) : Result<Graph>(std::move(graph));
}

// --- training

bool IsTraining(const Graph& graph, const Node& node) {
  if (IsOnnx(node, "BatchNormalization")) {
    const bool extra =
        std::any_of(node.outputs.begin() + std::min<std::ptrdiff_t>(1, std::ssize(node.outputs)),
                    node.outputs.end(), [](ValueId id) { return id != kNoValue; });
    return node.Int("training_mode", 0) != 0 || extra;
  }
  if (!IsOnnx(node, "Dropout") || node.input(2) == kNoValue) return false;
  const Tensor* training = graph.constant(node.inputs[2]);
  return training == nullptr || (training->dtype() == DType::kBool && training->elements() == 1 &&
                                 training->data<bool>()[0]);
}

std::vector<Defect> FindTraining(const Graph& graph) {
  std::vector<Defect> found;
  for (const Node& node : graph.nodes) {
    if (!IsTraining(graph, node)) continue;
    found.push_back(Of(DefectKind::kTrainingMode, NameOf(graph, node),
                       fmt::format("{} in training mode; inference is meant", node.op_type)));
  }
  return found;
}

Result<Graph> MendTraining(Graph graph) {
  GraphEditor editor(std::move(graph));
  for (int i = 0; i < editor.node_count(); ++i) {
    if (!IsTraining(editor.graph(), editor.node(i))) continue;
    for (std::size_t k = 1; k < editor.node(i).outputs.size(); ++k) {
      const ValueId output = editor.node(i).outputs[k];
      if (output == kNoValue) continue;
      if (editor.is_output(output) || !editor.readers(output).empty()) {
        return MakeError(ErrorCode::kUnsupported, "node {}: its training output '{}' is read",
                         editor.graph().Describe(editor.node(i)),
                         editor.graph().value(output).name);
      }
    }
    if (editor.node(i).op_type == "Dropout") editor.SetInput(i, 2, kNoValue);
    Node& node = editor.node(i);
    if (node.op_type == "Dropout") node.inputs.resize(2);
    node.outputs.resize(1);
    node.attributes.erase("training_mode");
  }
  return std::move(editor).Finish();
}

struct Row {
  DefectKind kind;
  std::string_view name;
  std::vector<Defect> (*find)(const Graph&);
  Result<Graph> (*mend)(Graph);
};

std::vector<Defect> FindNothing(const Graph&) { return {}; }
Result<Graph> Unchanged(Graph graph) { return graph; }
Result<Graph> MendComputedSlopes(Graph graph) { return FoldPlainConstants(std::move(graph)); }

// Listing constants as inputs is the file's affair: a Graph cannot do it, so reading mends it.
constexpr std::array kRows{
    Row{DefectKind::kSpatialZero, "spatial", FindSpatialZero, MendSpatialZero},
    Row{DefectKind::kFloat64Constant, "float64", FindFloat64, MendFloat64},
    Row{DefectKind::kComputedSlope, "computed-slope", FindComputedSlopes, MendComputedSlopes},
    Row{DefectKind::kFlatSlope, "slope", FindFlatSlopes, MendFlatSlopes},
    Row{DefectKind::kUnfixedGamma, "gamma", FindUnfixedGamma, MendUnfixedGamma},
    Row{DefectKind::kInitializerInput, "inputs", FindNothing, Unchanged},
    Row{DefectKind::kTrainingMode, "training", FindTraining, MendTraining},
    Row{DefectKind::kFixedBatch, "batch", FindFixedBatch, MendFixedBatch},
};

constexpr auto kAllKinds = [] {
  std::array<DefectKind, kRows.size()> kinds{};
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = kRows[i].kind;
  return kinds;
}();

const Row& RowOf(DefectKind kind) { return *std::ranges::find(kRows, kind, &Row::kind); }

}  // namespace

std::string_view Name(DefectKind kind) { return RowOf(kind).name; }

std::span<const DefectKind> AllDefectKinds() { return kAllKinds; }

std::optional<DefectKind> DefectKindNamed(std::string_view name) {
  const auto* row = std::ranges::find(kRows, name, &Row::name);
  return row == kRows.end() ? std::nullopt : std::optional(row->kind);
}

std::vector<Defect> FindDefects(const Graph& graph) {
  std::vector<Defect> found;
  for (const Row& row : kRows) {
    std::vector<Defect> more = row.find(graph);
    std::ranges::move(more, std::back_inserter(found));
  }
  return found;
}

Result<std::vector<Defect>> FindDefectsInFile(const std::string& path, const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(path, limits, Reading::kAsIs));
  std::vector<Defect> found = FindDefects(loaded.graph);
  if (loaded.initializers_listed_as_inputs > 0) {
    found.push_back(Of(DefectKind::kInitializerInput, "",
                       fmt::format("{} initializers are listed as inputs too",
                                   loaded.initializers_listed_as_inputs)));
  }
  constexpr std::array kMended{DefectKind::kSpatialZero, DefectKind::kFloat64Constant,
                               DefectKind::kFlatSlope, DefectKind::kInitializerInput};
  for (Defect& defect : found) {
    defect.mended_on_read = std::ranges::find(kMended, defect.kind) != kMended.end();
  }
  return found;
}

Result<Graph> MendDefects(Graph graph, std::span<const DefectKind> kinds,
                          std::vector<Defect>* mended) {
  for (const Row& row : kRows) {
    if (std::ranges::find(kinds, row.kind) == kinds.end()) continue;
    std::vector<Defect> found = row.find(graph);
    if (found.empty()) continue;
    VISAVIS_ASSIGN_OR_RETURN(graph, row.mend(std::move(graph)));
    if (mended != nullptr) std::ranges::move(found, std::back_inserter(*mended));
  }
  return graph;
}

Status MendOnRead(Graph& graph, std::string_view where) {
  struct Note {
    DefectKind kind;
    std::string_view text;
  };
  constexpr std::array kNotes{
      Note{DefectKind::kSpatialZero,
           "BatchNormalization nodes said spatial=0 with one scale per channel; read as spatial=1"},
      Note{DefectKind::kFloat64Constant, "float64 constants in a float32 network; read as float32"},
      Note{DefectKind::kFlatSlope,
           "PRelu slopes [C] do not broadcast over N x C x H x W; read as [C,1,1]"},
  };
  for (const Note& note : kNotes) {
    std::vector<Defect> mended;
    Result<Graph> result = MendDefects(std::move(graph), std::array{note.kind}, &mended);
    if (!result) {
      return MakeError(result.error().code, "{}: {}", where, result.error().message);
    }
    graph = *std::move(result);
    if (mended.empty()) continue;
    graph.notes.push_back(fmt::format("{} {}", mended.size(), note.text));
  }
  // spatial=1 says nothing, and opset 9 took the attribute away.
  for (Node& node : graph.nodes) {
    if (IsOnnx(node, "BatchNormalization")) node.attributes.erase("spatial");
  }
  return {};
}

}  // namespace visavis
