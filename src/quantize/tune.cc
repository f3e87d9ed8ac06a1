#include "quantize/tune.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::size_t kProbes = 32;    // calibration samples that nearness is measured on
constexpr std::size_t kFinalists = 3;  // recipes of a search that are measured on the pairs
constexpr double kSpeedNoise = 1.02;

const Agreement& NearnessToJudge(const Trial& trial) {
  return trial.pairs_nearness ? *trial.pairs_nearness : trial.nearness;
}

bool KeepsAccuracy(const FaceAccuracy& in_float, const FaceAccuracy& in_int8, const Gate& gate) {
  const double before = ValueOf(in_float, gate.metric);
  const double allowed = gate.relative ? gate.max_drop * before : gate.max_drop;
  // Accuracies are multiples of one pair; a drop that is allowed exactly must not fail by rounding.
  constexpr double kRounding = 1e-9;
  return ValueOf(in_int8, gate.metric) >= before - allowed - kRounding;
}

class Tuner {
 public:
  Tuner(const Model& float_model, Quantizer& quantizer, std::span<const Sample> samples,
        const FaceSet* pairs, const TuneOptions& options)
      : float_model_(float_model),
        quantizer_(quantizer),
        probes_(samples.first(std::min(samples.size(), kProbes))),
        pairs_(pairs),
        options_(options) {}

  Result<TuneResult> Run(const Recipe& first) {
    VISAVIS_RETURN_IF_ERROR(MeasureFloat());
    VISAVIS_RETURN_IF_ERROR(TryFully(first));
    if (!result_.best.passed && options_.search) {
      VISAVIS_RETURN_IF_ERROR(SearchRecipes(first));
      if (!result_.best.passed) VISAVIS_RETURN_IF_ERROR(FallBack());
    }
    VISAVIS_ASSIGN_OR_RETURN(result_.graph, quantizer_.Quantize(result_.best.recipe));
    if (options_.gate.check_speed) {
      VISAVIS_ASSIGN_OR_RETURN(
          result_.speeds,
          MeasureSpeeds(float_model_, Model::FromGraph(result_.graph), probes_[0], options_.hooks));
      result_.slower = result_.speeds.after_ms > kSpeedNoise * result_.speeds.before_ms;
    }
    return std::move(result_);
  }

 private:
  Status MeasureFloat() {
    VISAVIS_ASSIGN_OR_RETURN(float_outputs_,
                             RunSamples(float_model_, probes_, options_.hooks, "float samples"));
    if (pairs_ == nullptr) return {};
    VISAVIS_ASSIGN_OR_RETURN(
        float_embeddings_, EmbedFaces(float_model_, pairs_->crops, options_.hooks, "float pairs"));
    VISAVIS_ASSIGN_OR_RETURN(result_.float_accuracy,
                             MeasureFaces(float_embeddings_, pairs_->pairs));
    return {};
  }

  Result<Agreement> Nearness(const Model& model, std::string_view stage) {
    VISAVIS_ASSIGN_OR_RETURN(const Outputs outputs,
                             RunSamples(model, probes_, options_.hooks, stage));
    return Compare(float_outputs_, outputs);
  }

  bool Passes(const Trial& trial) const {
    if (NearnessToJudge(trial).mean < options_.gate.min_cosine) return false;
    return !trial.accuracy ||
           KeepsAccuracy(*result_.float_accuracy, *trial.accuracy, options_.gate);
  }

  std::optional<Trial> Known(const Recipe& recipe) const {
    return options_.journal.find ? options_.journal.find(recipe) : std::nullopt;
  }
  Status Remember(const Trial& trial) const {
    return options_.journal.add ? options_.journal.add(trial) : Status();
  }

