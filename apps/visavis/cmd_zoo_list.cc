// visavis zoo list
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/cache.h"
#include "zoo/registry_entry.h"
#include "zoo_options.h"

namespace visavis::cli {
namespace {

struct Options {
  ZooSelection selection;
  bool cached = false;
};

struct Row {
  const Asset* asset = nullptr;
  bool installed = false;
};

void PrintTable(const std::vector<Row>& rows) {
  std::size_t width = 4;
  for (const Row& row : rows) width = std::max(width, row.asset->name.size());
  fmt::print("{:<{}}  {:<17} {:>10}  {:<14}  {:<6}  {}\n", "name", width, "task", "size", "licence",
             "cached", "also called");
  for (const Row& row : rows) {
    fmt::print("{:<{}}  {:<17} {:>10}  {:<14}  {:<6}  {}\n", row.asset->name, width,
               OneLine(row.asset->task), BytesAsText(TotalBytes(*row.asset)),
               TermsName(row.asset->terms), row.installed ? "yes" : "-",
               fmt::join(row.asset->aliases, " "));
  }
}

Result<int> RunZooList(const Options& options, const Common& common) {
  const Registry registry = OpenRegistry(options.selection);
  VISAVIS_ASSIGN_OR_RETURN(const auto chosen,
                           Choose(registry, options.selection, /*default_all=*/true));
  const int exit_code = registry.problems().empty() ? kExitOk : kExitIncomplete;
  if (!chosen) return exit_code;
  FetchOptions fetch;
  fetch.cache_dir = options.selection.cache_dir;
  const Result<std::string> root = CacheRoot(fetch);
  std::vector<Row> rows;
  for (const Asset* asset : *chosen) {
    const bool installed = root && IsInstalled(*root, *asset);
    if (installed || !options.cached) rows.push_back({asset, installed});
  }
  if (!common.json) {
    PrintTable(rows);
    return exit_code;
  }
  Json list = Json::array();
  for (const Row& row : rows) {
    list.push_back({{"name", row.asset->name},
                    {"aliases", row.asset->aliases},
                    {"task", row.asset->task},
                    {"description", row.asset->description},
                    {"framework", row.asset->framework},
                    {"bytes", TotalBytes(*row.asset)},
                    {"licence", row.asset->licence},
                    {"terms", TermsName(row.asset->terms)},
                    {"cached", row.installed},
                    {"origin", row.asset->origin.empty() ? "built-in" : row.asset->origin}});
  }
  PrintJson(list);
  return exit_code;
}

}  // namespace

void AddZooList(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("zoo",
                 {"list",
                  "The models known by name",
                  {"visavis zoo list", "visavis zoo list 'face-recognition-*' --json",
                   "visavis zoo list --cached"}},
                 [options](const Common& common) { return RunZooList(*options, common); });
  AddZooSelectionOptions(*command, options->selection);
  command->add_flag("--cached", options->cached, "Only what is in the cache");
}

}  // namespace visavis::cli
