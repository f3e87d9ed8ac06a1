// visavis model pack MODEL
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "doctor/pack.h"
#include "doctor_options.h"

namespace visavis::cli {
namespace {

struct Options {
  DoctorArguments doctor;
  PackOptions pack;
  std::string output;
  std::string order;
  std::string licence;
  std::string terms;
  std::string licence_url;
  bool non_commercial = false;
  bool no_pictures = false;
};

Status Complete(Options& options) {
  PackOptions& pack = options.pack;
  pack.written_by = fmt::format("visavis model pack {}", VISAVIS_VERSION);
  pack.embed_pictures = !options.no_pictures;
  if (!options.order.empty()) {
    pack.channel_order = options.order == "BGR" ? ChannelOrder::kBgr : ChannelOrder::kRgb;
  }
  if (!options.licence.empty()) {
    pack.licence = ContractLicence{options.licence,
                                   options.terms.empty() ? "as the licence says" : options.terms,
                                   options.licence_url, options.non_commercial};
  } else if (!options.terms.empty() || options.non_commercial || !options.licence_url.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "pack: licence terms without --licence NAME");
  }
  return {};
}

Result<int> RunModelPack(Options options, const Common& common) {
  VISAVIS_RETURN_IF_ERROR(Complete(options));
  VISAVIS_ASSIGN_OR_RETURN(const DoctorReport report, RunDoctor(options.doctor, common, false));
  VISAVIS_ASSIGN_OR_RETURN(const ModelContract contract, PackContract(report, options.pack));
  const std::string path =
      options.output.empty() ? ContractPathFor(options.doctor.path) : options.output;
  VISAVIS_RETURN_IF_ERROR(WriteContract(contract, path));
  for (const Finding& finding : report.findings) {
    // The contract that was in the way has just been replaced.
    if (finding.name == "contract_mismatch" || finding.name == "contract_invalid") continue;
    if (finding.severity == Finding::Severity::kNote) continue;
    PrintError(fmt::format("{}: {}: {}", Name(finding.severity), finding.name, finding.what));
  }
  if (common.json) {
    Json notes = Json::array();
    for (const std::string& note : contract.provenance.notes) notes.push_back(note);
    PrintJson({{"contract", path},
               {"model", options.doctor.path},
               {"sha256", contract.model_sha256},
               {"channel_order", Name(contract.input.channel_order)},
               {"normalisation", contract.input.normalised_inside ? "inside" : "outside"},
               {"golden", contract.golden.size()},
               {"assumed", std::move(notes)}});
    return kExitOk;
  }
  fmt::print("{}: {} model, {}, {}, {} golden vectors\n", OneLine(path), Name(contract.task),
             Name(contract.input.channel_order),
             contract.input.normalised_inside ? "normalised inside the graph"
                                              : "normalised outside the graph",
             contract.golden.size());
  for (const std::string& note : contract.provenance.notes) {
    fmt::print("  not certain: {}\n", OneLine(note));
  }
  return kExitOk;
}

}  // namespace

void AddModelPack(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "model",
      {"pack",
       "Write the contract of a model: how it must be fed, threshold, golden vectors, licence",
       {"visavis model pack model.onnx",
        "visavis model pack model.onnx --channel-order BGR --mean 127.5 --scale 0.0078125",
        "visavis model pack model.onnx --threshold 0.35 --threshold-origin \"FMR 0.001 on badges\"",
        "visavis model pack model.onnx --golden face.png --licence MIT"}},
      [options](const Common& common) { return RunModelPack(*options, common); });
  options->doctor.AddTo(*command);
  PackOptions& pack = options->pack;
  command->add_option("-o,--output", options->output,
                      "The contract (default: MODEL with .visavis.json for its extension)");
  command
      ->add_option("--channel-order", options->order, "RGB or BGR (default: as the doctor finds)")
      ->check(CLI::IsMember({"RGB", "BGR"}));
  command->add_option("--mean", pack.mean,
                      "Normalisation outside the graph: (pixel - MEAN) x SCALE");
  command->add_option("--scale", pack.scale, "See --mean");
  command->add_flag("--inside", pack.inside, "The graph normalises: pixels go in as they are");
  command->add_option("--template", pack.face_template,
                      "Pose of the crops: arcface-112, arcface-128, arcface-96x112 or frontal-112");
  command->add_option("--threshold", pack.threshold, "Same person from this similarity on")
      ->check(CLI::Range(-1.0, 1.0));
  command->add_option("--threshold-origin", pack.threshold_origin, "How the threshold was found");
  command->add_option("--golden", pack.golden_images,
                      "Aligned crop whose embedding goes into the contract; may be repeated");
  command->add_flag("--no-pictures", options->no_pictures,
                    "Keep golden crops out of the contract: only their checksums");
  command->add_option("--licence", options->licence, "Name of the licence");
  command->add_option("--terms", options->terms, "Its terms, as the origin states them");
  command->add_option("--licence-url", options->licence_url, "Where the licence is");
  command->add_flag("--non-commercial", options->non_commercial, "No commercial use");
  command->add_option("--source", pack.source, "Where the weights come from");
}

}  // namespace visavis::cli
