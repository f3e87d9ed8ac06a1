#include "zoo/omz_model.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "json/fields.h"
#include "zoo/registry_entry.h"
#include "zoo/yaml.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMostReplacements = 1'000'000;
// The keys of these files grow with Open Model Zoo: unknown ones are none of our business.
constexpr FieldRules kRules{.numbers_as_text = true, .null_is_absent = true};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string Text(Fields& fields, const char* key) { return fields.Text(key, kMaxEntryText); }
std::string TextOrNone(Fields& fields, const char* key) {
  return fields.TextOr(key, kMaxEntryText, "");
}
std::string Quoted(const std::string& text) { return "found \"" + OneLine(text) + "\""; }

// A source is a URL, or {$type: http, url}, or {$type: google_drive, id}.
std::string ReadSource(Fields& file, const char* key) {
  if (file.Any(key)->is_string()) return Text(file, key);
  Fields fields = file.Object(key);
  const std::string type = Text(fields, "$type");
  if (type == "http") return Text(fields, "url");
  if (type != "google_drive") {
    fields.Refuse("$type", Quoted(type), "http or google_drive", ErrorCode::kUnsupported);
    return {};
  }
  const std::string id = Text(fields, "id");
  const bool plain = std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  if (!plain) fields.Refuse("id", Quoted(id), "an id of Google Drive");
  return "https://drive.usercontent.google.com/download?export=download&confirm=t&id=" + id;
}

// A bare checksum is SHA-384; {$type: sha384, value} says so.
void ReadChecksum(Fields& file, AssetFile& parsed) {
  parsed.sha256 = Lower(TextOrNone(file, "sha256"));  // until 2021
  if (!file.MayHave("checksum")) return;
  if (file.Any("checksum")->is_string()) {
    parsed.sha384 = Lower(Text(file, "checksum"));
    return;
  }
  Fields fields = file.Object("checksum");
  const std::string type = Text(fields, "$type");
  const std::string value = Lower(Text(fields, "value"));
  if (type == "sha384") {
    parsed.sha384 = value;
  } else if (type == "sha256") {
    parsed.sha256 = value;
  } else {
    fields.Refuse("$type", Quoted(type), "sha384 or sha256");
  }
}

AssetFile ReadFile(Fields& fields) {
  AssetFile file;
  file.name = Text(fields, "name");
  file.size_bytes = fields.IntegerOr("size", 0, kMaxFileBytes, file.size_bytes);
  ReadChecksum(fields, file);
  for (const char* key : {"original_source", "source"}) {  // the origin first
    if (fields.MayHave(key)) file.urls.push_back(ReadSource(fields, key));
  }
  return file;
}

Postprocessing ReadStep(Fields& fields) {
  Postprocessing step;
  const std::string type = Text(fields, "$type");
  step.file = Text(fields, "file");
  if (type == "regex_replace") {
    step.kind = Postprocessing::Kind::kRegexReplace;
    step.pattern = Text(fields, "pattern");
    step.replacement = TextOrNone(fields, "replacement");
    step.count = static_cast<int>(fields.IntegerOr("count", 0, kMostReplacements, 0));
  } else if (type == "unpack_archive") {
    step.kind = Postprocessing::Kind::kUnpackArchive;
    step.format = Text(fields, "format");
    constexpr std::string_view kFormats[] = {"zip", "tar", "gztar", "bztar", "xztar"};
    if (std::find(std::begin(kFormats), std::end(kFormats), step.format) == std::end(kFormats)) {
      fields.Refuse("format", Quoted(step.format), "zip, tar, gztar, bztar or xztar");
    }
  } else {
    fields.Refuse("$type", Quoted(type), "regex_replace or unpack_archive",
                  ErrorCode::kUnsupported);
  }
  return step;
}

AssetInput ReadInput(Fields& fields) {
  AssetInput input;
  input.name = TextOrNone(fields, "name");
  input.shape = ReadDimensions(fields, "shape");
  input.layout = TextOrNone(fields, "layout");
  return input;
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
Asset ReadCommon(Fields& fields, const std::string& name) {
  for (const char* key : {"name", "subdirectory"}) {
    if (fields.MayHave(key)) fields.Refuse(key, "is there", "the name of the folder instead");
  }
  Asset asset;
  asset.name = name;
  asset.folder = name;
  asset.description = Text(fields, "description");
  asset.task = Text(fields, "task_type");
  asset.framework = TextOrNone(fields, "framework");
  asset.licence_url = Text(fields, "license");
  asset.licence = "see " + asset.licence_url;
  return asset;
}

void PutUnderComposite(const std::string& composite, Asset& asset) {
  asset.composite = composite;
  asset.subdirectory = "public/" + (composite.empty() ? asset.name : composite + "/" + asset.name);
}

}  // namespace

Result<Asset> ParseOmzModel(std::string_view yaml, const std::string& name,
                            const std::string& composite, const std::string& where) {
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseYaml(yaml, where));
  FirstError sink(where, kRules);
  Fields fields(&json, "", sink);
  Asset asset = ReadCommon(fields, name);
  for (Fields& file : fields.ItemsOrNone("files", kMaxEntryItems)) {
    asset.files.push_back(ReadFile(file));
  }
  for (Fields& step : fields.ItemsOrNone("postprocessing", kMaxEntryItems)) {
    asset.postprocessing.push_back(ReadStep(step));
  }
  for (Fields& input : fields.ItemsOrNone("input_info", kMaxEntryItems)) {
    asset.inputs.push_back(ReadInput(input));
  }
  if (sink.error()) return *sink.error();
  asset.precisions = Precisions(asset.files);
  PutUnderComposite(composite, asset);
  VISAVIS_RETURN_IF_ERROR(CheckAsset(asset, where));
  return asset;
}

Result<Asset> ParseOmzComposite(std::string_view yaml, const std::string& name,
                                const std::string& where) {
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseYaml(yaml, where));
  FirstError sink(where, kRules);
  Fields fields(&json, "", sink);
  Asset asset = ReadCommon(fields, name);
  asset.stages = fields.TextsOrNone("stages_order", kMaxEntryItems, kMaxEntryText);
  if (sink.error()) return *sink.error();
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
