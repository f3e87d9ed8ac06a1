// The text of a contract -> ModelContract.
#include "json/parse.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/base64.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "contract/format.h"
#include "json/fields.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr double kLargestPixelNumber = 1e6;  // means and scales
constexpr std::int64_t kLargestExtent = 1 << 20;
constexpr std::size_t kLargestRank = 8;
constexpr std::size_t kMostOutputs = 64;
constexpr int kLargestCrop = 4096;

// A name that cannot leave the folder: no separators, no leading dot, no control characters.
bool IsFileName(std::string_view name) {
  return !name.empty() && name.front() != '.' && name.size() <= 255 &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

// Names of templates and precisions.
bool IsPlainWord(std::string_view word) {
  return !word.empty() && word.size() <= 64 &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == word.npos;
}

std::string Hash(Fields& fields, const char* key, bool may_be_empty = false) {
  std::string text = fields.Text(key, 64, may_be_empty);
  if (!IsHex(text, 64) && !(may_be_empty && text.empty())) {
    fields.Refuse(key, "found \"" + text + "\"", "64 lower-case hex digits");
  }
  return text;
}

std::string Word(Fields& fields, const char* key) {
  std::string text = fields.Text(key, 64);
  if (!IsPlainWord(text)) {
    fields.Refuse(key, "found \"" + text + "\"", "lower-case letters, digits, - _ or .");
  }
  return text;
}

std::array<double, 3> ThreeNumbers(Fields& fields, const char* key, bool zero_allowed) {
  std::array<double, 3> numbers{1, 1, 1};
  const Json* array = fields.Array(key, 3);
  if (array == nullptr) return numbers;
  for (std::size_t i = 0; i < 3; ++i) {
    const Json* item = i < array->size() ? &(*array)[i] : nullptr;
    const double number = item != nullptr && item->is_number() ? item->get<double>() : NAN;
    if (!(std::abs(number) <= kLargestPixelNumber) || (number == 0 && !zero_allowed)) {
      fields.Refuse(
          key, "found " + (item == nullptr ? Found(*array) : Found(*item)),
          zero_allowed ? "three numbers of at most 1e6" : "three numbers of at most 1e6, none 0");
      return numbers;
    }
    numbers[i] = number;
  }
  return numbers;
}

// Extents; an open one is a text (its symbol) or -1.
std::vector<std::int64_t> ReadShape(Fields& fields, const char* key) {
  std::vector<std::int64_t> shape;
  const Json* array = fields.Array(key, kLargestRank);
  if (array == nullptr) return shape;
  for (const Json& item : *array) {
    if (item.is_null()) {
      shape.push_back(-1);
      continue;
    }
    if (!item.is_number_unsigned() || item.get<std::uint64_t>() == 0 ||
        item.get<std::uint64_t>() > static_cast<std::uint64_t>(kLargestExtent)) {
      fields.Refuse(key, "found " + Found(item), "extents from 1 to 1048576, or null where open");
      break;
    }
    shape.push_back(item.get<std::int64_t>());
  }
  return shape;
}

ContractInput ReadInput(Fields fields, const ContractLimits& limits) {
  ContractInput input;
  input.name = fields.Text("name", limits.text_bytes);
  input.shape = ReadShape(fields, "shape");
  if (const std::string layout = fields.Text("layout", 16); layout != "NCHW") {
    fields.Refuse("layout", "found \"" + layout + "\"", "\"NCHW\"", ErrorCode::kUnsupported);
  }
  const std::string order = fields.Text("channel_order", 16);
  if (order != "RGB" && order != "BGR") {
    fields.Refuse("channel_order", "found \"" + order + "\"", "\"RGB\" or \"BGR\"");
  }
  input.channel_order = order == "BGR" ? ChannelOrder::kBgr : ChannelOrder::kRgb;
  const std::string where = fields.Text("normalisation", 16);
  if (where != "inside" && where != "outside") {
    fields.Refuse("normalisation", "found \"" + where + "\"", "\"inside\" or \"outside\"");
  }
  input.normalised_inside = where != "outside";
  input.mean = ThreeNumbers(fields, "mean", true);
  input.scale = ThreeNumbers(fields, "scale", false);
  fields.Finish();
  return input;
}

std::vector<ContractOutput> ReadOutputs(Fields& fields, const ContractLimits& limits) {
  std::vector<ContractOutput> outputs;
  for (Fields& item : fields.Items("outputs", kMostOutputs)) {
    ContractOutput output;
    output.name = item.Text("name", limits.text_bytes);
    output.dimension = item.Integer("dimension", 0, kLargestExtent);
    item.Finish();
    outputs.push_back(std::move(output));
  }
  return outputs;
}

ContractThreshold ReadThreshold(Fields fields, const ContractLimits& limits) {
  ContractThreshold threshold;
  threshold.similarity = fields.Number("similarity", -1, 1);
  threshold.origin = fields.Text("origin", limits.text_bytes);
  if (fields.MayHave("target")) {
    Fields from = fields.Object("target");
    ContractThreshold::Target target;
    const std::string rate = from.Text("rate", 16);
    if (rate != "FMR" && rate != "FPIR") {
      from.Refuse("rate", "found \"" + rate + "\"", "\"FMR\" or \"FPIR\"");
    }
    target.rate = rate == "FPIR" ? ContractThreshold::Target::Rate::kFpir
                                 : ContractThreshold::Target::Rate::kFmr;
    target.value = from.Number("value", 0, 1);
    if (target.value == 0 || target.value == 1) {
      from.Refuse("value", fmt::format("found {}", target.value), "a number between 0 and 1");
    }
    if (rate == "FPIR") target.gallery_size = from.Integer("gallery_size", 1);
    from.Finish();
    threshold.target = target;
  }
  if (fields.MayHave("interval")) {
    Fields from = fields.Object("interval");
    ContractThreshold::Interval interval;
    interval.low = from.Number("low", -1, 1);
    interval.high = from.Number("high", -1, 1);
    interval.confidence = from.Number("confidence", 0, 1);
    if (interval.low > interval.high) {
      from.Refuse("low", fmt::format("found {}", interval.low),
                  fmt::format("at most \"high\", {}", interval.high));
    }
    from.Finish();
    threshold.interval = interval;
  }
  if (fields.MayHave("data")) {
    Fields from = fields.Object("data");
    ContractThreshold::Data data;
    data.description = from.Text("description", limits.text_bytes);
    data.sha256 = Hash(from, "sha256", /*may_be_empty=*/true);
    data.genuine_pairs = from.Integer("genuine_pairs");
    data.impostor_pairs = from.Integer("impostor_pairs");
    data.identities = from.Integer("identities");
    from.Finish();
    threshold.data = data;
  }
  fields.Finish();
  return threshold;
}

std::vector<ProbabilityMap::Knot> ReadKnots(Fields& fields, const ContractLimits& limits) {
  std::vector<ProbabilityMap::Knot> knots;
  const Json* array = fields.Array("knots", limits.knots);
  if (array == nullptr) return knots;
  for (const Json& item : *array) {
    const bool pair =
        item.is_array() && item.size() == 2 && item[0].is_number() && item[1].is_number();
    const ProbabilityMap::Knot knot =
        pair ? ProbabilityMap::Knot{item[0].get<double>(), item[1].get<double>()}
             : ProbabilityMap::Knot{NAN, NAN};
    const bool rises = knots.empty() || (knot.similarity > knots.back().similarity &&
                                         knot.probability >= knots.back().probability);
    if (!(knot.similarity >= -1 && knot.similarity <= 1 && knot.probability >= 0 &&
          knot.probability <= 1 && rises)) {
      fields.Refuse("knots", fmt::format("item {} is {}", knots.size(), item.dump()),
                    "[similarity, probability], rising in both");
      return knots;
    }
    knots.push_back(knot);
  }
  if (knots.empty()) fields.Refuse("knots", "is empty", "at least one knot");
  return knots;
}

ProbabilityMap ReadProbability(Fields fields, const ContractLimits& limits) {
  constexpr double kLargestCoefficient = 1e6;
  ProbabilityMap map;
  const std::string model = fields.Text("model", 16);
  map.prior = fields.Number("prior", 0, 1);
  if (map.prior == 0 || map.prior == 1) {
    fields.Refuse("prior", fmt::format("found {}", map.prior), "a number between 0 and 1");
  }
  if (model == "logistic") {
    map.model = ProbabilityModel::kLogistic;
    map.slope = fields.Number("slope", 0, kLargestCoefficient);
    map.intercept = fields.Number("intercept", -kLargestCoefficient, kLargestCoefficient);
  } else if (model == "isotonic") {
    map.model = ProbabilityModel::kIsotonic;
    map.knots = ReadKnots(fields, limits);
  } else {
    fields.Refuse("model", "found \"" + model + "\"", "\"logistic\" or \"isotonic\"");
  }
  fields.Finish();
  return map;
}

std::vector<float> ReadEmbedding(Fields& fields, const ContractLimits& limits) {
  std::vector<float> embedding;
  const Json* array = fields.Array("embedding", limits.dimension);
  if (array == nullptr) return embedding;
  embedding.reserve(array->size());
  for (const Json& item : *array) {
    const double number = item.is_number() ? item.get<double>() : NAN;
    if (!(std::abs(number) <= std::numeric_limits<float>::max())) {
      fields.Refuse("embedding", "found " + Found(item), "finite numbers");
      break;
    }
    embedding.push_back(static_cast<float>(number));
  }
  if (std::ranges::all_of(embedding, [](float v) { return v == 0; })) {
    fields.Refuse("embedding", "is all 0", "numbers that tell something");
  }
  return embedding;
}

GoldenVector ReadGolden(Fields fields, const ContractLimits& limits) {
  GoldenVector golden;
  golden.name = fields.Text("name", limits.text_bytes);
  golden.image_sha256 = Hash(fields, "image_sha256");
  if (fields.MayHave("png_base64")) {
    std::optional<std::vector<std::uint8_t>> png =
        DecodeBase64(fields.Text("png_base64", (limits.png_bytes + 2) / 3 * 4));
    if (!png || png->empty()) {
      fields.Refuse("png_base64", "cannot be decoded", "base64 without line breaks");
    } else if (const std::string sha256 = Sha256Hex(*png); sha256 != golden.image_sha256) {
      fields.Refuse("png_base64", "has sha256 " + sha256, golden.image_sha256);
    } else {
      golden.png = std::move(*png);
    }
  }
  golden.embedding = ReadEmbedding(fields, limits);
  golden.tolerance = fields.Number("tolerance", 0, 1);
  fields.Finish();
  return golden;
}

ContractLicence ReadLicence(Fields fields, const ContractLimits& limits) {
  ContractLicence licence;
  licence.name = fields.Text("name", limits.text_bytes);
  licence.terms = fields.Text("terms", limits.text_bytes);
  licence.url = fields.TextOr("url", limits.text_bytes, "");
  licence.non_commercial = fields.Flag("non_commercial");
  fields.Finish();
  return licence;
}

ContractProvenance ReadProvenance(Fields fields, const ContractLimits& limits) {
  constexpr std::size_t kMostNotes = 64;
  ContractProvenance provenance;
  provenance.model = fields.TextOr("model", limits.text_bytes, "");
  provenance.source = fields.TextOr("source", limits.text_bytes, "");
  if (fields.MayHave("derived_from")) provenance.derived_from = Hash(fields, "derived_from");
  provenance.written_by = fields.Text("written_by", limits.text_bytes);
  provenance.notes = fields.TextsOrNone("notes", kMostNotes, limits.text_bytes);
  fields.Finish();
  return provenance;
}

void ReadModelFile(Fields fields, ModelContract& contract) {
  contract.model_file = fields.Text("file", 255);
  if (!IsFileName(contract.model_file)) {
    fields.Refuse("file", "found \"" + contract.model_file + "\"", "a file name without folders");
  }
  contract.model_bytes = fields.Integer("bytes", 1);
  contract.model_sha256 = Hash(fields, "sha256");
  fields.Finish();
}

void ReadRecognition(Fields& fields, const ContractLimits& limits, ModelContract& contract) {
  Fields alignment = fields.Object("alignment");
  contract.face_template = Word(alignment, "template");
  contract.crop_size_px = static_cast<int>(alignment.Integer("crop_size_px", 1, kLargestCrop));
  alignment.Finish();
  if (contract.outputs.size() != 1) {
    fields.Refuse("outputs", fmt::format("{} outputs", contract.outputs.size()),
                  "one, the embedding");
  }
  if (fields.MayHave("threshold")) {
    contract.threshold = ReadThreshold(fields.Object("threshold"), limits);
  }
  if (fields.MayHave("probability")) {
    contract.probability = ReadProbability(fields.Object("probability"), limits);
  }
  for (Fields& item : fields.ItemsOrNone("golden", limits.golden_vectors)) {
    contract.golden.push_back(ReadGolden(item, limits));
    const auto got = static_cast<std::int64_t>(contract.golden.back().embedding.size());
    const std::int64_t want = contract.outputs.empty() ? 0 : contract.outputs[0].dimension;
    if (got != want) {
      item.Refuse("embedding", fmt::format("{} numbers", got),
                  fmt::format("{}, the output's dimension", want));
    }
  }
}

void ReadPrecision(Fields& fields, const ContractLimits& limits, ModelContract& contract) {
  contract.precision = Word(fields, "precision");
  if (!fields.MayHave("quantization")) return;
  const Json* record = fields.Any("quantization");
  if (!record->is_object()) {
    fields.Refuse("quantization", "found " + Found(*record), "an object");
    return;
  }
  std::string text = record->dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > limits.quantization_bytes) {
    fields.Refuse("quantization", fmt::format("{} bytes", text.size()),
                  fmt::format("at most {}", limits.quantization_bytes), ErrorCode::kLimitExceeded);
    return;
  }
  contract.quantization = std::move(text);
}

}  // namespace

