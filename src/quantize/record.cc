#include "quantize/record.h"

#include <utility>

namespace visavis {
namespace {

using Json = nlohmann::ordered_json;

Json AgreementAsJson(const Agreement& agreement) {
  return {{"mean", agreement.mean}, {"least", agreement.least}};
}

}  // namespace

Json RecipeAsJson(const Recipe& recipe) {
  Json json{{"format", recipe.format == QuantFormat::kQdq ? "qdq" : "qoperator"},
            {"method", Name(recipe.ranges)}};
  if (recipe.ranges == RangeMethod::kPercentile) json["percentile"] = recipe.percentile;
  json["activations"] = recipe.signed_activations ? "s8" : "u8";
  json["weights"] = recipe.reduce_range ? "s8 per channel, 7 bits" : "s8 per channel";
  json["scales"] = recipe.portable_scales ? "portable" : "free";
  json["equalize"] = recipe.equalize;
  json["bias_correction"] = recipe.correct_bias;
  json["rounding"] = recipe.rounding == Rounding::kAdaptive ? "adaptive" : "nearest";
  json["first_layer"] = recipe.first_float ? "float" : "int8";
  json["last_layer"] = recipe.last_float ? "float" : "int8";
  json["residual"] = recipe.float_residual ? "float" : "int8";
  json["bias"] = recipe.int32_bias ? "int32" : "float";
  json["float_layers"] = recipe.float_layers;
  return json;
}

Json AccuracyAsJson(const FaceAccuracy& accuracy) {
  return {{"flip", accuracy.flip},          {"flip_deviation", accuracy.flip_deviation},
          {"plain", accuracy.plain},        {"inc", accuracy.neural_compressor},
          {"omz", accuracy.open_model_zoo}, {"tar_at_far_1e-3", accuracy.tar},
          {"val_at_far_1e-3", accuracy.val}};
}

Json TrialAsJson(const Trial& trial) {
  Json json{{"recipe", RecipeAsJson(trial.recipe)}, {"cosine", AgreementAsJson(trial.nearness)}};
  if (trial.pairs_nearness) json["pairs_cosine"] = AgreementAsJson(*trial.pairs_nearness);
  if (trial.accuracy) json["accuracy"] = AccuracyAsJson(*trial.accuracy);
  json["passed"] = trial.passed;
  return json;
}

Json RecordAsJson(const QuantizationSource& source, const TuneResult& result) {
  Json json{{"source_sha256", source.model_sha256},
            {"calibration",
             {{"set", source.calibration},
              {"sha256", source.calibration_sha256},
              {"samples", source.samples},
              {"seed", source.seed}}},
            {"recipe", RecipeAsJson(result.best.recipe)},
            {"cosine", AgreementAsJson(result.best.nearness)}};
  if (result.float_accuracy && result.best.accuracy) {
    json["pairs"] = {{"set", source.pairs}, {"sha256", source.pairs_sha256}};
    json["accuracy"] = {{"float", AccuracyAsJson(*result.float_accuracy)},
                        {"int8", AccuracyAsJson(*result.best.accuracy)}};
    json["pairs_cosine"] = AgreementAsJson(*result.best.pairs_nearness);
  }
  return json;
}

}  // namespace visavis
