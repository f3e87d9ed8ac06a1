#include "zoo/omz_model.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/try.h"
#include "zoo/object_reader.h"
#include "zoo/registry_entry.h"
#include "zoo/yaml.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMaxFileBytes = 1LL << 40;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// A source is a URL, or {$type: http, url}, or {$type: google_drive, id}.
Status ParseSource(const Json& json, const std::string& where, std::vector<std::string>& urls) {
  if (json.is_string()) {
    urls.push_back(json.get<std::string>());
    return {};
  }
  ObjectReader reader(json, where);
  reader.AllowUnknownKeys();
  std::string type;
  std::string url;
  std::string id;
  reader.Text("$type", type, /*required=*/true);
  reader.Text("url", url);
  reader.Text("id", id);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  if (type == "http" && !url.empty()) {
    urls.push_back(url);
  } else if (type == "google_drive" && !id.empty()) {
    const bool plain = std::all_of(id.begin(), id.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '_' || c == '-';
    });
    if (!plain) return MakeError(ErrorCode::kCorruptData, "{}: id: is no Google Drive id", where);
    urls.push_back("https://drive.usercontent.google.com/download?export=download&confirm=t&id=" +
                   id);
  } else {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: want a URL, $type http with url, or $type google_drive with id", where);
  }
  return {};
}

// A bare checksum is SHA-384; {$type: sha384, value} says so.
void ParseChecksum(ObjectReader& file, AssetFile& parsed) {
  file.Text("sha256", parsed.sha256);  // until 2021
  parsed.sha256 = Lower(parsed.sha256);
  const Json* checksum = file.Find("checksum");
  if (checksum == nullptr) return;
  if (checksum->is_string()) {
    parsed.sha384 = Lower(checksum->get<std::string>());
    return;
  }
  ObjectReader reader(*checksum, file.where() + ": checksum");
  std::string type;
  std::string value;
  reader.Text("$type", type, /*required=*/true);
  reader.Text("value", value, /*required=*/true);
  if (type == "sha384") {
    parsed.sha384 = Lower(value);
  } else if (type == "sha256") {
    parsed.sha256 = Lower(value);
  } else {
    reader.Fail("$type: want sha384 or sha256");
  }
  if (const Status status = reader.Finish(); !status) file.Fail(status.error().message);
}

Status ParseFile(const Json& json, const std::string& where, std::vector<AssetFile>& files) {
  AssetFile file;
  ObjectReader reader(json, where);
  reader.AllowUnknownKeys();
  reader.Text("name", file.name, /*required=*/true);
  reader.Integer("size", file.size_bytes, kMaxFileBytes);
  ParseChecksum(reader, file);
  for (const char* key : {"original_source", "source"}) {  // the origin first
    if (const Json* source = reader.Find(key); source != nullptr) {
      VISAVIS_RETURN_IF_ERROR(ParseSource(*source, where + ": " + key, file.urls));
    }
  }
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  files.push_back(std::move(file));
  return {};
}

Status ParseStep(const Json& json, const std::string& where, std::vector<Postprocessing>& steps) {
  Postprocessing step;
  std::string type;
  std::int64_t count = 0;
  ObjectReader reader(json, where);
  reader.AllowUnknownKeys();
  reader.Text("$type", type, /*required=*/true);
  reader.Text("file", step.file, /*required=*/true);
  if (type == "regex_replace") {
    step.kind = Postprocessing::Kind::kRegexReplace;
    reader.Text("pattern", step.pattern, /*required=*/true);
    reader.Text("replacement", step.replacement);
    reader.Integer("count", count, 1'000'000);
    step.count = static_cast<int>(count);
  } else if (type == "unpack_archive") {
    step.kind = Postprocessing::Kind::kUnpackArchive;
    reader.Text("format", step.format, /*required=*/true);
    constexpr std::string_view kFormats[] = {"zip", "tar", "gztar", "bztar", "xztar"};
    if (reader.ok() &&
        std::find(std::begin(kFormats), std::end(kFormats), step.format) == std::end(kFormats)) {
      reader.Fail("format: want zip, tar, gztar, bztar or xztar");
    }
  } else if (reader.ok()) {
    return MakeError(ErrorCode::kUnsupported, "{}: $type: want regex_replace or unpack_archive",
                     where);
  }
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  steps.push_back(std::move(step));
  return {};
}

