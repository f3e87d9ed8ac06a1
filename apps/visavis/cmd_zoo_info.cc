// visavis zoo info
#include <fmt/format.h>

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

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json NumberOrNull(double number) { return number == 0 ? Json() : Json(number); }

// Numbers as numbers, open dimensions by name.
Json ShapeAsJson(const std::vector<std::string>& shape) {
  Json list = Json::array();
  for (const std::string& dimension : shape) {
    const bool number = !dimension.empty() && dimension.size() <= 9 &&
                        dimension.find_first_not_of("0123456789") == std::string::npos;
    list.push_back(number ? Json(std::stoi(dimension)) : Json(dimension));
  }
  return list;
}

Json FilesAsJson(const std::vector<AssetFile>& files) {
  Json list = Json::array();
  for (const AssetFile& file : files) {
    Json builds = Json::array();
    for (const AssetBuild& build : file.other_builds) {
      builds.push_back({{"bytes", build.size_bytes},
                        {"sha256", TextOrNull(build.sha256)},
                        {"sha384", TextOrNull(build.sha384)},
                        {"note", build.note}});
    }
    list.push_back({{"name", file.name},
                    {"bytes", file.size_bytes == 0 ? Json() : Json(file.size_bytes)},
                    {"sha256", TextOrNull(file.sha256)},
                    {"sha384", TextOrNull(file.sha384)},
                    {"other_builds", builds},
                    {"urls", file.urls},
                    {"archive", TextOrNull(file.archive)},
                    {"role", TextOrNull(file.role)},
                    {"note", TextOrNull(file.note)}});
  }
  return list;
}

Json InputsAsJson(const Asset& asset) {
  Json list = Json::array();
  for (const AssetInput& input : asset.inputs) {
    list.push_back({{"name", input.name},
                    {"shape", ShapeAsJson(input.shape)},
                    {"layout", input.layout},
                    {"channel_order", TextOrNull(input.channel_order)},
                    {"mean", input.mean},
                    {"scale", input.scale},
                    {"normalisation", TextOrNull(input.normalisation)},
                    {"alignment", TextOrNull(input.alignment)}});
  }
  return list;
}

// Open Model Zoo's info_dumper, then what it does not know.
Json AsJson(const Registry& registry, const Asset& asset, bool cached) {
  Json inputs = Json::array();
  for (const AssetInput& input : asset.inputs) {
    inputs.push_back(
        {{"name", input.name}, {"shape", ShapeAsJson(input.shape)}, {"layout", input.layout}});
  }
  Json stages = Json::array();
  for (const std::string& name : asset.stages) {
    const Asset* stage = registry.Find(name);
    if (stage != nullptr && stage->stages.empty()) {
      stages.push_back(AsJson(registry, *stage, cached));
    }
  }
  Json accuracy = Json::array();
  for (const PublishedAccuracy& one : asset.accuracy) {
    accuracy.push_back({{"metric", one.metric},
                        {"value", one.value},
                        {"protocol", one.protocol},
                        {"source", one.source}});
  }
  Json outputs = Json::array();
  for (const AssetOutput& output : asset.outputs) {
    outputs.push_back(
        {{"name", output.name}, {"dimension", output.dimension}, {"meaning", output.meaning}});
  }
  return {{"name", asset.name},
          {"composite_model_name", TextOrNull(asset.composite)},
          {"description", asset.description},
          {"framework", asset.framework},
          {"license_url", asset.licence_url},
          {"accuracy_config", nullptr},
          {"model_config", nullptr},
          {"precisions", asset.precisions.empty() ? Json::array({"FP32"}) : Json(asset.precisions)},
          {"quantization_output_precisions", Json::array()},
          {"subdirectory", asset.subdirectory.empty() ? asset.name : asset.subdirectory},
          {"task_type", asset.task},
          {"input_info", inputs},
          {"model_stages", stages},
          {"aliases", asset.aliases},
          {"licence", asset.licence},
          {"terms", TermsName(asset.terms)},
          {"files", FilesAsJson(asset.files)},
          {"archives", FilesAsJson(asset.archives)},
          {"inputs", InputsAsJson(asset)},
          {"outputs", outputs},
          {"accuracy", accuracy},
          {"threshold", NumberOrNull(asset.threshold)},
          {"threshold_origin", TextOrNull(asset.threshold_origin)},
          {"flops", NumberOrNull(asset.flops)},
          {"parameters", NumberOrNull(asset.parameters)},
          {"cost_source", TextOrNull(asset.cost_source)},
          {"sources", asset.sources},
          {"notes", asset.notes},
          {"unverified", asset.unverified},
          {"cached", cached},
          {"origin", asset.origin.empty() ? "built-in" : asset.origin}};
}

void Line(std::string_view key, const std::string& text) {
  if (!text.empty()) fmt::print("{:<13} {}\n", key, OneLine(text));
}

