#include "quantize_output.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/text.h"
#include "base/try.h"
#include "embed/pixel_rule.h"
#include "visavis/contract.h"

namespace visavis::cli {
namespace {

constexpr const char* kRecordKey = "visavis.quantization";

double Points(double share) { return 100 * share; }

ModelContract NewContract(const ModelInfo& info, const Graph& graph) {
  ModelContract contract;
  const bool faces = info.outputs.size() == 1;
  contract.task = faces ? ModelTask::kRecognition : ModelTask::kDetection;
  contract.input.name = info.inputs[0].name;
  contract.input.normalised_inside = NormalisesPixels(graph);
  for (const Dim& dim : graph.value(graph.inputs[0]).shape.value_or(std::vector<Dim>{})) {
    contract.input.shape.push_back(dim.extent);
  }
  contract.input.mean = {kPixelMean, kPixelMean, kPixelMean};
  contract.input.scale = {1 / kPixelMean, 1 / kPixelMean, 1 / kPixelMean};
  for (const ModelInfo::Port& port : info.outputs) {
    ContractOutput output{port.name, 0};
    if (!port.shape.empty()) {
      const std::string& last = port.shape.back();
      if (!last.empty() && last.find_first_not_of("0123456789") == std::string::npos) {
        output.dimension = std::stoll(last);
      }
    }
    contract.outputs.push_back(output);
  }
  contract.licence.name = "unknown";
  contract.licence.terms = "the float model has no contract that states them";
  contract.provenance.notes.push_back(
      "input assumed by insightface's rule: RGB, mean 127.5, scale 1/127.5");
  return contract;
}

Result<std::string> WriteContractFor(const std::string& model_path, const std::string& path,
                                     const ModelInfo& info, const Graph& graph,
                                     const QuantizationSource& source, const TuneResult& result) {
  VISAVIS_ASSIGN_OR_RETURN(std::optional<ModelContract> known, FindContractFor(model_path));
  ModelContract contract = known ? *std::move(known) : NewContract(info, graph);
  contract.model_file = std::filesystem::path(path).filename().string();
  contract.model_bytes = info.file_bytes;
  contract.model_sha256 = info.sha256;
  contract.precision = result.best.recipe.float_layers.empty() ? "int8" : "mixed";
  contract.quantization = RecordAsJson(source, result).dump();
  if (!contract.golden.empty()) {
    contract.golden.clear();
    contract.provenance.notes.push_back("golden vectors of the float model were left out");
  }
  contract.provenance.derived_from = source.model_sha256;
  contract.provenance.written_by = "visavis quantize";
  const std::string contract_path = ContractPathFor(path);
  VISAVIS_RETURN_IF_ERROR(WriteContract(contract, contract_path));
  return contract_path;
}

std::string TrialLine(const Trial& trial) {
  std::string line = fmt::format("{:.5f} {:.5f}", trial.nearness.mean, trial.nearness.least);
  if (trial.accuracy) {
    const FaceAccuracy& a = *trial.accuracy;
    line += fmt::format("  {:.5f} {:7.3f} {:7.3f} {:7.3f} {:7.3f} {:7.3f}",
                        trial.pairs_nearness->mean, Points(a.flip), Points(a.plain),
                        Points(a.neural_compressor), Points(a.open_model_zoo), Points(a.tar));
  } else {
    line += fmt::format("  {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}", "-", "-", "-", "-", "-", "-");
  }
  return fmt::format("{}  {:<4}  {}", line, trial.passed ? "pass" : "-", Describe(trial.recipe));
}

}  // namespace

void TrialTable::Print(const Trial& trial) {
  if (!enabled_) return;
  if (!has_head_) {
    fmt::print("{:>7} {:>7}  {:>7} {:>7} {:>7} {:>7} {:>7} {:>7}  {:<4}  {}\n", "cosine", "least",
               "pairs", "flip", "plain", "inc", "omz", "tar", "gate", "recipe");
    has_head_ = true;
  }
  fmt::print("{}\n", TrialLine(trial));
  std::fflush(stdout);
}

Result<WrittenFile> WriteQuantized(const std::string& model_path, const std::string& path,
                                   const QuantizationSource& source, TuneResult& result) {
  result.graph.metadata[kRecordKey] = RecordAsJson(source, result).dump();
  VISAVIS_RETURN_IF_ERROR(Model::FromGraph(result.graph).SaveOnnx(path));
  WrittenFile file;
  VISAVIS_ASSIGN_OR_RETURN(const Model written, Model::Load(path));
  VISAVIS_ASSIGN_OR_RETURN(file.info, written.Info());
  VISAVIS_ASSIGN_OR_RETURN(const Model before, Model::Load(model_path));
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo float_info, before.Info());
  file.float_bytes = float_info.file_bytes;
  VISAVIS_ASSIGN_OR_RETURN(file.contract, WriteContractFor(model_path, path, file.info,
                                                           written.graph(), source, result));
  return file;
}

