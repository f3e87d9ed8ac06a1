// Registry: the built-in entries, and those of the user's folders.
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/check.h"
#include "base/error.h"
#include "visavis/zoo.h"
#include "zoo/built_in_entries.h"
#include "zoo/registry_entry.h"
#include "zoo/registry_folder.h"

namespace visavis {
namespace {

// The folders of a colon-separated variable.
void AppendFolders(const char* variable, std::vector<std::string>& folders) {
  const char* value = std::getenv(variable);
  std::string_view rest = value != nullptr ? value : "";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (colon != 0) folders.emplace_back(rest.substr(0, colon));
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
}

// The built-in entries are part of the program: one that is wrong is a bug.
std::vector<Asset> ParseBuiltIn() {
  std::vector<Asset> assets;
  std::set<std::string> names;
  for (const BuiltInEntry& entry : BuiltInEntries()) {
    Result<Asset> asset = ParseRegistryEntry(entry.json, std::string("models/") + entry.file);
    if (!asset) std::fprintf(stderr, "%s\n", asset.error().message.c_str());
    VISAVIS_CHECK(asset.has_value());
    VISAVIS_CHECK(names.insert(asset->name).second);
    for (const std::string& alias : asset->aliases) VISAVIS_CHECK(names.insert(alias).second);
    assets.push_back(std::move(asset).value());
  }
  return assets;
}

const std::vector<Asset>& BuiltIn() {
  static const std::vector<Asset> assets = ParseBuiltIn();
  return assets;
}

bool Goes(const Asset& asset, const std::string& pattern) {
  const auto matches = [&](const std::string& name) {
    return ::fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
  };
  return matches(asset.name) || std::any_of(asset.aliases.begin(), asset.aliases.end(), matches);
}

}  // namespace

std::vector<std::string> Registry::DefaultFolders() {
  std::vector<std::string> folders;
  AppendFolders("VISAVIS_REGISTRY", folders);
  if (const std::string user = UserRegistryFolder(); !user.empty()) folders.push_back(user);
  return folders;
}

Registry Registry::Open(const std::vector<std::string>& folders) {
  Registry registry;
  registry.assets_ = BuiltIn();
  for (const std::string& folder : folders) {
    std::error_code error;
    // Only the user's own folder may be absent: the others were named.
    if (!std::filesystem::exists(folder, error) && folder == UserRegistryFolder()) continue;
    for (Asset& asset : ReadRegistryFolder(folder, registry.problems_)) registry.Add(asset);
  }
  return registry;
}

// Built-in names stay what they are: commands rely on them.
void Registry::Add(Asset& asset) {
  if (const Asset* taken = FindByName(asset.name); taken != nullptr && taken->origin.empty()) {
    asset.name += "@user";
  }
  if (const Asset* taken = FindByName(asset.name); taken != nullptr) {
    problems_.push_back(MakeError(ErrorCode::kCorruptData, "{}: \"{}\" is also the name of {}",
                                  asset.origin, asset.name, taken->origin));
    return;
  }
  std::erase_if(asset.aliases, [&](const std::string& alias) { return Find(alias) != nullptr; });
  for (Asset& other : assets_) std::erase(other.aliases, asset.name);  // a name beats an alias
  assets_.push_back(std::move(asset));
}

const Registry& Registry::Default() {
  static const Registry registry = Open(DefaultFolders());
  return registry;
}

const Asset* Registry::FindByName(const std::string& name) const {
  const auto named = std::find_if(assets_.begin(), assets_.end(),
                                  [&](const Asset& asset) { return asset.name == name; });
  return named == assets_.end() ? nullptr : &*named;
}

const Asset* Registry::Find(const std::string& name) const {
  if (const Asset* named = FindByName(name); named != nullptr) return named;
  const auto aliased = std::find_if(assets_.begin(), assets_.end(), [&](const Asset& asset) {
    return std::find(asset.aliases.begin(), asset.aliases.end(), name) != asset.aliases.end();
  });
  return aliased == assets_.end() ? nullptr : &*aliased;
}

std::vector<const Asset*> Registry::Match(const std::string& pattern) const {
  std::set<std::string> stages;
  for (const Asset& asset : assets_) {
    if (Goes(asset, pattern)) stages.insert(asset.stages.begin(), asset.stages.end());
  }
  std::vector<const Asset*> found;
  for (const Asset& asset : assets_) {
    if (Goes(asset, pattern) || stages.contains(asset.name)) found.push_back(&asset);
  }
  return found;
}

const std::vector<Asset>& KnownAssets() { return Registry::Default().assets(); }

// Built-in names are final, so the user's folders need not be read for them.
const Asset* FindAsset(const std::string& name) {
  for (const Asset& asset : BuiltIn()) {
    if (asset.name == name) return &asset;
  }
  return Registry::Default().Find(name);
}

}  // namespace visavis