std::string Checksum(const AssetFile& file) {
  if (!file.sha256.empty()) return "sha256 " + file.sha256;
  return file.sha384.empty() ? "no known checksum" : "sha384 " + file.sha384;
}

std::string InputAsText(const AssetInput& input) {
  std::string text = fmt::format("{} [{}] {} {}", input.name, fmt::join(input.shape, "x"),
                                 input.layout, input.channel_order);
  if (input.normalisation == "graph") text += ", raw 0..255 (the graph normalises)";
  if (input.normalisation == "caller" && !input.mean.empty() && !input.scale.empty()) {
    text += fmt::format(", (x - {}) / {}", input.mean.front(), input.scale.front());
  }
  if (!input.alignment.empty()) text += ", crops aligned to " + input.alignment;
  return text;
}

void PrintText(const Asset& asset, bool cached) {
  Line("name", asset.name);
  Line("also called", fmt::format("{}", fmt::join(asset.aliases, ", ")));
  Line("description", asset.description);
  Line("task", asset.task);
  Line("framework", asset.framework);
  Line("licence", fmt::format("{} ({}{}{})", asset.licence, TermsName(asset.terms),
                              asset.licence_url.empty() ? "" : ", ", asset.licence_url));
  Line("stages", fmt::format("{}", fmt::join(asset.stages, ", ")));
  for (const AssetFile& file : asset.files) {
    Line("file",
         fmt::format("{}, {} bytes, {}", file.name,
                     file.size_bytes > 0 ? std::to_string(file.size_bytes) : "? ", Checksum(file)));
    for (const AssetBuild& build : file.other_builds) {
      Line("  or", fmt::format("sha256 {}: {}", build.sha256, build.note));
    }
    for (const std::string& url : file.urls) Line("  from", url);
    if (!file.archive.empty()) Line("  in", file.archive);
  }
  for (const AssetFile& archive : asset.archives) {
    Line("archive", fmt::format("{}, {}", archive.name, Checksum(archive)));
    for (const std::string& url : archive.urls) Line("  from", url);
  }
  Line("to get it", asset.obtain);
  for (const AssetInput& input : asset.inputs) Line("input", InputAsText(input));
  for (const AssetOutput& output : asset.outputs) {
    Line("output", fmt::format("{}{} {}", output.name,
                               output.dimension > 0 ? fmt::format(" [{}]", output.dimension) : "",
                               output.meaning));
  }
  for (const PublishedAccuracy& one : asset.accuracy) {
    Line("accuracy",
         fmt::format("{} {} ({}; {})", one.metric, one.value, one.protocol, one.source));
  }
  if (asset.threshold > 0) {
    Line("threshold", fmt::format("{} ({})", asset.threshold, asset.threshold_origin));
  }
  if (asset.flops > 0) Line("FLOPs", fmt::format("{:.4f} G", asset.flops / 1e9));
  if (asset.parameters > 0) Line("parameters", fmt::format("{:.4f} M", asset.parameters / 1e6));
  Line("cost from", asset.cost_source);
  for (const std::string& note : asset.notes) Line("note", note);
  for (const std::string& source : asset.sources) Line("source", source);
  for (const std::string& what : asset.unverified) Line("unverified", what);
  Line("entry", asset.origin.empty() ? "built-in" : asset.origin);
  Line("cached", cached ? "yes" : "no");
}

Result<int> RunZooInfo(const ZooSelection& selection, const Common& common) {
  const Registry registry = OpenRegistry(selection);
  VISAVIS_ASSIGN_OR_RETURN(const auto chosen, Choose(registry, selection, /*default_all=*/false));
  if (!chosen) return kExitOk;
  FetchOptions fetch;
  fetch.cache_dir = selection.cache_dir;
  const Result<std::string> root = CacheRoot(fetch);
  Json list = Json::array();
  bool first = true;
  for (const Asset* asset : *chosen) {
    const bool cached = root && IsInstalled(*root, *asset);
    if (common.json) {
      list.push_back(AsJson(registry, *asset, cached));
      continue;
    }
    if (!first) fmt::print("\n");
    first = false;
    PrintText(*asset, cached);
  }
  if (common.json) PrintJson(list);
  return kExitOk;
}

}  // namespace

void AddZooInfo(CommandLine& line) {
  auto selection = std::make_shared<ZooSelection>();
  CLI::App* command =
      line.AddTo("zoo",
                 {"info",
                  "What is known about models: files, checksums, licence, input, accuracy",
                  {"visavis zoo info mtcnn", "visavis zoo info --json 'buffalo_*'"}},
                 [selection](const Common& common) { return RunZooInfo(*selection, common); });
  AddZooSelectionOptions(*command, *selection);
}

}  // namespace visavis::cli
