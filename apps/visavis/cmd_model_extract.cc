// visavis model extract ARCHIVE
#include <fmt/format.h>

#include <memory>

#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/model_archive.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string path;
  std::string output;
  bool force = false;
};

void PrintText(const ModelArchive& archive) {
  const auto line = [](std::string_view key, const std::string& text) {
    if (!text.empty()) fmt::print("{:<12} {}\n", key, OneLine(text));
  };
  line("model", archive.model_name);
  line("version", archive.model_version);
  line("description", archive.description);
  line("runtime", archive.runtime);
  line("handler", archive.handler.empty() ? "" : archive.handler + " (not run)");
  line("licence", archive.licence);
  for (const std::string& file : archive.model_files) line("model file", file);
  for (const ArchiveEntry& entry : archive.entries) {
    if (!entry.is_folder) {
      line("holds", fmt::format("{}, {} bytes", entry.path,
                                entry.size_bytes >= 0 ? std::to_string(entry.size_bytes) : "?"));
    }
  }
}

Json AsJson(const std::string& path, const ModelArchive& archive) {
  Json entries = Json::array();
  for (const ArchiveEntry& entry : archive.entries) {
    if (entry.is_folder) continue;
    entries.push_back(
        {{"path", entry.path}, {"bytes", entry.size_bytes >= 0 ? Json(entry.size_bytes) : Json()}});
  }
  return {{"path", path},
          {"model_name", archive.model_name},
          {"model_version", archive.model_version},
          {"description", archive.description},
          {"runtime", archive.runtime},
          {"handler", archive.handler},
          {"licence", archive.licence},
          {"model_files", archive.model_files},
          {"entries", entries}};
}

Result<int> RunModelExtract(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const ModelArchive archive, ReadModelArchive(options.path));
  std::vector<std::string> extracted;
  if (!options.output.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(extracted, ExtractModels(options.path, options.output, options.force));
  }
  if (common.json) {
    Json json = AsJson(options.path, archive);
    json["extracted"] = extracted;
    PrintJson(json);
  } else if (options.output.empty()) {
    PrintText(archive);
  } else {
    for (const std::string& path : extracted) fmt::print("{}\n", OneLine(path));
  }
  return kExitOk;
}

}  // namespace

void AddModelExtract(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "model",
      {"extract",
       "Look into a model archive (.mar of Multi Model Server), and take its model out",
       {"visavis model extract arcface.mar", "visavis model extract arcface.mar -o model"}},
      [options](const Common& common) { return RunModelExtract(*options, common); });
  command->add_option("ARCHIVE", options->path, "A .mar file: a zip with MAR-INF/MANIFEST.json")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "Folder for the model's files; without it they are only listed")
      ->option_text("DIR");
  command->add_flag("--force", options->force, "Replace files that are there");
}

}  // namespace visavis::cli
