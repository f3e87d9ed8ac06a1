// visavis quantize MODEL -o OUT --calibration DATA
#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "photo_options.h"
#include "quantize/faces.h"
#include "quantize/journal.h"
#include "quantize/quantizer.h"
#include "quantize/tune.h"
#include "quantize_output.h"
#include "setting_options.h"
#include "visavis/model.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string model;
  std::string output;
  std::string calibration;
  std::string method = "mse";
  std::string activations = "u8";
  std::string rounding = "nearest";
  std::string first = "int8";
  std::string last = "int8";
  std::string residual = "int8";
  std::string bias = "float";
  std::string format = "qdq";
  std::string scales = "portable";
  double percentile = 99.99;
  bool no_equalize = false;
  bool no_bias_correction = false;
  bool reduce_range = false;
  std::vector<std::string> float_layers;
  std::size_t samples = 300;
  std::uint64_t seed = 1;
  int crop_size = 112;

  std::string eval;
  std::string metric = "flip";
  std::string max_drop = "0.1pp";
  double min_cosine = 0;
  bool no_search = false;
  bool no_speed_check = false;
  bool force = false;
  bool resume = false;
};

Result<Recipe> ParseRecipe(const Options& options) {
  Recipe recipe;
  VISAVIS_ASSIGN_OR_RETURN(recipe.ranges, ParseRangeMethod(options.method));
  recipe.percentile = options.percentile;
  recipe.signed_activations = options.activations == "s8";
  recipe.equalize = !options.no_equalize;
  recipe.correct_bias = !options.no_bias_correction;
  recipe.rounding = options.rounding == "adaptive" ? Rounding::kAdaptive : Rounding::kNearest;
  recipe.portable_scales = options.scales == "portable";
  recipe.reduce_range = options.reduce_range;
  recipe.first_float = options.first == "float";
  recipe.last_float = options.last == "float";
  recipe.float_residual = options.residual == "float";
  recipe.int32_bias = options.bias == "int32";
  recipe.format = options.format == "qoperator" ? QuantFormat::kQOperator : QuantFormat::kQdq;
  recipe.float_layers = {options.float_layers.begin(), options.float_layers.end()};
  return recipe;
}

Result<Gate> ParseGate(const Options& options) {
  Gate gate;
  VISAVIS_ASSIGN_OR_RETURN(gate.metric, ParseFaceMetric(options.metric));
  VISAVIS_RETURN_IF_ERROR(ParseMaxDrop(options.max_drop, gate));
  gate.min_cosine = options.min_cosine;
  gate.check_speed = !options.no_speed_check;
  return gate;
}

/// One bar on the screen, of whatever stage is under way.
class StageBar {
 public:
  void Update(std::string_view stage, std::int64_t done, std::int64_t total) {
    if (!bar_ || stage != stage_) {
      bar_.reset();
      stage_ = stage;
      bar_.emplace(stage_, total);
    }
    bar_->Update(done);
    if (done == total) bar_.reset();
  }
  void Clear() {
    if (bar_) bar_->Clear();
  }

 private:
  std::string stage_;
  std::optional<ProgressBar> bar_;
};

Status CheckLayerNames(const Quantizer& quantizer, const Recipe& recipe) {
  const std::vector<std::string> names = quantizer.LayerNames();
  for (const std::string& name : recipe.float_layers) {
    if (std::ranges::find(names, name) == names.end()) {
      return MakeError(ErrorCode::kInvalidArgument, "--float-layer {}: there are {}", name,
                       fmt::join(names, " "));
    }
  }
  return {};
}

/// Everything that the work reads.
struct Inputs {
  std::vector<Sample> samples;
  std::optional<PixelGrid> pixels;
  std::optional<FaceSet> pairs;
  QuantizationSource source;
};

