#include "doctor/known_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/try.h"
#include "doctor/input_chain.h"
#include "doctor/known_text.h"
#include "doctor/probe.h"
#include "json/fields.h"
#include "json/parse.h"
#include "visavis/align.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

std::string HashOf(std::span<const float> values) {
  constexpr std::size_t kDigits = 16;
  return Sha256Hex(
             {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)})
      .substr(0, kDigits);
}

double Rms(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} * v;
  return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
}

// Roles of a layer's inputs from the second on; empty for operators without weights.
std::vector<std::string> RolesOf(const std::string& op) {
  if (op == "Conv" || op == "Gemm") return {"weight", "bias"};
  if (op == "BatchNormalization") return {"gamma", "beta", "mean", "variance"};
  if (op == "PRelu") return {"slope"};
  return {};
}

// The layers of a graph with where their weights are.
struct Layer {
  LayerPrint print;
  std::vector<const Tensor*> tensors;
};

std::vector<Layer> LayersOf(const Graph& graph) {
  std::vector<Layer> layers;
  for (const Node& node : graph.nodes) {
    const std::vector<std::string> roles = RolesOf(node.op_type);
    if (roles.empty()) continue;
    Layer layer;
    layer.print.op = node.op_type;
    layer.print.name = node.name.empty() && !node.outputs.empty() && node.outputs[0] != kNoValue
                           ? graph.value(node.outputs[0]).name
                           : node.name;
    if (node.op_type == "BatchNormalization") layer.print.epsilon = node.Float("epsilon", 1e-5f);
    for (std::size_t i = 0; i < roles.size(); ++i) {
      const Tensor* tensor = graph.constant(node.input(i + 1));
      if (tensor == nullptr || tensor->dtype() != DType::kF32) continue;
      const std::span<const float> values = tensor->data<float>();
      layer.print.weights.push_back({roles[i], tensor->elements(), HashOf(values), Rms(values)});
      layer.tensors.push_back(tensor);
    }
    layers.push_back(std::move(layer));
  }
  return layers;
}

// Rows and columns of every kernel exchanged.
std::vector<float> TransposedKernels(const Tensor& weight) {
  const std::span<const float> values = weight.data<float>();
  const auto rows = static_cast<std::size_t>(weight.shape()[2]);
  const auto columns = static_cast<std::size_t>(weight.shape()[3]);
  std::vector<float> turned(values.size());
  for (std::size_t base = 0; base < values.size(); base += rows * columns) {
    for (std::size_t y = 0; y < rows; ++y) {
      for (std::size_t x = 0; x < columns; ++x) {
        turned[base + x * rows + y] = values[base + y * columns + x];
      }
    }
  }
  return turned;
}

std::vector<float> ReversedChannels(const Tensor& weight) {
  const std::span<const float> values = weight.data<float>();
  const auto channels = static_cast<std::size_t>(weight.shape()[1]);
  const auto plane = static_cast<std::size_t>(weight.shape()[2] * weight.shape()[3]);
  std::vector<float> reversed(values.size());
  for (std::size_t base = 0; base < values.size(); base += channels * plane) {
    for (std::size_t c = 0; c < channels; ++c) {
      std::copy_n(
          values.begin() + static_cast<std::ptrdiff_t>(base + c * plane), plane,
          reversed.begin() + static_cast<std::ptrdiff_t>(base + (channels - 1 - c) * plane));
    }
  }
  return reversed;
}

using Kind = WeightDifference::Kind;

// How a tensor differs from the one that is known; nothing if it does not.
std::optional<Kind> Differs(const Layer& layer, std::size_t i, const LayerPrint::Weights& known) {
  const LayerPrint::Weights& found = layer.print.weights[i];
  if (found.sha256 == known.sha256) return std::nullopt;
  const Tensor& tensor = *layer.tensors[i];
  if (layer.print.op == "Conv" && found.role == "weight" && tensor.shape().rank() == 4) {
    if (HashOf(TransposedKernels(tensor)) == known.sha256) return Kind::kTransposed;
    if (HashOf(ReversedChannels(tensor)) == known.sha256) return Kind::kChannelsReversed;
  }
  if (found.role == "gamma") return Kind::kGamma;
  constexpr double kRounding = 2e-3;  // of bfloat16 over many values
  if (std::abs(found.rms - known.rms) <= kRounding * known.rms) return Kind::kRounded;
  return Kind::kOther;
}

bool SameSequence(const std::vector<Layer>& layers, const KnownNetwork& known) {
  return std::ranges::equal(layers, known.layers, [](const Layer& layer, const LayerPrint& print) {
    if (layer.print.op != print.op || layer.print.weights.size() != print.weights.size()) {
      return false;
    }
    for (std::size_t i = 0; i < print.weights.size(); ++i) {
      if (layer.print.weights[i].role != print.weights[i].role ||
          layer.print.weights[i].elements != print.weights[i].elements) {
        return false;
      }
    }
    return true;
  });
}

