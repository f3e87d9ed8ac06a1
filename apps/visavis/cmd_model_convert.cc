// visavis model convert IN OUT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "model/convert.h"
#include "model/rewrite/batch.h"
#include "setting_options.h"
#include "visavis/model.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string in;
  std::string out;
  bool dry_run = false;
  int opset = 0;
  std::string batch;
  std::string reverse;
  std::string repair;
  std::string mean;
  std::string scale;
  std::vector<std::string> outputs;
  bool fp16 = false;
  bool bf16 = false;
  ConvertOptions convert;
};

Result<std::vector<double>> ParseNumbers(const std::string& text, const char* option) {
  std::vector<double> numbers;
  std::string_view rest = text;
  while (true) {
    const std::string_view part = rest.substr(0, rest.find(','));
    double number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error != std::errc() || end != part.data() + part.size() || numbers.size() >= 64) {
      return MakeError(ErrorCode::kInvalidArgument, "{} {}: want numbers such as 127.5 or 1,2,3",
                       option, text);
    }
    numbers.push_back(number);
    if (part.size() == rest.size()) return numbers;
    rest.remove_prefix(part.size() + 1);
  }
}

Result<Dim> ParseBatch(const std::string& text) {
  if (text == "dynamic") return Dim{-1, std::string(kOpenBatch)};
  std::int64_t batch = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), batch);
  if (error == std::errc() && end == text.data() + text.size() && batch >= 1 && batch <= 1 << 20) {
    return Dim{batch, ""};
  }
  return MakeError(ErrorCode::kInvalidArgument, "--batch {}: want dynamic or a number from 1",
                   text);
}

Result<std::vector<DefectKind>> ParseRepair(const std::string& text) {
  const auto all = AllDefectKinds();
  if (text == "all") return std::vector<DefectKind>(all.begin(), all.end());
  std::vector<DefectKind> kinds;
  std::string_view rest = text;
  while (true) {
    const std::string_view part = rest.substr(0, rest.find(','));
    const std::optional<DefectKind> kind = DefectKindNamed(part);
    if (!kind) {
      std::string names = "all";
      for (const DefectKind known : all) names += fmt::format(", {}", Name(known));
      return MakeError(ErrorCode::kInvalidArgument, "--repair={}: want of {}", text, names);
    }
    kinds.push_back(*kind);
    if (part.size() == rest.size()) return kinds;
    rest.remove_prefix(part.size() + 1);
  }
}

Result<ConvertOptions> Parse(const Options& options) {
  ConvertOptions convert = options.convert;
  convert.outputs = options.outputs;
  if (!options.repair.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(convert.repair, ParseRepair(options.repair));
  }
  if (!options.batch.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(const Dim batch, ParseBatch(options.batch));
    convert.batch = batch;
  }
  if (!options.mean.empty() || !options.scale.empty()) {
    InputNormalization put_in;
    if (!options.mean.empty()) {
      VISAVIS_ASSIGN_OR_RETURN(put_in.mean, ParseNumbers(options.mean, "--mean"));
    }
    if (!options.scale.empty()) {
      VISAVIS_ASSIGN_OR_RETURN(put_in.scale, ParseNumbers(options.scale, "--scale"));
    }
    convert.put_in = std::move(put_in);
  }
  if (!options.reverse.empty()) {
    if (options.reverse != "gather" && options.reverse != "weights") {
      return MakeError(ErrorCode::kInvalidArgument,
                       "--reverse-input-channels={}: want gather or weights", options.reverse);
    }
    convert.reverse_channels =
        options.reverse == "gather" ? ReverseBy::kGather : ReverseBy::kWeights;
  }
  if (options.opset != 0) convert.opset = options.opset;
  if (options.fp16) convert.storage = DType::kF16;
  if (options.bf16) convert.storage = DType::kBF16;
  return convert;
}

