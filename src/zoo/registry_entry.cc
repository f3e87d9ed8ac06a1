#include "zoo/registry_entry.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/try.h"
#include "json/parse.h"

namespace visavis {
namespace {

constexpr std::int64_t kSchema = 1;
constexpr std::size_t kMaxNameBytes = 200;
constexpr std::int64_t kMaxDimension = 1'000'000;
constexpr double kLargestNumber = 1e18;  // costs are numbers of operations
constexpr FieldRules kRules{.null_is_absent = true, .extensions = true};

constexpr std::array<std::pair<LicenceTerms, std::string_view>, 4> kTerms = {{
    {LicenceTerms::kPermissive, "permissive"},
    {LicenceTerms::kNonCommercial, "non-commercial"},
    {LicenceTerms::kDisputed, "disputed"},
    {LicenceTerms::kUnknown, "unknown"},
}};

std::string TextOrNone(Fields& fields, const char* key) {
  return fields.TextOr(key, kMaxEntryText, "");
}

std::vector<std::string> Texts(Fields& fields, const char* key) {
  return fields.TextsOrNone(key, kMaxEntryItems, kMaxEntryText);
}

double NumberOrNone(Fields& fields, const char* key) {
  return fields.NumberOr(key, -kLargestNumber, kLargestNumber, 0);
}

// What `read` makes of every object of a list.
template <typename Read>
auto ReadAll(Fields& fields, const char* key, Read read) {
  std::vector<decltype(read(fields))> all;
  for (Fields& item : fields.ItemsOrNone(key, kMaxEntryItems)) {
    all.push_back(read(item));
    item.Finish();
  }
  return all;
}

// What files and their other builds have in common.
template <typename Bytes>
void ReadBytes(Fields& fields, Bytes& bytes) {
  bytes.size_bytes = fields.IntegerOr("bytes", 0, kMaxFileBytes, bytes.size_bytes);
  bytes.sha256 = TextOrNone(fields, "sha256");
  bytes.sha384 = TextOrNone(fields, "sha384");
  bytes.note = TextOrNone(fields, "note");
}

AssetBuild ReadBuild(Fields& fields) {
  AssetBuild build;
  ReadBytes(fields, build);
  return build;
}

AssetFile ReadFile(Fields& fields) {
  AssetFile file;
  file.name = fields.Text("name", kMaxEntryText);
  ReadBytes(fields, file);
  file.urls = Texts(fields, "urls");
  file.other_builds = ReadAll(fields, "other_builds", ReadBuild);
  file.archive = TextOrNone(fields, "archive");
  file.member = TextOrNone(fields, "member");
  file.role = TextOrNone(fields, "role");
  return file;
}

AssetInput ReadInput(Fields& fields) {
  AssetInput input;
  input.name = TextOrNone(fields, "name");
  input.shape = ReadDimensions(fields, "shape");
  input.layout = TextOrNone(fields, "layout");
  input.channel_order = TextOrNone(fields, "channel_order");
  input.mean = fields.NumbersOrNone("mean", kMaxEntryItems, -kLargestNumber, kLargestNumber);
  input.scale = fields.NumbersOrNone("scale", kMaxEntryItems, -kLargestNumber, kLargestNumber);
  input.normalisation = TextOrNone(fields, "normalisation");
  input.alignment = TextOrNone(fields, "alignment");
  if (!input.normalisation.empty() && input.normalisation != "graph" &&
      input.normalisation != "caller") {
    fields.Refuse("normalisation", "found \"" + OneLine(input.normalisation) + "\"",
                  "graph or caller");
  }
  return input;
}

AssetOutput ReadOutput(Fields& fields) {
  AssetOutput output;
  output.name = TextOrNone(fields, "name");
  output.dimension = static_cast<int>(fields.IntegerOr("dimension", 0, kMaxDimension, 0));
  output.meaning = TextOrNone(fields, "meaning");
  return output;
}

PublishedAccuracy ReadAccuracy(Fields& fields) {
  PublishedAccuracy accuracy;
  accuracy.metric = fields.Text("metric", kMaxEntryText);
  accuracy.value = NumberOrNone(fields, "value");
  accuracy.protocol = TextOrNone(fields, "protocol");
  accuracy.source = fields.Text("source", kMaxEntryText);
  return accuracy;
}

void ReadLicence(Fields fields, Asset& asset) {
  asset.licence = fields.Text("text", kMaxEntryText);
  asset.licence_url = TextOrNone(fields, "url");
  const std::string terms = fields.TextOr("terms", kMaxEntryText, "unknown");
  const auto* known = std::find_if(kTerms.begin(), kTerms.end(),
                                   [&](const auto& row) { return row.second == terms; });
  if (known == kTerms.end()) {
    fields.Refuse("terms", "found \"" + OneLine(terms) + "\"",
                  "permissive, non-commercial, disputed or unknown");
  } else {
    asset.terms = known->first;
  }
  fields.Finish();
}

Error Bad(const std::string& where, std::string_view name, std::string_view what) {
  return MakeError(ErrorCode::kCorruptData, "{}: \"{}\": {}", where, OneLine(name), what);
}

Status CheckDigests(const std::string& where, const std::string& name, const std::string& sha256,
                    const std::string& sha384) {
  if (!sha256.empty() && !IsHex(sha256, 64)) {
    return Bad(where, name, "sha256: want 64 lower-case hex digits");
  }
  if (!sha384.empty() && !IsHex(sha384, 96)) {
    return Bad(where, name, "sha384: want 96 lower-case hex digits");
  }
  return {};
}

bool IsHttp(const std::string& url) {
  return url.starts_with("https://") || url.starts_with("http://");
}

Status CheckFiles(const Asset& asset, const std::vector<AssetFile>& files, const std::string& where,
                  std::set<std::string>& names) {
  for (const AssetFile& file : files) {
    if (!IsPlainPath(file.name)) return Bad(where, file.name, "is no plain file name");
    if (!names.insert(file.name).second) return Bad(where, file.name, "is there twice");
    VISAVIS_RETURN_IF_ERROR(CheckDigests(where, file.name, file.sha256, file.sha384));
    for (const AssetBuild& build : file.other_builds) {
      VISAVIS_RETURN_IF_ERROR(CheckDigests(where, file.name, build.sha256, build.sha384));
      if (build.sha256.empty() && build.sha384.empty()) {
        return Bad(where, file.name, "a build without checksum");
      }
    }
    for (const std::string& url : file.urls) {
      if (!IsHttp(url)) return Bad(where, file.name, "a URL is neither http:// nor https://");
    }
    const auto is_its = [&](const AssetFile& archive) { return archive.name == file.archive; };
    if (!file.archive.empty() &&
        std::none_of(asset.archives.begin(), asset.archives.end(), is_its)) {
      return Bad(where, file.name, "its archive is not among the archives");
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> ReadDimensions(Fields& fields, const char* key) {
  std::vector<std::string> extents;
  const nlohmann::json* array = fields.MayHave(key) ? fields.Array(key, kMaxEntryItems) : nullptr;
  if (array == nullptr) return extents;
  for (const nlohmann::json& extent : *array) {
    if (!extent.is_number_integer() && !extent.is_string()) {
      fields.Refuse(key, "found " + Found(extent), "whole numbers and names");
      break;
    }
    extents.push_back(extent.is_string() ? extent.get<std::string>() : extent.dump());
  }
  return extents;
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '_' || c == '-';
         });
}

bool IsPlainPath(std::string_view path) {
  for (;;) {
    const auto slash = path.find('/');
    if (!IsPlainName(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string_view TermsName(LicenceTerms terms) {
  for (const auto& [known, name] : kTerms) {
    if (known == terms) return name;
  }
  return "unknown";
}

Status CheckAsset(const Asset& asset, const std::string& where) {
  if (!IsPlainName(asset.name)) return Bad(where, asset.name, "is no plain name");
  if (!IsPlainName(asset.folder)) return Bad(where, asset.folder, "the folder is no plain name");
  for (const std::string& alias : asset.aliases) {
    if (!IsPlainName(alias)) return Bad(where, alias, "an alias is no plain name");
  }
  if (asset.files.empty() && asset.stages.empty()) return Bad(where, asset.name, "has no files");
  if (asset.threshold != 0 && asset.threshold_origin.empty()) {
    return Bad(where, asset.name, "threshold_origin is missing");
  }
  std::set<std::string> names;
  VISAVIS_RETURN_IF_ERROR(CheckFiles(asset, asset.files, where, names));
  VISAVIS_RETURN_IF_ERROR(CheckFiles(asset, asset.archives, where, names));
  for (const Postprocessing& step : asset.postprocessing) {
    if (!IsPlainPath(step.file)) return Bad(where, step.file, "is no plain file name");
  }
  for (const std::string& stage : asset.stages) {
    if (!IsPlainName(stage)) return Bad(where, stage, "a stage is no plain name");
  }
  return {};
}

Result<Asset> ParseRegistryEntry(std::string_view text, const std::string& where) {
  VISAVIS_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text, where));
  FirstError sink(where, kRules);
  Fields fields(&json, "", sink);
  if (const std::int64_t schema = fields.Integer("schema"); schema != kSchema) {
    fields.Refuse("schema", fmt::format("found {}", schema), std::to_string(kSchema),
                  ErrorCode::kUnsupported);
  }
  // What follows may mean something else in another schema.
  if (sink.error()) return *sink.error();

  Asset asset;
  asset.name = fields.Text("name", kMaxEntryText);
  asset.aliases = Texts(fields, "aliases");
  asset.task = TextOrNone(fields, "task");
  asset.framework = TextOrNone(fields, "framework");
  asset.description = TextOrNone(fields, "description");
  ReadLicence(fields.Object("licence"), asset);
  asset.folder = fields.TextOr("folder", kMaxEntryText, asset.name);
  asset.obtain = TextOrNone(fields, "obtain");
  asset.files = ReadAll(fields, "files", ReadFile);
  asset.archives = ReadAll(fields, "archives", ReadFile);
  asset.inputs = ReadAll(fields, "inputs", ReadInput);
  asset.outputs = ReadAll(fields, "outputs", ReadOutput);
  asset.accuracy = ReadAll(fields, "accuracy", ReadAccuracy);
  asset.threshold = NumberOrNone(fields, "threshold");
  asset.threshold_origin = TextOrNone(fields, "threshold_origin");
  asset.flops = NumberOrNone(fields, "flops");
  asset.parameters = NumberOrNone(fields, "parameters");
  asset.cost_source = TextOrNone(fields, "cost_source");
  asset.stages = Texts(fields, "stages");
  asset.sources = Texts(fields, "sources");
  asset.notes = Texts(fields, "notes");
  asset.unverified = Texts(fields, "unverified");
  fields.Finish();
  if (sink.error()) return *sink.error();
  VISAVIS_RETURN_IF_ERROR(CheckAsset(asset, where));
  return asset;
}

}  // namespace visavis
