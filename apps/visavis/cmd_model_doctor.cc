// visavis model doctor MODEL
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/exit_code.h"
#include "base/try.h"
#include "commands.h"
#include "doctor/known_weights.h"
#include "doctor_options.h"
#include "setting_options.h"

namespace visavis::cli {
namespace {

struct Options {
  DoctorArguments doctor;
  bool fingerprint = false;
};

Result<int> PrintFingerprint(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadModelFor(common, options.doctor.path));
  const std::string name = std::filesystem::path(options.doctor.path).stem().string();
  VISAVIS_ASSIGN_OR_RETURN(const std::string text, KnownNetworkText(model.graph(), name));
  fmt::print("{}", text);
  return kExitOk;
}

Result<int> RunModelDoctor(const Options& options, const Common& common) {
  if (options.fingerprint) return PrintFingerprint(options, common);
  VISAVIS_ASSIGN_OR_RETURN(const DoctorReport report, RunDoctor(options.doctor, common, true));
  if (common.json) {
    PrintJson(ReportAsJson(report));
  } else {
    PrintReport(report, common.verbosity);
  }
  return report.verdict() == Verdict::kHealthy ? kExitOk : kExitIncomplete;
}

}  // namespace

void AddModelDoctor(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "model",
      {"doctor",
       "Say what a model file is, how it must be fed, and what is wrong with it",
       {"visavis model doctor model.onnx", "visavis model doctor --faces people/ model.onnx",
        "visavis model doctor --golden face.png,embedding.npy model.onnx",
        "visavis model doctor --json model-0000.params"}},
      [options](const Common& common) { return RunModelDoctor(*options, common); });
  options->doctor.AddTo(*command);
  command->add_option("--golden", options->doctor.golden,
                      "IMAGE,EMBEDDING.npy: a crop and the embedding it must give");
  command->add_flag("--no-known-weights", options->doctor.no_known_weights,
                    "Do not look the weights up among those of published networks");
  command->add_flag("--fingerprint", options->fingerprint,
                    "Only print the network's layers and checksums, as models/known/ has them");
}

}  // namespace visavis::cli