Status CheckPaths(const Options& options) {
  if (options.out.empty() && options.dry_run) return {};
  if (options.out.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "want OUT, the ONNX file to write, or --dry-run");
  }
  if (!options.out.ends_with(".onnx")) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: want a name that ends in .onnx",
                     options.out);
  }
  std::error_code ignored;
  if (std::filesystem::equivalent(options.in, options.out, ignored)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: is the input; want another name for the output", options.out);
  }
  return {};
}

Json PortsJson(const std::vector<ModelInfo::Port>& ports) {
  Json list = Json::array();
  for (const ModelInfo::Port& port : ports) {
    list.push_back({{"name", port.name}, {"shape", port.shape}});
  }
  return list;
}

// A graph that was not written has no bytes.
Json SideJson(const ModelInfo& info) {
  Json side = {{"format", info.format},
               {"opset", info.opset},
               {"nodes", info.nodes},
               {"stored_parameters", info.stored_parameters},
               {"inputs", PortsJson(info.inputs)},
               {"outputs", PortsJson(info.outputs)}};
  if (info.file_bytes > 0) side["file_bytes"] = info.file_bytes;
  return side;
}

std::string PortsText(const std::vector<ModelInfo::Port>& ports) {
  std::vector<std::string> texts;
  for (const ModelInfo::Port& port : ports) {
    texts.push_back(fmt::format("{} [{}]", port.name, fmt::join(port.shape, ",")));
  }
  return OneLine(fmt::format("{}", fmt::join(texts, ", ")));
}

void PrintSide(const char* side, const ModelInfo& info) {
  const std::string bytes =
      info.file_bytes > 0 ? fmt::format(", {} bytes", info.file_bytes) : std::string();
  fmt::print("{:<7} {}, opset {}, {} nodes, {:.4f} M parameters{}; {} -> {}\n", side, info.format,
             info.opset, info.nodes, info.stored_parameters / 1e6, bytes, PortsText(info.inputs),
             PortsText(info.outputs));
}

void PrintSteps(const Conversion& conversion, bool all) {
  constexpr std::size_t kShown = 6;
  for (const ConvertStep& step : conversion.steps) {
    fmt::print("{}: {} changes\n", step.name, step.changes.size());
    if (!step.remark.empty()) {
      std::string_view rest = step.remark;
      for (std::size_t shown = 0; !rest.empty(); ++shown) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (shown >= kShown && !all) continue;
        fmt::print("  {}\n", OneLine(std::string(line)));
      }
    }
    for (std::size_t i = 0; i < step.changes.size() && (all || i < kShown); ++i) {
      fmt::print("  {}\n", OneLine(step.changes[i]));
    }
    if (!all && step.changes.size() > kShown) {
      fmt::print("  ... and {} more (-v or --json shows all)\n", step.changes.size() - kShown);
    }
  }
}

Json StepsJson(const Conversion& conversion) {
  Json steps = Json::array();
  for (const ConvertStep& step : conversion.steps) {
    steps.push_back({{"step", step.name}, {"remark", step.remark}, {"changes", step.changes}});
  }
  return steps;
}