Result<Inputs> ReadInputs(const Options& options, const Common& common, const Model& model,
                          const QuantizeHooks& hooks) {
  Inputs inputs;
  FaceSetOptions faces{.crop_size_px = options.crop_size,
                       .samples = options.samples,
                       .seed = options.seed,
                       .detector = {},
                       .hooks = hooks};
  faces.detector = [&]() -> Result<std::unique_ptr<Detector>> {
    DetectorOptions detector;
    detector.pool = hooks.pool;
    return LoadDetectorFor(common, detector);
  };
  inputs.source.seed = options.seed;
  if (IsTensorFolder(options.calibration)) {
    VISAVIS_ASSIGN_OR_RETURN(TensorSet set,
                             ReadTensorFolder(options.calibration, options.samples, options.seed));
    inputs.samples = std::move(set.samples);
    inputs.source.calibration = std::move(set.description);
    inputs.source.calibration_sha256 = std::move(set.sha256);
  } else {
    VISAVIS_ASSIGN_OR_RETURN(const FaceSet set, ReadCalibrationFaces(options.calibration, faces));
    inputs.samples = SamplesFromFaces(set, model.graph(), inputs.pixels.emplace());
    inputs.source.calibration = set.description;
    inputs.source.calibration_sha256 = set.sha256;
    if (set.without_face > 0) {
      Log(common, 0, fmt::format("{} pictures without a face were left out", set.without_face));
    }
  }
  inputs.source.samples = inputs.samples.size();
  if (!options.eval.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(inputs.pairs, ReadLabelledFaces(options.eval, faces));
    inputs.source.pairs = inputs.pairs->description;
    inputs.source.pairs_sha256 = inputs.pairs->sha256;
  }
  VISAVIS_ASSIGN_OR_RETURN(const ModelInfo info, model.Info());
  inputs.source.model_sha256 = info.sha256;
  return inputs;
}

Result<int> RunQuantize(const Options& options, const Common& common) {
  if (!options.output.ends_with(".onnx")) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: want a name that ends in .onnx",
                     options.output);
  }
  VISAVIS_ASSIGN_OR_RETURN(const Recipe recipe, ParseRecipe(options));
  TuneOptions tune;
  VISAVIS_ASSIGN_OR_RETURN(tune.gate, ParseGate(options));
  ThreadPool pool(common.threads);
  StageBar bar;
  tune.hooks.pool = &pool;
  tune.hooks.cancel = common.cancel;
  tune.hooks.progress = [&bar](std::string_view stage, std::int64_t done, std::int64_t total) {
    bar.Update(stage, done, total);
  };
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadModelFor(common, options.model));
  VISAVIS_ASSIGN_OR_RETURN(Inputs inputs, ReadInputs(options, common, model, tune.hooks));
  VISAVIS_ASSIGN_OR_RETURN(Quantizer quantizer,
                           Quantizer::Create(model.graph(), {inputs.samples, inputs.pixels},
                                             recipe.format == QuantFormat::kQOperator, tune.hooks));
  VISAVIS_RETURN_IF_ERROR(CheckLayerNames(quantizer, recipe));
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<JournalFile> journal,
                           JournalFile::Open(FileSystem::Real(), options.output + ".trials.jsonl",
                                             inputs.source, !options.resume));
  tune.journal = journal->Hooks();
  tune.search = !options.no_search;
  TrialTable table(!common.json);
  tune.on_trial = [&](const Trial& trial) {
    bar.Clear();
    table.Print(trial);
  };
  VISAVIS_ASSIGN_OR_RETURN(TuneResult result, Tune(model, quantizer, recipe, inputs.samples,
                                                   inputs.pairs ? &*inputs.pairs : nullptr, tune));

  const Verdict verdict = Judge(result, tune.gate);
  const bool write = verdict.accepted || options.force;
  QuantizeReport report{.source = inputs.source, .result = result, .verdict = verdict, .file = {}};
  if (write) {
    VISAVIS_ASSIGN_OR_RETURN(report.file,
                             WriteQuantized(options.model, options.output, inputs.source, result));
  }
  journal->Remove();
  if (common.json) {
    PrintJson(ReportAsJson(report));
  } else {
    PrintReport(report, options.output);
  }
  return verdict.accepted || options.force ? kExitOk : kExitIncomplete;
}