Result<ModelContract> ParseContract(std::string_view text, std::string_view where,
                                    const ContractLimits& limits) {
  const JsonLimits json_limits{static_cast<std::size_t>(limits.file_bytes), limits.depth};
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseJson(text, where, json_limits));
  FirstError sink{std::string(where)};
  Fields fields(&json, "", sink);
  if (const std::string format = fields.Text("format", 64); format != kContractFormat) {
    fields.Refuse("format", "found \"" + format + "\"", fmt::format("\"{}\"", kContractFormat));
  }
  if (const std::int64_t version = fields.Integer("version", 1); version != kContractVersion) {
    fields.Refuse("version", fmt::format("found {}", version), fmt::format("{}", kContractVersion),
                  ErrorCode::kUnsupported);
  }
  // What follows may mean something else in another version.
  if (sink.error()) return *sink.error();

  ModelContract contract;
  const std::string task = fields.Text("task", 64);
  if (task != Name(ModelTask::kRecognition) && task != Name(ModelTask::kDetection)) {
    fields.Refuse("task", "found \"" + task + "\"", "\"recognition\" or \"detection\"");
  }
  contract.task =
      task == Name(ModelTask::kDetection) ? ModelTask::kDetection : ModelTask::kRecognition;
  ReadModelFile(fields.Object("model"), contract);
  contract.input = ReadInput(fields.Object("input"), limits);
  contract.outputs = ReadOutputs(fields, limits);
  if (contract.outputs.empty()) fields.Refuse("outputs", "is empty", "at least one output");
  if (contract.task == ModelTask::kRecognition) {
    ReadRecognition(fields, limits, contract);
  }
  ReadPrecision(fields, limits, contract);
  contract.licence = ReadLicence(fields.Object("licence"), limits);
  contract.provenance = ReadProvenance(fields.Object("provenance"), limits);
  fields.Finish();
  if (sink.error()) return *sink.error();
  return contract;
}

Result<ModelContract> ReadContract(const std::string& path, const ContractLimits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path, limits.file_bytes));
  return ParseContract({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, limits);
}

}  // namespace visavis