  // Nearness alone, as a search asks for it.
  Result<Trial> TryOnSamples(const Recipe& recipe, std::string_view stage) {
    if (std::optional<Trial> known = Known(recipe)) return *std::move(known);
    VISAVIS_ASSIGN_OR_RETURN(Graph graph, quantizer_.Quantize(recipe));
    Trial trial;
    trial.recipe = recipe;
    VISAVIS_ASSIGN_OR_RETURN(trial.nearness, Nearness(Model::FromGraph(std::move(graph)), stage));
    VISAVIS_RETURN_IF_ERROR(Remember(trial));
    return trial;
  }

  // Nearness, and accuracy if there are pairs.
  Result<Trial> Measure(const Recipe& recipe) {
    std::optional<Trial> known = Known(recipe);
    if (known && (known->accuracy || pairs_ == nullptr)) return *std::move(known);
    VISAVIS_ASSIGN_OR_RETURN(Graph graph, quantizer_.Quantize(recipe));
    const Model model = Model::FromGraph(std::move(graph));
    Trial trial;
    trial.recipe = recipe;
    VISAVIS_ASSIGN_OR_RETURN(trial.nearness, Nearness(model, "trial"));
    if (pairs_ != nullptr) {
      VISAVIS_ASSIGN_OR_RETURN(const FaceEmbeddings rows,
                               EmbedFaces(model, pairs_->crops, options_.hooks, "int8 pairs"));
      VISAVIS_ASSIGN_OR_RETURN(trial.accuracy, MeasureFaces(rows, pairs_->pairs));
      trial.pairs_nearness = Compare(float_embeddings_.plain, rows.plain);
    }
    VISAVIS_RETURN_IF_ERROR(Remember(trial));
    return trial;
  }

  // Keeps `recipe` if it is the best.
  Status TryFully(const Recipe& recipe) {
    VISAVIS_ASSIGN_OR_RETURN(Trial trial, Measure(recipe));
    trial.passed = Passes(trial);
    if (options_.on_trial) options_.on_trial(trial);
    if (result_.trials.empty() || IsBetter(trial, result_.best)) result_.best = trial;
    result_.trials.push_back(std::move(trial));
    return {};
  }

  bool IsBetter(const Trial& a, const Trial& b) const {
    if (a.passed != b.passed) return a.passed;
    if (a.accuracy && b.accuracy) {
      const double mine = ValueOf(*a.accuracy, options_.gate.metric);
      const double other = ValueOf(*b.accuracy, options_.gate.metric);
      if (mine != other) return mine > other;
    }
    return a.nearness.mean > b.nearness.mean;
  }

  static std::vector<Recipe> OtherRecipes(const Recipe& first) {
    std::vector<Recipe> recipes;
    for (const RangeMethod method : {RangeMethod::kMse, RangeMethod::kPercentile,
                                     RangeMethod::kMinMax, RangeMethod::kEntropy}) {
      for (const bool equalize : {true, false}) {
        for (const Rounding rounding : {Rounding::kNearest, Rounding::kAdaptive}) {
          for (const bool float_residual : {false, true}) {
            // The operator form has no float stream to keep.
            if (float_residual && first.format == QuantFormat::kQOperator) continue;
            Recipe recipe = first;
            recipe.ranges = method;
            recipe.equalize = equalize;
            recipe.rounding = rounding;
            recipe.float_residual = float_residual;
            if (recipe != first) recipes.push_back(std::move(recipe));
          }
        }
      }
    }
    return recipes;
  }

  Status SearchRecipes(const Recipe& first) {
    std::vector<Trial> trials;
    const std::vector<Recipe> recipes = OtherRecipes(first);
    for (std::size_t i = 0; i < recipes.size(); ++i) {
      options_.hooks.Report("search", static_cast<std::int64_t>(i), std::ssize(recipes));
      VISAVIS_ASSIGN_OR_RETURN(Trial trial, TryOnSamples(recipes[i], "trial"));
      trials.push_back(std::move(trial));
    }
    std::ranges::stable_sort(
        trials, [](const Trial& a, const Trial& b) { return a.nearness.mean > b.nearness.mean; });
    for (std::size_t i = 0; i < trials.size(); ++i) {
      if (i >= kFinalists) {
        if (options_.on_trial) options_.on_trial(trials[i]);
        result_.trials.push_back(std::move(trials[i]));
        continue;
      }
      VISAVIS_RETURN_IF_ERROR(TryFully(trials[i].recipe));
      if (result_.best.passed) return {};
    }
    return {};
  }

