#include "quantize/quantizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/passes/fused_ops.h"
#include "quantize/compact.h"
#include "quantize/equalize.h"
#include "quantize/moments.h"

namespace visavis {
namespace {

/// Rounding each weight by the others' errors takes row^3 steps; longer rows go to the nearest.
constexpr int kLongestAdaptiveRow = 1152;
constexpr int kWeightLimit = 127;
constexpr int kReducedWeightLimit = 63;

void CorrectBias(const Layer& layer, const ChannelStatistics& input, std::span<const float> weights,
                 const QuantizedWeights& quantized, std::vector<float>& bias) {
  std::vector<double> means(input.sum.size());
  for (std::size_t c = 0; c < means.size(); ++c) means[c] = input.Mean(c);
  if (static_cast<int>(means.size()) != layer.in()) return;
  const std::vector<double> errors = MeanErrors(weights, quantized, layer, means);
  for (std::size_t o = 0; o < bias.size(); ++o) {
    bias[o] = static_cast<float>(bias[o] + errors[o]);
  }
}

// Scales of weights that let a bias be a whole number of products below 2^24, exact as a float and
// far from the ends of 32-bit sums. They matter for channels that all but ignore their input, whose
// weights are then too small to be seen beside the bias.
std::vector<float> LeastScales(float x_scale, std::span<const float> bias) {
  constexpr float kLargest = 1 << 24;
  std::vector<float> least(bias.size());
  std::ranges::transform(bias, least.begin(),
                         [&](float b) { return std::abs(b) / (x_scale * kLargest); });
  return least;
}

// To whole multiples of what one product of stored numbers stands for.
void RoundBias(float x_scale, const QuantizedWeights& weights, std::vector<float>& bias) {
  for (std::size_t o = 0; o < bias.size(); ++o) {
    const double unit = double{x_scale} * double{weights.scales[o]};
    bias[o] = static_cast<float>(std::nearbyint(bias[o] / unit) * unit);
  }
}

// The map of a BatchNormalization of stored values as factors of ten bits and whole multiples of
// what one step of their products stands for: exact in float32, so that its bytes are alike
// everywhere. Mean 0, variance 1 and epsilon 0 leave nothing else to round.
void MakeBatchNormsPortable(Graph& graph, const std::map<ValueId, ActivationScale>& scales) {
  constexpr int kBits = 10;
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) {
    const Node& node = graph.nodes[index];
    const auto stored = scales.find(node.input(0));
    if (!IsOnnx(node, "BatchNormalization") || node.inputs.size() != 5 || stored == scales.end()) {
      continue;
    }
    std::array<Tensor, 4> now;
    bool constant = true;
    for (std::size_t i = 0; i < now.size() && constant; ++i) {
      const Tensor* tensor = graph.constant(node.inputs[i + 1]);
      constant = tensor != nullptr && tensor->dtype() == DType::kF32;
      if (constant) now[i] = tensor->Clone();
    }
    if (!constant) continue;
    const auto gamma = now[0].data<float>(), beta = now[1].data<float>();
    const auto mean = now[2].data<float>(), variance = now[3].data<float>();
    const double epsilon = node.Float("epsilon", 1e-5f);
    for (std::size_t c = 0; c < gamma.size(); ++c) {
      const double factor = gamma[c] / std::sqrt(variance[c] + epsilon);
      const double shift = beta[c] - mean[c] * factor;
      int exponent = 0;
      std::frexp(factor, &exponent);
      const double step = std::ldexp(1.0, exponent - kBits);
      const double unit = step * double{stored->second.scale};
      gamma[c] = static_cast<float>(std::nearbyint(factor / step) * step);
      beta[c] = static_cast<float>(unit > 0 ? std::nearbyint(shift / unit) * unit : shift);
      mean[c] = 0;
      variance[c] = 1;
    }
    for (std::size_t i = 0; i < now.size(); ++i) {
      const std::string name = graph.value(node.inputs[i + 1]).name;
      const ValueId id = graph.AddConstant(name, std::move(now[i]));
      graph.nodes[index].inputs[i + 1] = id;
    }
    graph.nodes[index].attributes["epsilon"] = 0.0f;
  }
}

}  // namespace

Result<Quantizer> Quantizer::Create(const Graph& graph, CalibrationData data, bool for_qoperator,
                                    QuantizeHooks hooks) {
  if (data.samples.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "quantize: no calibration samples");
  }
  VISAVIS_ASSIGN_OR_RETURN(Graph prepared, PrepareForQuantization(graph, for_qoperator));
  return Quantizer(std::move(prepared), data, for_qoperator, std::move(hooks));
}

std::vector<std::string> Quantizer::LayerNames() const {
  std::vector<std::string> names;
  for (const Layer& layer : FindLayers(prepared_)) names.push_back(layer.name);
  return names;
}

Status Quantizer::EqualizeChannels(Graph& graph) const {
  const std::vector<EqualizedPair> pairs = FindEqualizedPairs(graph);
  if (pairs.empty()) return {};
  std::vector<ValueId> values;
  for (const EqualizedPair& pair : pairs) values.push_back(pair.value);
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<ChannelStatistics> statistics,
                           ObserveChannels(graph, values, data_.samples, hooks_));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Equalize(graph, pairs[i], statistics[i].Ranges());
  }
  return {};
}

