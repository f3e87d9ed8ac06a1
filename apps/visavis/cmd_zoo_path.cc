// visavis zoo path
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/cache.h"
#include "zoo_options.h"

namespace visavis::cli {
namespace {

Result<int> RunZooPath(const ZooSelection& selection, const Common& common) {
  const Registry registry = OpenRegistry(selection);
  VISAVIS_ASSIGN_OR_RETURN(const auto chosen, Choose(registry, selection, /*default_all=*/false));
  if (!chosen) return kExitOk;
  FetchOptions fetch;
  fetch.cache_dir = selection.cache_dir;
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(fetch));
  Json list = Json::array();
  std::vector<std::string> missing;
  for (const Asset* asset : *chosen) {
    if (!asset->stages.empty()) continue;
    const bool installed = IsInstalled(root, *asset);
    const std::string folder = AssetFolder(root, *asset);
    if (!installed) missing.push_back(asset->name);
    if (common.json) {
      list.push_back({{"name", asset->name}, {"path", folder}, {"cached", installed}});
    } else if (installed) {
      fmt::print("{}\n", OneLine(folder));
    }
  }
  if (common.json) PrintJson(list);
  if (missing.empty()) return kExitOk;
  return MakeError(ErrorCode::kNotFound, "not in the cache: {} (`visavis zoo pull`)",
                   fmt::join(missing, " "));
}

}  // namespace

void AddZooPath(CommandLine& line) {
  auto selection = std::make_shared<ZooSelection>();
  CLI::App* command =
      line.AddTo("zoo",
                 {"path",
                  "The cache folders of models that are in it",
                  {"visavis model info $(visavis zoo path yunet-n)/yunet_n_dynamic.onnx"}},
                 [selection](const Common& common) { return RunZooPath(*selection, common); });
  AddZooSelectionOptions(*command, *selection);
}

}  // namespace visavis::cli
