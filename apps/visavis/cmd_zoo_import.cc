// visavis zoo import
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/registry_folder.h"

namespace visavis::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  std::string registry;
  bool force = false;
  bool dry_run = false;
};

Result<int> RunZooImport(const Options& options, const Common& common) {
  const std::string registry = options.registry.empty() ? UserRegistryFolder() : options.registry;
  if (registry.empty()) {
    return MakeError(ErrorCode::kNotFound,
                     "registry: neither XDG_CONFIG_HOME nor HOME is an absolute path; --registry "
                     "DIR names one");
  }
  Json list = Json::array();
  for (const std::string& path : options.paths) {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<ImportedEntry> entries,
                             ImportIntoRegistry(path, registry, options.force, options.dry_run));
    for (const ImportedEntry& entry : entries) {
      if (common.json) {
        list.push_back({{"name", entry.name},
                        {"from", entry.from},
                        {"to", entry.to.empty() ? Json() : Json(entry.to)},
                        {"replaced", entry.replaced}});
      } else {
        fmt::print("{}\t{}\n", entry.name, OneLine(entry.to.empty() ? entry.from : entry.to));
      }
    }
  }
  if (common.json) PrintJson(list);
  return kExitOk;
}

}  // namespace

void AddZooImport(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "zoo",
      {"import",
       "Add models to the registry: Open Model Zoo's model.yml files as they are, or entries",
       {"visavis zoo import open_model_zoo/models/public/mtcnn",
        "visavis zoo import my-model.json"}},
      [options](const Common& common) { return RunZooImport(*options, common); });
  command
      ->add_option("PATH", options->paths,
                   "model.yml, composite-model.yml, a .json entry, or a folder with such files")
      ->required();
  command
      ->add_option("--registry", options->registry,
                   "The registry folder to copy them to instead of the user's")
      ->option_text("DIR");
  command->add_flag("--force", options->force, "Replace other entries of the same name");
  command->add_flag("--dry-run", options->dry_run, "Read and check only");
}

}  // namespace visavis::cli
