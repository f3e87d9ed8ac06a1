#include "zoo/manifest.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr int kManifestVersion = 1;

Error Bad(const std::string& asset, const char* what) {
  return MakeError(ErrorCode::kCorruptData, "manifest: asset \"{}\": {}", asset, what);
}

std::string StringOr(const Json& object, const char* key, const char* fallback) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : fallback;
}

// Names become file names: nothing that could leave the folder.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

bool IsSha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<AssetFile> ParseFile(const Json& json, const std::string& asset) {
  if (!json.is_object()) return Bad(asset, "a file is no object");
  AssetFile file;
  file.name = StringOr(json, "name", "");
  if (!IsPlainName(file.name)) return Bad(asset, "a file name is missing or not plain");
  file.sha256 = StringOr(json, "sha256", "");
  if (!IsSha256(file.sha256)) return Bad(asset, "a sha256 is not 64 lower-case hex digits");
  const auto bytes = json.find("bytes");
  if (bytes == json.end() || !bytes->is_number_unsigned()) return Bad(asset, "bytes is missing");
  file.size_bytes = bytes->get<std::int64_t>();
  const auto urls = json.find("urls");
  if (urls == json.end() || !urls->is_array()) return Bad(asset, "urls is missing");
  for (const Json& url : *urls) {
    if (!url.is_string()) return Bad(asset, "a URL is no string");
    file.urls.push_back(url.get<std::string>());
  }
  return file;
}

Result<Asset> ParseAsset(const Json& json) {
  if (!json.is_object()) return Bad("", "is no object");
  Asset asset;
  asset.name = StringOr(json, "name", "");
  if (!IsPlainName(asset.name)) return Bad(asset.name, "the name is missing or not plain");
  asset.description = StringOr(json, "description", "");
  asset.licence = StringOr(json, "licence", "");
  if (asset.licence.empty()) return Bad(asset.name, "the licence note is missing");
  asset.folder = StringOr(json, "folder", asset.name.c_str());
  if (!IsPlainName(asset.folder)) return Bad(asset.name, "the folder is not plain");
  asset.obtain = StringOr(json, "obtain", "");
  if (const auto threshold = json.find("threshold"); threshold != json.end()) {
    if (!threshold->is_number()) return Bad(asset.name, "the threshold is no number");
    asset.threshold = threshold->get<double>();
    asset.threshold_origin = StringOr(json, "threshold_origin", "");
    if (asset.threshold_origin.empty()) return Bad(asset.name, "threshold_origin is missing");
  }
  const auto files = json.find("files");
  if (files == json.end() || !files->is_array() || files->empty()) {
    return Bad(asset.name, "files is missing or empty");
  }
  for (const Json& file : *files) {
    VISAVIS_ASSIGN_OR_RETURN(AssetFile parsed, ParseFile(file, asset.name));
    asset.files.push_back(std::move(parsed));
  }
  return asset;
}

}  // namespace

Result<std::vector<Asset>> ParseManifest(std::string_view json) {
  const Json manifest = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object() || manifest.value("version", Json()) != kManifestVersion) {
    return MakeError(ErrorCode::kCorruptData, "manifest: want a JSON object of version {}",
                     kManifestVersion);
  }
  const auto list = manifest.find("assets");
  if (list == manifest.end() || !list->is_array()) {
    return MakeError(ErrorCode::kCorruptData, "manifest: want an array \"assets\"");
  }
  std::vector<Asset> assets;
  for (const Json& json_asset : *list) {
    VISAVIS_ASSIGN_OR_RETURN(Asset asset, ParseAsset(json_asset));
    const bool known = std::any_of(assets.begin(), assets.end(),
                                   [&](const Asset& other) { return other.name == asset.name; });
    if (known) return Bad(asset.name, "is there twice");
    assets.push_back(std::move(asset));
  }
  return assets;
}

const std::vector<Asset>& KnownAssets() {
  static const std::vector<Asset> assets = [] {
    Result<std::vector<Asset>> parsed = ParseManifest(ManifestText());
    if (!parsed) std::fprintf(stderr, "%s\n", parsed.error().message.c_str());
    VISAVIS_CHECK(parsed.has_value());
    return std::move(parsed).value();
  }();
  return assets;
}

const Asset* FindAsset(const std::string& name) {
  const std::vector<Asset>& assets = KnownAssets();
  const auto at = std::find_if(assets.begin(), assets.end(),
                               [&](const Asset& asset) { return asset.name == name; });
  return at == assets.end() ? nullptr : &*at;
}

}  // namespace visavis
