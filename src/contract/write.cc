// ModelContract -> text and file.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "contract/format.h"

namespace visavis {
namespace {

using Json = nlohmann::ordered_json;

Json Numbers(const std::array<double, 3>& numbers) {
  return Json::array({numbers[0], numbers[1], numbers[2]});
}

// The double whose shortest decimal form is the float's: 0.1f stays 0.1.
double Shortest(float value) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  double number = value;
  if (error == std::errc()) std::from_chars(text, end, number);
  return number;
}

Json AsJson(const ContractInput& input) {
  Json shape = Json::array();
  for (const std::int64_t extent : input.shape) {
    shape.push_back(extent < 0 ? Json(nullptr) : Json(extent));
  }
  return {{"name", input.name},
          {"shape", std::move(shape)},
          {"layout", "NCHW"},
          {"channel_order", Name(input.channel_order)},
          {"normalisation", input.normalised_inside ? "inside" : "outside"},
          {"mean", Numbers(input.mean)},
          {"scale", Numbers(input.scale)}};
}

Json AsJson(const ContractThreshold& threshold) {
  using Rate = ContractThreshold::Target::Rate;
  Json json{{"similarity", threshold.similarity}, {"origin", threshold.origin}};
  if (const auto& target = threshold.target) {
    json["target"] = {{"rate", target->rate == Rate::kFpir ? "FPIR" : "FMR"},
                      {"value", target->value}};
    if (target->rate == Rate::kFpir) json["target"]["gallery_size"] = target->gallery_size;
  }
  if (const auto& interval = threshold.interval) {
    json["interval"] = {
        {"low", interval->low}, {"high", interval->high}, {"confidence", interval->confidence}};
  }
  if (const auto& data = threshold.data) {
    json["data"] = {{"description", data->description},
                    {"sha256", data->sha256},
                    {"genuine_pairs", data->genuine_pairs},
                    {"impostor_pairs", data->impostor_pairs},
                    {"identities", data->identities}};
  }
  return json;
}

Json AsJson(const ProbabilityMap& map) {
  if (map.model == ProbabilityModel::kLogistic) {
    return {{"model", "logistic"},
            {"prior", map.prior},
            {"slope", map.slope},
            {"intercept", map.intercept}};
  }
  Json knots = Json::array();
  for (const ProbabilityMap::Knot& knot : map.knots) {
    knots.push_back(Json::array({knot.similarity, knot.probability}));
  }
  return {{"model", "isotonic"}, {"prior", map.prior}, {"knots", std::move(knots)}};
}

Json AsJson(const GoldenVector& golden) {
  Json json{{"name", golden.name}, {"image_sha256", golden.image_sha256}};
  if (!golden.png.empty()) json["png_base64"] = EncodeBase64(golden.png);
  Json embedding = Json::array();
  for (const float value : golden.embedding) embedding.push_back(Shortest(value));
  json["embedding"] = std::move(embedding);
  json["tolerance"] = golden.tolerance;
  return json;
}

Json AsJson(const ContractLicence& licence) {
  Json json{{"name", licence.name}, {"terms", licence.terms}};
  if (!licence.url.empty()) json["url"] = licence.url;
  json["non_commercial"] = licence.non_commercial;
  return json;
}

Json AsJson(const ContractProvenance& provenance) {
  Json json = Json::object();
  if (!provenance.model.empty()) json["model"] = provenance.model;
  if (!provenance.source.empty()) json["source"] = provenance.source;
  if (!provenance.derived_from.empty()) json["derived_from"] = provenance.derived_from;
  json["written_by"] = provenance.written_by;
  if (!provenance.notes.empty()) json["notes"] = provenance.notes;
  return json;
}

Json AsJson(const ModelContract& contract) {
  Json json{{"format", kContractFormat},
            {"version", kContractVersion},
            {"task", Name(contract.task)},
            {"model",
             {{"file", contract.model_file},
              {"bytes", contract.model_bytes},
              {"sha256", contract.model_sha256}}},
            {"input", AsJson(contract.input)}};
  Json outputs = Json::array();
  for (const ContractOutput& output : contract.outputs) {
    outputs.push_back({{"name", output.name}, {"dimension", output.dimension}});
  }
  if (contract.task == ModelTask::kRecognition) {
    json["alignment"] = {{"template", contract.face_template},
                         {"crop_size_px", contract.crop_size_px}};
  }
  json["outputs"] = std::move(outputs);
  if (contract.threshold) json["threshold"] = AsJson(*contract.threshold);
  if (contract.probability) json["probability"] = AsJson(*contract.probability);
  json["precision"] = contract.precision;
  if (!contract.quantization.empty()) {
    json["quantization"] = Json::parse(contract.quantization, nullptr, false);
  }
  if (!contract.golden.empty()) {
    json["golden"] = Json::array();
    for (const GoldenVector& golden : contract.golden) json["golden"].push_back(AsJson(golden));
  }
  json["licence"] = AsJson(contract.licence);
  json["provenance"] = AsJson(contract.provenance);
  return json;
}

std::string Quoted(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Indented objects; arrays of plain values on one line, since an embedding has hundreds.
void Print(const Json& json, int indent, std::string& text) {
  const auto line = [&text](int depth) {
    text += '\n';
    text.append(static_cast<std::size_t>(depth) * 2, ' ');
  };
  if (!json.is_structured() || json.empty()) {
    text += Quoted(json);
    return;
  }
  const bool flat = json.is_array() && std::none_of(json.begin(), json.end(), [](const Json& item) {
                      return item.is_object();
                    });
  text += json.is_array() ? '[' : '{';
  bool first = true;
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (!first) text += flat ? ", " : ",";
    first = false;
    if (!flat) line(indent + 1);
    if (json.is_object()) text += Quoted(item.key()) + ": ";
    Print(*item, indent + 1, text);
  }
  if (!flat) line(indent);
  text += json.is_array() ? ']' : '}';
}

}  // namespace

std::string_view Name(ModelTask task) {
  return task == ModelTask::kRecognition ? "recognition" : "detection";
}

std::string_view Name(ChannelOrder order) { return order == ChannelOrder::kRgb ? "RGB" : "BGR"; }

Result<std::string> ContractText(const ModelContract& contract) {
  std::string text;
  Print(AsJson(contract), 0, text);
  text += '\n';
  // The reader knows what a contract must be.
  if (const Result<ModelContract> parsed = ParseContract(text, "contract"); !parsed) {
    return Error{ErrorCode::kInvalidArgument, parsed.error().message};
  }
  return text;
}

Status WriteContract(const ModelContract& contract, const std::string& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::string text, ContractText(contract));
  return WriteFileAtomically(FileSystem::Real(), path,
                             {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace visavis
