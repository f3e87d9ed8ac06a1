#include "zoo_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "zoo/select.h"

namespace visavis::cli {

void AddRegistryOption(CLI::App& command, ZooSelection& selection) {
  command
      .add_option("--registry", selection.registry_folders,
                  "A folder with more models: .json entries, or Open Model Zoo's model.yml files")
      ->option_text("DIR")
      ->allow_extra_args(false);
}

void AddCacheOption(CLI::App& command, ZooSelection& selection) {
  command
      .add_option("--cache-dir,--cache_dir", selection.cache_dir,
                  "Where models are kept instead of the user's cache")
      ->option_text("DIR");
}

void AddZooSelectionOptions(CLI::App& command, ZooSelection& selection) {
  command
      .add_option("NAME,--name", selection.names,
                  "Models by name or alias; globs, also separated by commas")
      ->option_text("NAME ...");
  command
      .add_option("--list", selection.list_file,
                  "A file with a name or glob per line; # begins a comment")
      ->option_text("FILE");
  command.add_flag("--all", selection.all, "All models");
  command.add_flag("--print-all,--print_all", selection.print_all,
                   "Print the names of all models and do nothing else");
  AddRegistryOption(command, selection);
  AddCacheOption(command, selection);
}

Registry OpenRegistry(const ZooSelection& selection) {
  std::vector<std::string> folders = selection.registry_folders;
  for (std::string& folder : Registry::DefaultFolders()) folders.push_back(std::move(folder));
  Registry registry = Registry::Open(folders);
  for (const Error& problem : registry.problems()) PrintError(problem.message);
  return registry;
}

Result<std::optional<std::vector<const Asset*>>> Choose(const Registry& registry,
                                                        const ZooSelection& selection,
                                                        bool default_all) {
  const int ways = (selection.names.empty() ? 0 : 1) + (selection.list_file.empty() ? 0 : 1) +
                   (selection.all ? 1 : 0) + (selection.print_all ? 1 : 0);
  if (ways > 1 || (ways == 0 && !default_all)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "want one of names, --list FILE, --all, --print-all");
  }
  std::vector<std::string> patterns = selection.names;
  if (selection.print_all) {
    for (const Asset& asset : registry.assets()) fmt::print("{}\n", asset.name);
    return std::optional<std::vector<const Asset*>>();
  }
  if (!selection.list_file.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(patterns, ReadPatternList(selection.list_file));
    if (patterns.empty()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: names no models", selection.list_file);
    }
  } else if (patterns.empty()) {
    patterns = {"*"};
  }
  VISAVIS_ASSIGN_OR_RETURN(std::vector<const Asset*> chosen, SelectByName(registry, patterns));
  return std::optional(std::move(chosen));
}

std::string BytesAsText(std::int64_t bytes) {
  if (bytes <= 0) return "?";
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", bytes / 1e3);
  return fmt::format("{:.1f} MB", bytes / 1e6);
}

std::int64_t TotalBytes(const Asset& asset) {
  std::int64_t total = 0;
  for (const AssetFile& file : asset.files) {
    if (file.size_bytes == 0) return 0;
    total += file.size_bytes;
  }
  return total;
}

std::string StateName(FileCheck::State state) {
  switch (state) {
    case FileCheck::State::kOk:
      return "ok";
    case FileCheck::State::kMissing:
      return "missing";
    case FileCheck::State::kDamaged:
      return "damaged";
    case FileCheck::State::kUnverified:
      return "unverified";
  }
  return "?";
}

}  // namespace visavis::cli
