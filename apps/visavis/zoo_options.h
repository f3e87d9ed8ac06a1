// What the commands of the zoo share: which models, which registry, which cache.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command_line.h"
#include "visavis/zoo.h"
#include "zoo/installed.h"

namespace visavis::cli {

/// Open Model Zoo's ways of choosing models, and ours.
struct ZooSelection {
  std::vector<std::string> names;  ///< globs, also separated by commas
  std::string list_file;
  bool all = false;
  bool print_all = false;
  std::vector<std::string> registry_folders;
  std::string cache_dir;
};

void AddZooSelectionOptions(CLI::App& command, ZooSelection& selection);
void AddRegistryOption(CLI::App& command, ZooSelection& selection);
void AddCacheOption(CLI::App& command, ZooSelection& selection);

/// The registry with the folders of --registry first. Problems of it are printed.
Registry OpenRegistry(const ZooSelection& selection);

/// The chosen models. `default_all`: no choice means all of them. With --print-all the names are
/// printed and there is no value. Errors: kInvalidArgument (not exactly one way of choosing),
/// those of SelectByName and ReadPatternList.
Result<std::optional<std::vector<const Asset*>>> Choose(const Registry& registry,
                                                        const ZooSelection& selection,
                                                        bool default_all);

/// "1.2 MB"
std::string BytesAsText(std::int64_t bytes);
/// Bytes of the files that a fetch would bring; 0 if one is not known.
std::int64_t TotalBytes(const Asset& asset);
/// "ok", "missing", "damaged", "unverified".
std::string StateName(FileCheck::State state);

}  // namespace visavis::cli