Json ReportAsJson(const QuantizeReport& report) {
  Json json = RecordAsJson(report.source, report.result);
  Json trials = Json::array();
  for (const Trial& trial : report.result.trials) trials.push_back(TrialAsJson(trial));
  json["trials"] = std::move(trials);
  if (report.result.speeds.before_ms > 0) {
    json["speed"] = {{"float_ms", report.result.speeds.before_ms},
                     {"int8_ms", report.result.speeds.after_ms}};
  }
  json["accepted"] = report.verdict.accepted;
  json["reasons"] = report.verdict.reasons;
  if (report.file) {
    json["file"] = {{"bytes", report.file->info.file_bytes},
                    {"float_bytes", report.file->float_bytes},
                    {"sha256", report.file->info.sha256},
                    {"contract", report.file->contract}};
  }
  return json;
}

void PrintReport(const QuantizeReport& report, const std::string& path) {
  const TuneResult& result = report.result;
  fmt::print("calibration  {} (sha256 {})\n", report.source.calibration,
             report.source.calibration_sha256.substr(0, 16));
  if (result.float_accuracy) {
    const auto print = [](std::string_view name, const FaceAccuracy& a) {
      fmt::print(
          "{:<12} flip {:.3f} +- {:.3f}, plain {:.3f}, inc {:.3f}, omz {:.3f}, TAR@FAR 1e-3 "
          "{:.3f}, VAL {:.3f} %\n",
          name, Points(a.flip), Points(a.flip_deviation), Points(a.plain),
          Points(a.neural_compressor), Points(a.open_model_zoo), Points(a.tar), Points(a.val));
    };
    fmt::print("pairs        {}\n", report.source.pairs);
    print("float", *result.float_accuracy);
    print("int8", *result.best.accuracy);
    fmt::print("cosine       mean {:.5f}, least {:.5f} on the pairs' images\n",
               result.best.pairs_nearness->mean, result.best.pairs_nearness->least);
  }
  if (result.speeds.before_ms > 0) {
    fmt::print("speed        {:.2f} ms in float, {:.2f} ms in int8 (one thread, median)\n",
               result.speeds.before_ms, result.speeds.after_ms);
  }
  fmt::print("recipe       {}\n", Describe(result.best.recipe));
  for (const std::string& reason : report.verdict.reasons) fmt::print("refused      {}\n", reason);
  if (report.file) {
    const WrittenFile& file = *report.file;
    fmt::print("written      {}: {} bytes, {:.3f} of {}; {}\n", OneLine(path), file.info.file_bytes,
               static_cast<double>(file.info.file_bytes) / static_cast<double>(file.float_bytes),
               file.float_bytes, OneLine(file.contract));
  } else {
    fmt::print("nothing written; --force writes it all the same\n");
  }
}

}  // namespace visavis::cli