Result<Quantizer::Calibrated*> Quantizer::Calibrate(const Recipe& recipe) {
  const auto known = calibrated_.find(recipe.equalize);
  if (known != calibrated_.end()) return &known->second;
  Calibrated made;
  made.graph = prepared_;
  if (recipe.equalize) VISAVIS_RETURN_IF_ERROR(EqualizeChannels(made.graph));
  if (data_.pixels) made.grid = CentrePixels(made.graph, *data_.pixels);

  // Whatever any recipe of this format may store.
  Recipe widest = recipe;
  widest.float_layers.clear();
  widest.first_float = widest.last_float = widest.float_residual = false;
  std::set<ValueId> wanted = ChooseValues(made.graph, widest).values;
  widest.float_residual = true;
  wanted.merge(ChooseValues(made.graph, widest).values);
  const std::vector<ValueId> values(wanted.begin(), wanted.end());
  VISAVIS_ASSIGN_OR_RETURN(std::vector<ChannelStatistics> statistics,
                           ObserveChannels(made.graph, values, data_.samples, hooks_));
  VISAVIS_ASSIGN_OR_RETURN(
      std::vector<ValueHistogram> histograms,
      ObserveHistograms(made.graph, values, statistics, data_.samples, hooks_));
  for (std::size_t k = 0; k < values.size(); ++k) {
    made.statistics[values[k]] = std::move(statistics[k]);
    made.histograms[values[k]] = std::move(histograms[k]);
  }
  return &calibrated_.emplace(recipe.equalize, std::move(made)).first->second;
}

Status Quantizer::ObserveMoments(Calibrated& calibrated) const {
  if (!calibrated.moments.empty()) return {};
  std::vector<Layer> layers;
  for (const Layer& layer : FindLayers(calibrated.graph)) {
    if (layer.row() <= kLongestAdaptiveRow) layers.push_back(layer);
  }
  VISAVIS_ASSIGN_OR_RETURN(
      calibrated.moments, visavis::ObserveMoments(calibrated.graph, layers, data_.samples, hooks_));
  return {};
}

std::map<ValueId, ActivationScale> Quantizer::Scales(Calibrated& calibrated,
                                                     const QuantizedValues& chosen,
                                                     const Recipe& recipe) const {
  std::map<ValueId, ActivationScale> scales;
  for (const ValueId id : chosen.values) {
    const auto [known, added] = calibrated.scales.try_emplace(
        {id, recipe.ranges, recipe.percentile, recipe.signed_activations, recipe.portable_scales});
    if (added) known->second = ChooseScale(calibrated.histograms.at(id), recipe);
    scales[id] = known->second;
  }
  for (const auto& [in, out] : chosen.shared) scales[in] = scales.at(out);
  // Pixels are whole numbers already.
  if (calibrated.grid && !recipe.signed_activations) {
    const Layer first = FindLayers(calibrated.graph).front();
    const ValueId x = calibrated.graph.nodes[static_cast<std::size_t>(first.node)].inputs[0];
    if (const auto found = scales.find(x); found != scales.end()) {
      found->second = {static_cast<float>(calibrated.grid->scale),
                       static_cast<int>(calibrated.grid->mean)};
    }
  }
  return scales;
}

Result<Graph> Quantizer::Quantize(const Recipe& recipe) {
  if ((recipe.format == QuantFormat::kQOperator) != for_qoperator_) {
    return MakeError(ErrorCode::kInvalidArgument, "quantize: made for the other format");
  }
  VISAVIS_ASSIGN_OR_RETURN(Calibrated * calibrated, Calibrate(recipe));
  if (recipe.rounding == Rounding::kAdaptive) {
    VISAVIS_RETURN_IF_ERROR(ObserveMoments(*calibrated));
  }
  Graph graph = calibrated->graph;
  const QuantizedValues chosen = ChooseValues(graph, recipe);
  const std::map<ValueId, ActivationScale> scales = Scales(*calibrated, chosen, recipe);
  if (recipe.portable_scales) MakeBatchNormsPortable(graph, scales);
  std::vector<QuantizedWeights> weights(chosen.layers.size());
  std::vector<std::vector<float>> biases(chosen.layers.size());
  ParallelFor(hooks_.pool, std::ssize(weights), [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i);
    const Layer& layer = chosen.layers[at];
    const std::span<const float> from = WeightsOf(graph, layer);
    const auto moments = calibrated->moments.find(layer.node);
    const bool adaptive =
        recipe.rounding == Rounding::kAdaptive && moments != calibrated->moments.end();
    biases[at] = BiasOf(graph, layer);
    const ValueId x = graph.nodes[static_cast<std::size_t>(layer.node)].inputs[0];
    const WeightGrid grid{recipe.reduce_range ? kReducedWeightLimit : kWeightLimit,
                          recipe.portable_scales, LeastScales(scales.at(x).scale, biases[at])};
    weights[at] = adaptive ? QuantizeAdaptively(from, layer, grid, moments->second)
                           : QuantizeToNearest(from, layer.out, grid);
    if (recipe.correct_bias) {
      CorrectBias(layer, calibrated->statistics.at(x), from, weights[at], biases[at]);
    }
    if (recipe.portable_scales) RoundBias(scales.at(x).scale, weights[at], biases[at]);
  });
  VISAVIS_RETURN_IF_ERROR(hooks_.CheckCancelled());
  Graph quantized = InsertQdq(graph, chosen, scales, weights, biases, recipe);
  if (for_qoperator_) quantized = ToQOperators(std::move(quantized));
  MakeCompact(quantized);
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(quantized, "quantized model"));
  return quantized;
}

}  // namespace visavis