// Differences of one kind in one list, with what they were.
class Differences {
 public:
  void Add(Kind kind, const std::string& layer, std::string found, std::string wanted) {
    WeightDifference& difference = by_kind_[kind];
    difference.kind = kind;
    if (difference.count++ == 0) {
      difference.layers = layer;
      difference.found = std::move(found);
      difference.wanted = std::move(wanted);
    }
  }
  std::vector<WeightDifference> Take() {
    std::vector<WeightDifference> all;
    for (auto& [kind, difference] : by_kind_) {
      if (difference.count > 1) {
        difference.layers += fmt::format(" and {} more", difference.count - 1);
      }
      all.push_back(std::move(difference));
    }
    return all;
  }

 private:
  std::map<Kind, WeightDifference> by_kind_;
};

std::string RangeOf(std::span<const float> values) {
  const auto [low, high] = std::ranges::minmax(values);
  return low == high ? fmt::format("{:.4g}", low) : fmt::format("{:.4g}..{:.4g}", low, high);
}

WeightMatch Compare(const std::vector<Layer>& layers, const KnownNetwork& known) {
  WeightMatch match;
  match.network = &known;
  Differences differences;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const Layer& layer = layers[l];
    const LayerPrint& print = known.layers[l];
    for (std::size_t i = 0; i < print.weights.size(); ++i) {
      ++match.tensors;
      const std::optional<Kind> kind = Differs(layer, i, print.weights[i]);
      if (!kind) {
        ++match.equal;
        continue;
      }
      differences.Add(
          *kind, layer.print.name,
          *kind == Kind::kGamma ? RangeOf(layer.tensors[i]->data<float>())
                                : layer.print.weights[i].role,
          *kind == Kind::kGamma ? fmt::format("rms {:.4g}", print.weights[i].rms) : "as published");
    }
    if (std::abs(layer.print.epsilon - print.epsilon) > 0.01f * print.epsilon) {
      differences.Add(Kind::kEpsilon, layer.print.name, fmt::format("{:g}", layer.print.epsilon),
                      fmt::format("{:g}", print.epsilon));
    }
  }
  match.differences = Differences(std::move(differences)).Take();
  return match;
}

// Most weights must be the same in some way, or this is another training of the same architecture.
bool IsSameTraining(const WeightMatch& match) {
  int alike = match.equal;
  for (const WeightDifference& difference : match.differences) {
    if (difference.kind != Kind::kOther && difference.kind != Kind::kGamma &&
        difference.kind != Kind::kEpsilon) {
      alike += difference.count;
    }
  }
  return 2 * alike > match.tensors;
}

// Distance from a multiple of `period` to the nearest: a wave without floating point.
int Wave(int x, int period) {
  const int at = ((x % period) + period) % period;
  return std::min(at, period - at) * 510 / period;
}

}  // namespace

Image TestPattern(int side_px) {
  Image pattern(side_px, side_px);
  for (int y = 0; y < side_px; ++y) {
    std::uint8_t* row = pattern.row(y);
    for (int x = 0; x < side_px; ++x, row += Image::kChannels) {
      row[0] = static_cast<std::uint8_t>((Wave(3 * x + y, 97) + Wave(x * x / 40 + y, 61)) / 2);
      row[1] = static_cast<std::uint8_t>((Wave(x - 2 * y, 73) + Wave(5 * y, 89)) / 2);
      row[2] = static_cast<std::uint8_t>((Wave(y * y / 30 - x, 53) + Wave(2 * x + 7, 131)) / 2);
    }
  }
  return pattern;
}

std::vector<LayerPrint> PrintLayers(const Graph& graph) {
  std::vector<LayerPrint> prints;
  for (Layer& layer : LayersOf(graph)) prints.push_back(std::move(layer.print));
  return prints;
}

