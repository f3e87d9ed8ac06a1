// visavis model run MODEL --input X.npy --output DIR
#include <fmt/format.h>

#include <cctype>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/npy.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "setting_options.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string path;
  std::vector<std::string> inputs;
  std::string folder;
  std::string precision = "fp32";
  std::string isa;
  bool low_memory = false;
  bool reference = false;
};

Result<Tensor> ReadTensor(const std::string& path) {
  const Limits limits;
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path, limits.model_file_bytes));
  VISAVIS_ASSIGN_OR_RETURN(const NpyArray array, ParseNpy(bytes, path, limits.tensor_elements));
  return Tensor::From<float>(Shape(array.shape), array.values);
}

Status WriteTensor(const std::string& path, const Tensor& tensor) {
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter file,
                           AtomicFileWriter::Create(FileSystem::Real(), path));
  VISAVIS_RETURN_IF_ERROR(file.Append(NpyHeader(tensor.shape().dims())));
  VISAVIS_RETURN_IF_ERROR(
      file.Append(std::span(static_cast<const std::uint8_t*>(tensor.raw()), tensor.size_bytes())));
  return file.Commit();
}

// The output's place and name, with everything but letters, digits, '.', '-' and '_' replaced.
std::string FileNameOf(std::size_t index, const std::string& output) {
  std::string name = fmt::format("{:02}_{}.npy", index, output);
  for (char& c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    if (!plain) c = '_';
  }
  return name;
}

Result<int> RunModelRun(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(Model model, Model::Load(options.path));
  std::optional<ThreadPool> pool;
  if (common.ThreadCount() > 1) pool.emplace(common.ThreadCount());
  SessionOptions session_options;
  session_options.pool = pool.has_value() ? &*pool : nullptr;
  VISAVIS_ASSIGN_OR_RETURN(session_options.precision, ParsePrecision(options.precision));
  session_options.isa = options.isa;
  session_options.low_memory = options.low_memory;
  session_options.reference = options.reference;
  VISAVIS_ASSIGN_OR_RETURN(const Session session,
                           Session::Create(std::move(model), session_options));

  Log(common, 1, fmt::format("instruction set {}", session.isa()));

  std::vector<Tensor> inputs;
  for (const std::string& path : options.inputs) {
    VISAVIS_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(path));
    inputs.push_back(std::move(tensor));
  }
  const std::vector<TensorView> views(inputs.begin(), inputs.end());
  std::vector<Tensor> outputs(session.outputs().size());
  {
    const LoggedStep step(common, "run");
    VISAVIS_RETURN_IF_ERROR(session.Run(views, outputs));
  }

  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(options.folder));
  Json written = Json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = session.outputs()[i].name;
    if (outputs[i].dtype() != DType::kF32) {
      return MakeError(ErrorCode::kUnsupported, "{}: output {} is not float32", options.path, name);
    }
    const std::string file = options.folder + "/" + FileNameOf(i, name);
    VISAVIS_RETURN_IF_ERROR(WriteTensor(file, outputs[i]));
    if (!common.json) {
      fmt::print("{} {} {}\n", OneLine(file), OneLine(name), outputs[i].shape().ToString());
    }
    written.push_back({{"name", name}, {"shape", outputs[i].shape().dims()}, {"file", file}});
  }
  if (common.json) PrintJson({{"isa", session.isa()}, {"outputs", written}});
  return kExitOk;
}

}  // namespace

void AddModelRun(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("model",
                 {"run",
                  "Runs a model on arrays and writes its outputs",
                  {"visavis model run mobilefacenet.onnx --input crops.npy --output outputs",
                   "visavis model run r100.onnx --input crop.npy --output outputs --isa scalar"}},
                 [options](const Common& common) { return RunModelRun(*options, common); });
  command->add_option("MODEL", options->path, "A model file, as for `model info`")->required();
  command
      ->add_option("--input", options->inputs,
                   "A .npy file of float32; once per input, in the model's order")
      ->required();
  command->add_option("-o,--output", options->folder, "Folder for one .npy file per output")
      ->required();
  AddPrecisionOption(*command, options->precision);
  command->add_option("--isa", options->isa,
                      "Instruction set: scalar, avx2, avx512; default the best here");
  command->add_flag("--low-memory", options->low_memory,
                    "Keep the weights as they are in the file only");
  command->add_flag("--reference", options->reference,
                    "Operator by operator as the file says, without fused kernels");
}

}  // namespace visavis::cli
