// visavis zoo verify
#include <fmt/format.h>

#include <memory>

#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/cache.h"
#include "zoo_options.h"

namespace visavis::cli {
namespace {

// What was named has to be there; of all models, those that are there are checked.
Result<int> RunZooVerify(const ZooSelection& selection, const Common& common) {
  const Registry registry = OpenRegistry(selection);
  VISAVIS_ASSIGN_OR_RETURN(const auto chosen, Choose(registry, selection, /*default_all=*/true));
  if (!chosen) return kExitOk;
  const bool named = !selection.names.empty() || !selection.list_file.empty();
  FetchOptions fetch;
  fetch.cache_dir = selection.cache_dir;
  VISAVIS_ASSIGN_OR_RETURN(const std::string root, CacheRoot(fetch));
  Json list = Json::array();
  bool all_well = true;
  for (const Asset* asset : *chosen) {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<FileCheck> checks,
                             VerifyAsset(root, *asset, common.cancel));
    bool any_there = false;
    for (const FileCheck& check : checks) any_there |= check.state != FileCheck::State::kMissing;
    if (!named && !any_there) continue;
    for (const FileCheck& check : checks) {
      const bool well = check.state == FileCheck::State::kOk;
      all_well &= well;
      if (common.json) {
        list.push_back({{"model", asset->name},
                        {"file", check.file},
                        {"state", StateName(check.state)},
                        {"detail", check.detail}});
      } else {
        fmt::print("{:<10}  {}{}{}{}\n", StateName(check.state), asset->name,
                   check.file.empty() ? "" : "/", OneLine(check.file),
                   check.detail.empty() ? "" : ": " + check.detail);
      }
    }
  }
  if (common.json) PrintJson(list);
  return all_well ? kExitOk : kExitIncomplete;
}

}  // namespace

void AddZooVerify(CommandLine& line) {
  auto selection = std::make_shared<ZooSelection>();
  CLI::App* command =
      line.AddTo("zoo",
                 {"verify",
                  "Read the cache's files and compare them with the registry",
                  {"visavis zoo verify", "visavis zoo verify mtcnn --json"}},
                 [selection](const Common& common) { return RunZooVerify(*selection, common); });
  AddZooSelectionOptions(*command, *selection);
}

}  // namespace visavis::cli
