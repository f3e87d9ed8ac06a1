#include "quantize/record.h"

#include <utility>

#include "base/try.h"

namespace visavis {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMaxJournalBytes = 64LL << 20;

Json AgreementAsJson(const Agreement& agreement) {
  return {{"mean", agreement.mean}, {"least", agreement.least}};
}

Agreement ReadAgreement(const Json& json) { return {json.at("mean"), json.at("least")}; }

FaceAccuracy ReadAccuracy(const Json& json) {
  FaceAccuracy accuracy;
  accuracy.flip = json.at("flip");
  accuracy.flip_deviation = json.at("flip_deviation");
  accuracy.plain = json.at("plain");
  accuracy.neural_compressor = json.at("inc");
  accuracy.open_model_zoo = json.at("omz");
  accuracy.tar = json.at("tar_at_far_1e-3");
  accuracy.val = json.at("val_at_far_1e-3");
  return accuracy;
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

Result<std::unique_ptr<JournalFile>> JournalFile::Open(FileSystem& fs, const std::string& path,
                                                       const QuantizationSource& source,
                                                       bool fresh) {
  const std::string key = source.model_sha256 + source.calibration_sha256 + source.pairs_sha256 +
                          std::to_string(source.seed);
  std::unique_ptr<JournalFile> journal(new JournalFile(fs, path, key));
  if (fresh) return journal;
  Result<std::vector<std::uint8_t>> bytes = fs.ReadFile(path, kMaxJournalBytes);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::kNotFound) return journal;
    return bytes.error();
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    const Json json = Json::parse(line, nullptr, false);
    if (json.is_discarded()) break;
    // Anything else than what Append writes ends the journal.
    try {
      if (json.at("key") != key) continue;
      Trial trial;
      trial.nearness = ReadAgreement(json.at("cosine"));
      if (json.contains("accuracy")) trial.accuracy = ReadAccuracy(json.at("accuracy"));
      if (json.contains("pairs_cosine")) {
        trial.pairs_nearness = ReadAgreement(json.at("pairs_cosine"));
      }
      journal->known_[json.at("recipe").dump()] = trial;
    } catch (const Json::exception&) {
      break;
    }
    journal->text_ += std::string(line) + "\n";
  }
  return journal;
}

Status JournalFile::Append(const Trial& trial) {
  Json json = TrialAsJson(trial);
  json["key"] = key_;
  text_ += json.dump() + "\n";
  return WriteFileAtomically(fs_, path_,
                             {reinterpret_cast<const std::uint8_t*>(text_.data()), text_.size()});
}

TrialJournal JournalFile::Hooks() {
  TrialJournal hooks;
  hooks.find = [this](const Recipe& recipe) -> std::optional<Trial> {
    const auto found = known_.find(RecipeAsJson(recipe).dump());
    return found == known_.end() ? std::nullopt : std::optional(found->second);
  };
  hooks.add = [this](const Trial& trial) { return Append(trial); };
  return hooks;
}

void JournalFile::Remove() { (void)fs_.Remove(path_); }

}  // namespace visavis