Result<std::string> KnownNetworkText(const Graph& graph, const std::string& name) {
  const InputChain chain = ReadInputChain(graph);
  VISAVIS_ASSIGN_OR_RETURN(const ModelProbe probe, ModelProbe::Create(graph));
  const Image pattern = TestPattern(probe.crop_size_px());
  VISAVIS_ASSIGN_OR_RETURN(const ProbeResult result, probe.Run({&pattern, 1}, Preparation{}));
  nlohmann::ordered_json json{{"version", 1},
                              {"name", name},
                              {"description", ""},
                              {"channel_order", "RGB"},
                              {"mean", chain.mean},
                              {"scale", chain.scale},
                              {"template", Name(FaceTemplate::kArcFace112)},
                              {"pattern_embedding", result.embeddings[0]},
                              {"layers", nlohmann::ordered_json::array()}};
  for (const LayerPrint& print : PrintLayers(graph)) {
    nlohmann::ordered_json layer{{"op", print.op}, {"name", print.name}};
    if (print.op == "BatchNormalization") layer["epsilon"] = print.epsilon;
    for (const LayerPrint::Weights& weights : print.weights) {
      layer["weights"].push_back({weights.role, weights.elements, weights.sha256, weights.rms});
    }
    json["layers"].push_back(std::move(layer));
  }
  // One layer a line.
  std::string text = "{\n";
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item.key() == "layers") {
      text += "\"layers\": [\n";
      for (std::size_t i = 0; i < item->size(); ++i) {
        text += (*item)[i].dump() + (i + 1 < item->size() ? ",\n" : "\n");
      }
      text += "]\n";
    } else {
      text += fmt::format("\"{}\": {},\n", item.key(), item->dump());
    }
  }
  return text + "}\n";
}

Result<KnownNetwork> ParseKnownNetwork(std::string_view text, std::string_view where) {
  constexpr std::size_t kBytes = std::size_t{8} << 20;
  constexpr int kDepth = 8;
  constexpr std::size_t kText = 1024;
  constexpr std::size_t kLayers = 10000;
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseJson(text, where, {kBytes, kDepth}));
  FirstError sink{std::string(where)};
  Fields fields(&json, "", sink);
  KnownNetwork known;
  fields.Integer("version", 1, 1);
  known.name = fields.Text("name", kText);
  known.description = fields.Text("description", kText, true);
  known.channel_order = fields.Text("channel_order", kText);
  known.face_template = fields.Text("template", kText);
  const auto numbers = [&](const char* key, std::size_t least, std::size_t most) {
    constexpr double kLargest = std::numeric_limits<float>::max();
    std::vector<double> values = fields.NumbersOrNone(key, most, -kLargest, kLargest);
    if (values.size() < least) {
      fields.Refuse(key, fmt::format("{} numbers", values.size()),
                    fmt::format("at least {}", least));
      values.resize(least);
    }
    return values;
  };
  const std::vector<double> mean = numbers("mean", 3, 3);
  const std::vector<double> scale = numbers("scale", 3, 3);
  std::copy_n(mean.begin(), 3, known.mean.begin());
  std::copy_n(scale.begin(), 3, known.scale.begin());
  for (const double v : numbers("pattern_embedding", 1, 65536)) {
    known.pattern_embedding.push_back(static_cast<float>(v));
  }
  for (Fields& layer : fields.Items("layers", kLayers)) {
    LayerPrint print;
    print.op = layer.Text("op", kText);
    print.name = layer.Text("name", kText, true);
    if (layer.MayHave("epsilon")) {
      print.epsilon = static_cast<float>(layer.Number("epsilon", 0, 1));
    }
    const Json* weights = layer.Array("weights", 4);
    for (std::size_t k = 0; weights != nullptr && k < weights->size(); ++k) {
      const Json& w = (*weights)[k];
      const bool right = w.is_array() && w.size() == 4 && w[0].is_string() &&
                         w[1].is_number_integer() && w[2].is_string() && w[3].is_number();
      if (!right) {
        layer.Refuse("weights", "found " + Found(w), "[role, elements, hash, rms]");
        break;
      }
      print.weights.push_back({w[0].get<std::string>(), w[1].get<std::int64_t>(),
                               w[2].get<std::string>(), w[3].get<double>()});
    }
    layer.Finish();
    known.layers.push_back(std::move(print));
  }
  fields.Finish();
  if (sink.error()) return *sink.error();
  return known;
}

const std::vector<KnownNetwork>& KnownNetworks() {
  static const std::vector<KnownNetwork> networks = [] {
    std::vector<KnownNetwork> all;
    for (const char* text : {KnownMobileFaceNetText()}) {
      Result<KnownNetwork> parsed = ParseKnownNetwork(text, "models/known");
      if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().message.c_str());
      VISAVIS_CHECK(parsed.has_value());
      all.push_back(std::move(parsed).value());
    }
    return all;
  }();
  return networks;
}

std::optional<WeightMatch> FindKnownNetwork(const Graph& graph) {
  const std::vector<Layer> layers = LayersOf(graph);
  for (const KnownNetwork& known : KnownNetworks()) {
    if (!SameSequence(layers, known)) continue;
    WeightMatch match = Compare(layers, known);
    if (IsSameTraining(match)) return match;
  }
  return std::nullopt;
}

}  // namespace visavis
