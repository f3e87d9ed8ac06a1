// visavis zoo remove
#include <fmt/format.h>

#include <memory>

#include "base/exit_code.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/cache.h"
#include "zoo_options.h"

namespace visavis::cli {
namespace {

struct Options {
  ZooSelection selection;
  bool forget = false;
};

Result<int> RunZooRemove(const Options& options, const Common& common) {
  const Registry registry = OpenRegistry(options.selection);
  VISAVIS_ASSIGN_OR_RETURN(const auto chosen,
                           Choose(registry, options.selection, /*default_all=*/false));
  if (!chosen) return kExitOk;
  FetchOptions fetch;
  fetch.cache_dir = options.selection.cache_dir;
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(fetch));
  Json list = Json::array();
  for (const Asset* asset : *chosen) {
    VISAVIS_ASSIGN_OR_RETURN(const std::int64_t freed,
                             RemoveAsset(root, *asset, options.forget, common.cancel));
    if (common.json) {
      list.push_back({{"name", asset->name}, {"bytes", freed}});
    } else if (freed > 0 || !options.selection.all) {
      fmt::print("{}\t{} bytes freed\n", asset->name, freed);
    }
  }
  if (common.json) PrintJson(list);
  return kExitOk;
}

}  // namespace

void AddZooRemove(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("zoo",
                 {"remove",
                  "Take models out of the cache",
                  {"visavis zoo remove scrfd-10g", "visavis zoo remove --all"}},
                 [options](const Common& common) { return RunZooRemove(*options, common); });
  AddZooSelectionOptions(*command, options->selection);
  command->add_flag("--forget", options->forget,
                    "Also forget licence acceptances and checksums trusted on first use");
}

}  // namespace visavis::cli