  // Layers by falling sensitivity: how far the outputs move when that layer alone is quantized.
  Result<std::vector<std::string>> BySensitivity(const Recipe& recipe) {
    const std::vector<std::string> names = quantizer_.LayerNames();
    std::vector<std::pair<double, std::string>> moved;
    for (std::size_t i = 0; i < names.size(); ++i) {
      options_.hooks.Report("sensitivity", static_cast<std::int64_t>(i), std::ssize(names));
      Recipe alone = recipe;
      alone.float_layers = {names.begin(), names.end()};
      alone.float_layers.erase(names[i]);
      VISAVIS_ASSIGN_OR_RETURN(const Trial trial, TryOnSamples(alone, "sensitivity of a layer"));
      moved.emplace_back(1 - trial.nearness.mean, names[i]);
    }
    std::ranges::stable_sort(moved, [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<std::string> sorted;
    for (auto& [distance, name] : moved) sorted.push_back(std::move(name));
    return sorted;
  }

  Status FallBack() {
    const Recipe best = result_.best.recipe;
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::string> sensitive, BySensitivity(best));
    // Half of the layers in float is no int8 network any more.
    for (std::size_t count = 1; 2 * count <= sensitive.size(); count *= 2) {
      Recipe recipe = best;
      recipe.float_layers.insert(sensitive.begin(),
                                 sensitive.begin() + static_cast<std::ptrdiff_t>(count));
      VISAVIS_RETURN_IF_ERROR(TryFully(recipe));
      if (result_.best.passed) return {};
    }
    return {};
  }

  const Model& float_model_;
  Quantizer& quantizer_;
  std::span<const Sample> probes_;
  const FaceSet* pairs_;
  const TuneOptions& options_;
  Outputs float_outputs_;
  FaceEmbeddings float_embeddings_;
  TuneResult result_;
};

}  // namespace

Status ParseMaxDrop(std::string_view text, Gate& gate) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || number < 0 || number > 100 || (unit != "pp" && unit != "%")) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "max drop '{}', want e.g. 0.1pp (percentage points) or 1% (of the value)",
                     text);
  }
  gate.max_drop = number / 100;
  gate.relative = unit == "%";
  return {};
}

Result<TuneResult> Tune(const Model& float_model, Quantizer& quantizer, const Recipe& first,
                        std::span<const Sample> samples, const FaceSet* pairs,
                        const TuneOptions& options) {
  return Tuner(float_model, quantizer, samples, pairs, options).Run(first);
}

Verdict Judge(const TuneResult& result, const Gate& gate) {
  Verdict verdict;
  const Trial& best = result.best;
  if (const double cosine = NearnessToJudge(best).mean; cosine < gate.min_cosine) {
    verdict.reasons.push_back(
        fmt::format("mean cosine {:.5f}, want {:.5f}", cosine, gate.min_cosine));
  }
  if (best.accuracy && !KeepsAccuracy(*result.float_accuracy, *best.accuracy, gate)) {
    verdict.reasons.push_back(fmt::format("{} is {:.3f} %, {:.3f} % in float: more than {}{} lost",
                                          Name(gate.metric),
                                          100 * ValueOf(*best.accuracy, gate.metric),
                                          100 * ValueOf(*result.float_accuracy, gate.metric),
                                          100 * gate.max_drop, gate.relative ? " %" : " points"));
  }
  if (result.slower) {
    verdict.reasons.push_back(fmt::format("{:.2f} ms an image on this machine, {:.2f} ms in float",
                                          result.speeds.after_ms, result.speeds.before_ms));
  }
  verdict.accepted = verdict.reasons.empty();
  return verdict;
}

}  // namespace visavis
