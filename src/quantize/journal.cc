#include "quantize/journal.h"

#include <fmt/format.h>

#include <utility>

#include "base/try.h"
#include "json/fields.h"
#include "json/parse.h"

namespace visavis {
namespace {

constexpr std::int64_t kMaxJournalBytes = 64LL << 20;
constexpr std::size_t kMaxLineBytes = 1 << 20;
constexpr std::size_t kMaxKeyBytes = 512;
constexpr int kMaxDepth = 4;

// Equal for equal recipes, however a file orders their keys.
std::string Sorted(const nlohmann::json& recipe) { return recipe.dump(); }

Agreement ReadAgreement(Fields fields) {
  return {fields.Number("mean", -1, 1), fields.Number("least", -1, 1)};
}

FaceAccuracy ReadAccuracy(Fields fields) {
  FaceAccuracy accuracy;
  for (const auto& [key, value] :
       {std::pair("flip", &accuracy.flip), std::pair("flip_deviation", &accuracy.flip_deviation),
        std::pair("plain", &accuracy.plain), std::pair("inc", &accuracy.neural_compressor),
        std::pair("omz", &accuracy.open_model_zoo), std::pair("tar_at_far_1e-3", &accuracy.tar),
        std::pair("val_at_far_1e-3", &accuracy.val)}) {
    *value = fields.Number(key, 0, 1);
  }
  return accuracy;
}

}  // namespace

Result<JournalEntry> ParseJournalLine(std::string_view line) {
  constexpr std::string_view kWhere = "journal of trials";
  constexpr JsonLimits kLimits{.bytes = kMaxLineBytes, .depth = kMaxDepth};
  VISAVIS_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(line, kWhere, kLimits));
  FirstError first{std::string(kWhere)};
  Fields fields(&json, "", first);
  JournalEntry entry;
  entry.key = fields.Text("key", kMaxKeyBytes);
  const nlohmann::json* recipe = fields.Any("recipe");
  if (recipe != nullptr && recipe->is_object()) {
    entry.recipe = Sorted(*recipe);
  } else if (recipe != nullptr) {
    fields.Refuse("recipe", "found " + Found(*recipe), "an object");
  }
  entry.trial.nearness = ReadAgreement(fields.Object("cosine"));
  if (fields.MayHave("accuracy")) {
    entry.trial.accuracy = ReadAccuracy(fields.Object("accuracy"));
    entry.trial.pairs_nearness = ReadAgreement(fields.Object("pairs_cosine"));
  }
  if (first.error()) return *first.error();
  return entry;
}

std::string JournalLine(const std::string& key, const Trial& trial) {
  nlohmann::ordered_json json{{"key", key}};
  json.update(TrialAsJson(trial));
  return json.dump();
}

Result<std::unique_ptr<JournalFile>> JournalFile::Open(FileSystem& fs, const std::string& path,
                                                       const QuantizationSource& source,
                                                       bool fresh) {
  const std::string key = fmt::format("{} {} {} {}", source.model_sha256, source.calibration_sha256,
                                      source.pairs_sha256, source.seed);
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
    Result<JournalEntry> entry = ParseJournalLine(line);
    if (!entry) break;
    if (entry->key != key) continue;
    journal->known_[std::move(entry->recipe)] = std::move(entry->trial);
    journal->text_.append(line).push_back('\n');
  }
  return journal;
}

Status JournalFile::Append(const Trial& trial) {
  known_[Sorted(RecipeAsJson(trial.recipe))] = trial;
  text_ += JournalLine(key_, trial) + "\n";
  return WriteFileAtomically(fs_, path_,
                             {reinterpret_cast<const std::uint8_t*>(text_.data()), text_.size()});
}

TrialJournal JournalFile::Hooks() {
  TrialJournal hooks;
  hooks.find = [this](const Recipe& recipe) -> std::optional<Trial> {
    const auto found = known_.find(Sorted(RecipeAsJson(recipe)));
    if (found == known_.end()) return std::nullopt;
    Trial trial = found->second;
    trial.recipe = recipe;
    return trial;
  };
  hooks.add = [this](const Trial& trial) { return Append(trial); };
  return hooks;
}

void JournalFile::Remove() { (void)fs_.Remove(path_); }

}  // namespace visavis
