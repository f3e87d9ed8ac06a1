// visavis model convert IN OUT
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "model/convert.h"
#include "setting_options.h"
#include "visavis/model.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string in;
  std::string out;
};

Result<int> RunModelConvert(const Options& options, const Common& common) {
  if (!options.out.ends_with(".onnx")) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: want a name that ends in .onnx",
                     options.out);
  }
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadModelFor(common, options.in));
  VISAVIS_ASSIGN_OR_RETURN(const Model cleaned, Clean(model));
  VISAVIS_RETURN_IF_ERROR(cleaned.SaveOnnx(options.out));
  VISAVIS_ASSIGN_OR_RETURN(const Model written, Model::Load(options.out));
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo info, written.Info());
  if (common.json) {
    PrintJson({{"in", options.in},
               {"out", options.out},
               {"opset", info.opset},
               {"nodes", info.nodes},
               {"file_bytes", info.file_bytes},
               {"sha256", info.sha256}});
  } else {
    fmt::print("{}: ONNX opset {}, {} nodes, {} bytes, sha256 {}\n", OneLine(options.out),
               info.opset, info.nodes, info.file_bytes, info.sha256);
  }
  return kExitOk;
}

}  // namespace

void AddModelConvert(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("model",
                 {"convert",
                  "MXNet symbol and params to ONNX, or ONNX to cleaned ONNX",
                  {"visavis model convert model-0000.params mobilefacenet.onnx",
                   "visavis model convert det1-symbol.json pnet.onnx",
                   "visavis model convert old.onnx clean.onnx"}},
                 [options](const Common& common) { return RunModelConvert(*options, common); });
  command
      ->add_option("IN", options->in,
                   "An .onnx file, or the symbol, params or prefix of an MXNet pair")
      ->required();
  command->add_option("OUT", options->out, "The ONNX file to write")->required();
}

}  // namespace visavis::cli
