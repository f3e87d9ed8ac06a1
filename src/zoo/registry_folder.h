// The registry folders of a user: entries of our own, and Open Model Zoo's as they are.
#pragma once

#include <string>
#include <vector>

#include "visavis/zoo.h"

namespace visavis {

/// $XDG_CONFIG_HOME/visavis/registry or ~/.config/visavis/registry; "" if neither is known.
std::string UserRegistryFolder();

/// Every entry of a folder, searched to six levels: NAME.json, NAME/model.yml, and
/// NAME/composite-model.yml with its stages below. Files are read in the order of their paths.
/// What cannot be read is left out and appended to `problems`.
std::vector<Asset> ReadRegistryFolder(const std::string& folder, std::vector<Error>& problems);

/// Reads one file by its name. Errors: as ReadRegistryFolder's problems.
Result<Asset> ReadRegistryFile(const std::string& path);

struct ImportedEntry {
  std::string name;
  std::string from;
  std::string to;         ///< "" in a dry run
  bool replaced = false;  ///< another entry of this name was there
};

/// Copies what `path` (a file or a folder) describes into the registry folder `registry`, bytes as
/// they are, each file at once or not at all. Nothing is copied unless every file can be read.
/// Errors: kNotFound (nothing there), kInvalidArgument (`force` false and another entry is there),
///         those of ReadRegistryFile.
Result<std::vector<ImportedEntry>> ImportIntoRegistry(const std::string& path,
                                                      const std::string& registry, bool force,
                                                      bool dry_run);

}  // namespace visavis
