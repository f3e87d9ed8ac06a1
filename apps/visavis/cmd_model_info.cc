// visavis model info MODEL
#include <fmt/format.h>

#include <memory>

#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "setting_options.h"
#include "visavis/model.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string path;
};

Json PortsAsJson(const std::vector<ModelInfo::Port>& ports) {
  Json list = Json::array();
  for (const ModelInfo::Port& port : ports) {
    list.push_back({{"name", port.name}, {"type", Name(port.dtype)}, {"shape", port.shape}});
  }
  return list;
}

Json AsJson(const std::string& path, const ModelInfo& info) {
  return {{"path", path},
          {"recognised_as", info.recognised_as},
          {"format", info.format},
          {"producer", info.producer},
          {"opset", info.opset},
          {"file_bytes", info.file_bytes},
          {"sha256", info.sha256},
          {"inputs", PortsAsJson(info.inputs)},
          {"outputs", PortsAsJson(info.outputs)},
          {"nodes", info.nodes},
          {"operators", info.operators},
          {"stored_parameters", info.stored_parameters},
          {"parameters", info.parameters},
          {"flops", info.flops},
          {"multiply_adds", info.multiply_adds}};
}

std::string PortAsText(const ModelInfo::Port& port) {
  return fmt::format("{} {} [{}]", OneLine(port.name), Name(port.dtype),
                     OneLine(fmt::format("{}", fmt::join(port.shape, "x"))));
}

void PrintText(const std::string& path, const ModelInfo& info) {
  fmt::print("{:<15}{}\n", "file", OneLine(path));
  fmt::print("{:<15}{}\n", "recognised as",
             info.recognised_as.empty() ? "no known network" : info.recognised_as);
  fmt::print("{:<15}{}, opset {}{}\n", "format", info.format, info.opset,
             info.producer.empty() ? "" : ", made by " + OneLine(info.producer));
  fmt::print("{:<15}{}\n", "bytes", info.file_bytes);
  fmt::print("{:<15}{}\n", "sha256", info.sha256);
  for (const auto& port : info.inputs) fmt::print("{:<15}{}\n", "input", PortAsText(port));
  for (const auto& port : info.outputs) fmt::print("{:<15}{}\n", "output", PortAsText(port));
  fmt::print("{:<15}{:.4f} M ({:.4f} M stored)\n", "parameters", info.parameters / 1e6,
             info.stored_parameters / 1e6);
  if (info.flops > 0) {
    fmt::print("{:<15}{:.4f} G ({:.4f} G multiply-adds) for one image\n", "FLOPs", info.flops / 1e9,
               info.multiply_adds / 1e9);
  } else {
    fmt::print("{:<15}not known: the input size is open\n", "FLOPs");
  }
  fmt::print("{:<15}{}\n", "nodes", info.nodes);
  for (const auto& [type, count] : info.operators) {
    fmt::print("{:<15}{:>5} {}\n", "", count, OneLine(type));
  }
}

Result<int> RunModelInfo(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadModelFor(common, options.path));
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo info, model.Info());
  if (common.json) {
    PrintJson(AsJson(options.path, info));
  } else {
    PrintText(options.path, info);
  }
  return kExitOk;
}

}  // namespace

void AddModelInfo(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "model",
      {"info",
       "What a model file holds: inputs, outputs, operators, parameters, FLOPs, checksum",
       {"visavis model info arcfaceresnet100-8.onnx", "visavis model info model-0000.params",
        "visavis model info --json det1-symbol.json"}},
      [options](const Common& common) { return RunModelInfo(*options, common); });
  command
      ->add_option("MODEL", options->path,
                   "An .onnx file, or the symbol, params or prefix of an MXNet pair")
      ->required();
}

}  // namespace visavis::cli