void AddRecipeOptions(CLI::App& command, Options& options) {
  command.add_option("--method", options.method, "How ranges of activations are chosen")
      ->check(CLI::IsMember({"minmax", "percentile", "entropy", "mse"}))
      ->capture_default_str();
  command.add_option("--percentile", options.percentile, "Share kept by --method percentile")
      ->check(CLI::Range(50.0, 100.0))
      ->capture_default_str();
  command.add_option("--activations", options.activations, "u8 asymmetric or s8 symmetric")
      ->check(CLI::IsMember({"u8", "s8"}))
      ->capture_default_str();
  command.add_flag("--no-equalize", options.no_equalize, "Leave the channels' ranges as they are");
  command.add_flag("--no-bias-correction", options.no_bias_correction,
                   "Leave the mean error of rounded weights in");
  command.add_option("--rounding", options.rounding, "Of weights")
      ->check(CLI::IsMember({"nearest", "adaptive"}))
      ->capture_default_str();
  command
      .add_option("--scales", options.scales,
                  "portable: scales of few bits, so that every runtime gets the same bits; "
                  "free: a little nearer to the float network, but no two runtimes agree")
      ->check(CLI::IsMember({"portable", "free"}))
      ->capture_default_str();
  command.add_flag("--reduce-range", options.reduce_range,
                   "Weights of 7 bits, for machines whose sums of products saturate");
  for (const auto& [name, value, what] :
       {std::tuple("--first", &options.first, "Weights of the first layer"),
        std::tuple("--last", &options.last, "Weights of the last layer"),
        std::tuple("--residual", &options.residual, "Sums that blocks hand on")}) {
    command.add_option(name, *value, what)
        ->check(CLI::IsMember({"int8", "float"}))
        ->capture_default_str();
  }
  command.add_option("--bias", options.bias, "Biases in a QDQ file: float is smaller")
      ->check(CLI::IsMember({"float", "int32"}))
      ->capture_default_str();
  command.add_option("--float-layer", options.float_layers, "A layer to leave float, by name");
  command
      .add_option("--format", options.format,
                  "qdq: operator set 13; qoperator: QLinearConv and so on, operator set 11")
      ->check(CLI::IsMember({"qdq", "qoperator"}))
      ->capture_default_str();
}

void AddGateOptions(CLI::App& command, Options& options) {
  command.add_option("--eval", options.eval,
                     "Labelled pairs to measure with: .bin file, LFW folder (pairs.txt) or CSV");
  command
      .add_option("--metric", options.metric,
                  "What the gate looks at: 10-fold with or without flip, Neural Compressor's, "
                  "Open Model Zoo's, TAR at FAR 1e-3")
      ->check(CLI::IsMember({"flip", "plain", "inc", "omz", "tar"}))
      ->capture_default_str();
  command
      .add_option("--max-drop", options.max_drop,
                  "Largest drop: 0.1pp = percentage points, 1% = of the float value")
      ->capture_default_str();
  command
      .add_option("--min-cosine", options.min_cosine,
                  "Smallest mean cosine between float and int8 outputs")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command.add_flag("--no-search", options.no_search, "Try the given recipe only");
  command.add_flag("--no-speed-check", options.no_speed_check,
                   "Accept a network that is slower on this machine");
  command.add_flag("--force", options.force, "Write the best network even if it is refused");
  command.add_flag("--resume", options.resume, "Go on with the trials of a run that was stopped");
}

}  // namespace

void AddQuantize(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.Add(
      {"quantize",
       "Turn a float network into 8-bit integers, and prove that it is still good",
       {"visavis quantize mobilefacenet.onnx -o mobilefacenet-int8.onnx --calibration faces/",
        "visavis quantize model.onnx -o int8.onnx --calibration lfw.bin --samples 300 --seed 2",
        "visavis quantize model.onnx -o int8.onnx --calibration faces/ --eval lfw/ "
        "--max-drop 0.1pp --min-cosine 0.985",
        "visavis quantize model.onnx -o int8.onnx --calibration faces/ --format qoperator",
        "visavis quantize scrfd.onnx -o scrfd-int8.onnx --calibration tensors/ "
        "--min-cosine 0.99"}},
      [options](const Common& common) { return RunQuantize(*options, common); });
  command->add_option("MODEL", options->model, "An .onnx file or an MXNet pair")->required();
  command->add_option("-o,--output", options->output, "The ONNX file to write")->required();
  command
      ->add_option("--calibration", options->calibration,
                   "What the network will see: .bin file, folder of crops or photos, or folder of "
                   ".npy inputs")
      ->required();
  command->add_option("--samples", options->samples, "Crops or inputs drawn from it; 0: all")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the draw")->capture_default_str();
  command->add_option("--crop-size", options->crop_size, "Side of the crops in pixels")
      ->check(CLI::Range(16, 1024))
      ->capture_default_str();
  AddRecipeOptions(*command, *options);
  AddGateOptions(*command, *options);
}

}  // namespace visavis::cli