Result<int> RunModelConvert(const Options& options, const Common& common) {
  VISAVIS_RETURN_IF_ERROR(CheckPaths(options));
  VISAVIS_ASSIGN_OR_RETURN(const ConvertOptions convert, Parse(options));
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadModelFor(common, options.in));
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo before, model.Info());
  Result<Conversion> conversion = ConvertGraph(model.graph(), convert);
  if (!conversion) {
    return MakeError(conversion.error().code, "{}: {}", options.in, conversion.error().message);
  }
  if (options.dry_run) {
    VISAVIS_ASSIGN_OR_RETURN(const ModelInfo after, Model::FromGraph(conversion->graph).Info());
    if (common.json) {
      PrintJson({{"in", options.in},
                 {"dry_run", true},
                 {"notes", before.notes},
                 {"steps", StepsJson(*conversion)},
                 {"before", SideJson(before)},
                 {"after", SideJson(after)}});
    } else {
      for (const std::string& note : before.notes) fmt::print("reading: {}\n", OneLine(note));
      PrintSteps(*conversion, true);
      PrintSide("before:", before);
      PrintSide("after:", after);
      fmt::print("nothing written (--dry-run)\n");
    }
    return kExitOk;
  }
  VISAVIS_RETURN_IF_ERROR(Model::FromGraph(conversion->graph).SaveOnnx(options.out));
  VISAVIS_ASSIGN_OR_RETURN(const Model written, Model::Load(options.out));
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo info, written.Info());
  if (common.json) {
    PrintJson({{"in", options.in},
               {"out", options.out},
               {"opset", info.opset},
               {"nodes", info.nodes},
               {"file_bytes", info.file_bytes},
               {"sha256", info.sha256},
               {"notes", before.notes},
               {"steps", StepsJson(*conversion)},
               {"before", SideJson(before)},
               {"after", SideJson(info)}});
  } else {
    for (const std::string& note : before.notes) fmt::print("reading: {}\n", OneLine(note));
    PrintSteps(*conversion, common.verbosity > 0);
    PrintSide("before:", before);
    PrintSide("after:", info);
    fmt::print("{}: ONNX opset {}, {} nodes, {} bytes, sha256 {}\n", OneLine(options.out),
               info.opset, info.nodes, info.file_bytes, info.sha256);
  }
  return kExitOk;
}

}  // namespace

void AddModelConvert(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "model",
      {"convert",
       "MXNet, Caffe or ONNX to ONNX, cleaned, mended and rewritten as asked",
       {"visavis model convert model-0000.params mobilefacenet.onnx",
        "visavis model convert det1.prototxt pnet.onnx --transpose-hw "
        "--reverse-input-channels=weights",
        "visavis model convert old.onnx clean.onnx --repair --opset 17 --batch dynamic",
        "visavis model convert old.onnx --dry-run --repair",
        "visavis model convert rgb.onnx bgr.onnx --reverse-input-channels",
        "visavis model convert raw.onnx small.onnx --mean 127.5 --scale 0.0078125 --fp16"}},
      [options](const Common& common) { return RunModelConvert(*options, common); });
  command
      ->add_option("IN", options->in,
                   "An .onnx file; the symbol, params or prefix of an MXNet pair; or the .prototxt "
                   "or .caffemodel of a Caffe pair")
      ->required();
  command->add_option("OUT", options->out, "The ONNX file to write; not needed with --dry-run");
  command->add_flag("--dry-run", options->dry_run, "Say what would change; write nothing");
  command->add_flag(
      "--repair{all}", options->repair,
      "Mend known defects: all, or of spatial, float64, slope, computed-slope, gamma, "
      "inputs, training, batch (--repair=KIND,...)");
  command->add_option("--opset", options->opset, "Operator set to write, 7 to 21")
      ->check(CLI::Range(7, 21));
  command->add_option("--batch", options->batch, "dynamic, or images per run");
  command->add_option("--output", options->outputs, "Cut the network at this value or node")
      ->expected(1)
      ->take_all();
  command->add_flag("--transpose-hw", options->convert.transpose_hw,
                    "Exchange height and width: kernels of MTCNN's Caffe files");
  command->add_flag(
      "--reverse-input-channels{gather}", options->reverse,
      "BGR for RGB: gather (bit for bit the same numbers) or weights (no added work)");
  command->add_option("--mean", options->mean,
                      "Put (x - mean) * scale in front: one number, or one per channel");
  command->add_option("--scale", options->scale, "See --mean");
  command->add_flag("--fold-normalization", options->convert.fold_normalization,
                    "Fold the normalisation of pixels into the first convolution");
  command->add_flag("--unfold-normalization,--unfold", options->convert.unfold_normalization,
                    "Take the normalisation of pixels out of the network");
  command->add_flag("--fold-batchnorm", options->convert.fold_batchnorm,
                    "Fold BatchNormalization into convolutions and fully connected layers");
  auto* fp16 =
      command->add_flag("--fp16", options->fp16, "Store weights as float16 behind Cast nodes");
  command->add_flag("--bf16", options->bf16, "Store weights as bfloat16 behind Cast nodes")
      ->excludes(fp16);
}

}  // namespace visavis::cli
