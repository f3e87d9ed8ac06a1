// visavis model build ARCH -o FILE
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "model/arch/arch.h"
#include "visavis/model.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string arch;
  std::string out;
  std::uint64_t seed = 1;
};

Result<int> RunModelBuild(const Options& options, const Common& common) {
  if (!options.out.ends_with(".onnx")) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: want a name that ends in .onnx",
                     options.out);
  }
  VISAVIS_ASSIGN_OR_RETURN(Graph graph, BuildArch(options.arch, options.seed));
  const Model model = Model::FromGraph(std::move(graph));
  VISAVIS_RETURN_IF_ERROR(model.SaveOnnx(options.out));
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo info, model.Info());
  if (common.json) {
    PrintJson({{"arch", options.arch},
               {"seed", options.seed},
               {"out", options.out},
               {"nodes", info.nodes},
               {"stored_parameters", info.stored_parameters}});
  } else {
    fmt::print("{}: {} with seed {}, {} nodes, {:.4f} M parameters\n", OneLine(options.out),
               options.arch, options.seed, info.nodes, info.stored_parameters / 1e6);
  }
  return kExitOk;
}

}  // namespace

void AddModelBuild(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("model",
                 {"build",
                  "A known architecture with random weights, for tests and benchmarks",
                  {"visavis model build lresnet100e-ir --seed 1 -o r100.onnx",
                   "visavis model build mobilefacenet -o mobilefacenet.onnx"}},
                 [options](const Common& common) { return RunModelBuild(*options, common); });
  command->add_option("ARCH", options->arch, fmt::format("One of {}", fmt::join(ArchNames(), ", ")))
      ->required();
  command->add_option("-o,--output", options->out, "The ONNX file to write")->required();
  command->add_option("--seed", options->seed, "Chooses the weights")->capture_default_str();
}

}  // namespace visavis::cli
