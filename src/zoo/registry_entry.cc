#include "zoo/registry_entry.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "base/try.h"
#include "zoo/object_reader.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kSchema = 1;
constexpr std::int64_t kMaxFileBytes = 1LL << 40;
constexpr std::size_t kMaxNameBytes = 200;

constexpr std::array<std::pair<LicenceTerms, std::string_view>, 4> kTerms = {{
    {LicenceTerms::kPermissive, "permissive"},
    {LicenceTerms::kNonCommercial, "non-commercial"},
    {LicenceTerms::kDisputed, "disputed"},
    {LicenceTerms::kUnknown, "unknown"},
}};

Status ParseBuild(const Json& json, const std::string& where, std::vector<AssetBuild>& builds) {
  AssetBuild build;
  ObjectReader reader(json, where);
  reader.Integer("bytes", build.size_bytes, kMaxFileBytes);
  reader.Text("sha256", build.sha256);
  reader.Text("sha384", build.sha384);
  reader.Text("note", build.note);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  builds.push_back(std::move(build));
  return {};
}

Status ParseFile(const Json& json, const std::string& where, std::vector<AssetFile>& files) {
  AssetFile file;
  ObjectReader reader(json, where);
  reader.Text("name", file.name, /*required=*/true);
  reader.Integer("bytes", file.size_bytes, kMaxFileBytes);
  reader.Text("sha256", file.sha256);
  reader.Text("sha384", file.sha384);
  reader.Texts("urls", file.urls);
  reader.Each("other_builds", [&](const Json& build, const std::string& at) {
    return ParseBuild(build, at, file.other_builds);
  });
  reader.Text("archive", file.archive);
  reader.Text("member", file.member);
  reader.Text("role", file.role);
  reader.Text("note", file.note);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  files.push_back(std::move(file));
  return {};
}

Status ParseInput(const Json& json, const std::string& where, std::vector<AssetInput>& inputs) {
  AssetInput input;
  ObjectReader reader(json, where);
  reader.Text("name", input.name);
  reader.Dimensions("shape", input.shape);
  reader.Text("layout", input.layout);
  reader.Text("channel_order", input.channel_order);
  reader.Numbers("mean", input.mean);
  reader.Numbers("scale", input.scale);
  reader.Text("normalisation", input.normalisation);
  reader.Text("alignment", input.alignment);
  if (!input.normalisation.empty() && input.normalisation != "graph" &&
      input.normalisation != "caller") {
    reader.Fail("normalisation: want graph or caller");
  }
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  inputs.push_back(std::move(input));
  return {};
}

Status ParseOutput(const Json& json, const std::string& where, std::vector<AssetOutput>& outputs) {
  AssetOutput output;
  std::int64_t dimension = 0;
  ObjectReader reader(json, where);
  reader.Text("name", output.name);
  reader.Integer("dimension", dimension, 1'000'000);
  reader.Text("meaning", output.meaning);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  output.dimension = static_cast<int>(dimension);
  outputs.push_back(std::move(output));
  return {};
}

Status ParseAccuracy(const Json& json, const std::string& where,
                     std::vector<PublishedAccuracy>& list) {
  PublishedAccuracy accuracy;
  ObjectReader reader(json, where);
  reader.Text("metric", accuracy.metric, /*required=*/true);
  reader.Number("value", accuracy.value);
  reader.Text("protocol", accuracy.protocol);
  reader.Text("source", accuracy.source, /*required=*/true);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  list.push_back(std::move(accuracy));
  return {};
}

void ParseLicence(ObjectReader& entry, Asset& asset) {
  const Json* licence = entry.Find("licence");
  if (licence == nullptr) return entry.Fail("licence: is missing");
  ObjectReader reader(*licence, entry.where() + ": licence");
  std::string terms = "unknown";
  reader.Text("text", asset.licence, /*required=*/true);
  reader.Text("url", asset.licence_url);
  reader.Text("terms", terms);
  const auto* known = std::find_if(kTerms.begin(), kTerms.end(),
                                   [&](const auto& row) { return row.second == terms; });
  if (known == kTerms.end()) {
    reader.Fail("terms: want permissive, non-commercial, disputed or unknown");
  } else {
    asset.terms = known->first;
  }
  if (const Status status = reader.Finish(); !status) entry.Fail(status.error().message);
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

bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
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
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseJson(text, where));
  Asset asset;
  std::int64_t schema = 0;
  ObjectReader reader(json, where);
  reader.Integer("schema", schema, 1'000'000);
  if (reader.ok() && schema != kSchema) {
    return MakeError(ErrorCode::kUnsupported, "{}: schema {}, want {}", where, schema, kSchema);
  }
  reader.Text("name", asset.name, /*required=*/true);
  reader.Texts("aliases", asset.aliases);
  reader.Text("task", asset.task);
  reader.Text("framework", asset.framework);
  reader.Text("description", asset.description);
  ParseLicence(reader, asset);
  reader.Text("folder", asset.folder);
  reader.Text("obtain", asset.obtain);
  reader.Each("files", [&](const Json& file, const std::string& at) {
    return ParseFile(file, at, asset.files);
  });
  reader.Each("archives", [&](const Json& file, const std::string& at) {
    return ParseFile(file, at, asset.archives);
  });
  reader.Each("inputs", [&](const Json& input, const std::string& at) {
    return ParseInput(input, at, asset.inputs);
  });
  reader.Each("outputs", [&](const Json& output, const std::string& at) {
    return ParseOutput(output, at, asset.outputs);
  });
  reader.Each("accuracy", [&](const Json& accuracy, const std::string& at) {
    return ParseAccuracy(accuracy, at, asset.accuracy);
  });
  reader.Number("threshold", asset.threshold);
  reader.Text("threshold_origin", asset.threshold_origin);
  reader.Number("flops", asset.flops);
  reader.Number("parameters", asset.parameters);
  reader.Text("cost_source", asset.cost_source);
  reader.Texts("stages", asset.stages);
  reader.Texts("sources", asset.sources);
  reader.Texts("notes", asset.notes);
  reader.Texts("unverified", asset.unverified);
  VISAVIS_RETURN_IF_ERROR(reader.Finish());
  if (asset.folder.empty()) asset.folder = asset.name;
  VISAVIS_RETURN_IF_ERROR(CheckAsset(asset, where));
  return asset;
}

}  // namespace visavis