Status ParseInput(const Json& json, const std::string& where, std::vector<AssetInput>& inputs) {
  AssetInput input;
  ObjectReader reader(json, where);
  reader.AllowUnknownKeys();
  reader.Text("name", input.name);
  reader.Dimensions("shape", input.shape);
  reader.Text("layout", input.layout);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  inputs.push_back(std::move(input));
  return {};
}

// Folders FP32/, FP16-INT8/ ... name precisions; public models come in FP16 and FP32.
std::vector<std::string> Precisions(const std::vector<AssetFile>& files) {
  std::vector<std::string> precisions;
  for (const AssetFile& file : files) {
    const auto slash = file.name.find('/');
    if (slash == std::string::npos || !file.name.starts_with("FP")) continue;
    precisions.push_back(file.name.substr(0, slash));
  }
  if (precisions.empty()) return {"FP16", "FP32"};
  std::sort(precisions.begin(), precisions.end());
  precisions.erase(std::unique(precisions.begin(), precisions.end()), precisions.end());
  return precisions;
}

// What model.yml and composite-model.yml have in common.
void ReadCommon(ObjectReader& reader, const std::string& name, Asset& asset) {
  for (const char* key : {"name", "subdirectory"}) {
    if (reader.Find(key) != nullptr) reader.Fail(std::string(key) + ": is not allowed here");
  }
  asset.name = name;
  asset.folder = name;
  reader.Text("description", asset.description, /*required=*/true);
  reader.Text("task_type", asset.task, /*required=*/true);
  reader.Text("framework", asset.framework);
  reader.Text("license", asset.licence_url, /*required=*/true);
  asset.licence = "see " + asset.licence_url;
}

void PutUnderComposite(const std::string& composite, Asset& asset) {
  asset.composite = composite;
  asset.subdirectory = "public/" + (composite.empty() ? asset.name : composite + "/" + asset.name);
}

}  // namespace

Result<Asset> ParseOmzModel(std::string_view yaml, const std::string& name,
                            const std::string& composite, const std::string& where) {
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseYaml(yaml, where));
  Asset asset;
  ObjectReader reader(json, where);
  reader.AllowUnknownKeys();
  ReadCommon(reader, name, asset);
  reader.Each("files", [&](const Json& file, const std::string& at) {
    return ParseFile(file, at, asset.files);
  });
  reader.Each("postprocessing", [&](const Json& step, const std::string& at) {
    return ParseStep(step, at, asset.postprocessing);
  });
  reader.Each("input_info", [&](const Json& input, const std::string& at) {
    return ParseInput(input, at, asset.inputs);
  });
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  asset.precisions = Precisions(asset.files);
  PutUnderComposite(composite, asset);
  VISAVIS_RETURN_IF_ERROR(CheckAsset(asset, where));
  return asset;
}

Result<Asset> ParseOmzComposite(std::string_view yaml, const std::string& name,
                                const std::string& where) {
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseYaml(yaml, where));
  Asset asset;
  ObjectReader reader(json, where);
  reader.AllowUnknownKeys();
  ReadCommon(reader, name, asset);
  reader.Texts("stages_order", asset.stages);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  for (const std::string& stage : asset.stages) {
    if (!stage.starts_with(name)) {
      return MakeError(ErrorCode::kCorruptData,
                       "{}: stage \"{}\" does not begin with the composite model's name", where,
                       stage);
    }
  }
  PutUnderComposite({}, asset);
  VISAVIS_RETURN_IF_ERROR(CheckAsset(asset, where));
  return asset;
}

}  // namespace visavis
