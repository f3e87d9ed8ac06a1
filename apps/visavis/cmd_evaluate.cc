// visavis evaluate DATA
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/try.h"
#include "bench/machine.h"
#include "commands.h"
#include "evaluate/compare_results.h"
#include "evaluate/embed_set.h"
#include "evaluate/evaluation.h"
#include "evaluate/report_json.h"
#include "evaluate_data.h"
#include "evaluate_outputs.h"
#include "evaluate_text.h"
#include "json_output.h"
#include "photo_options.h"
#include "setting_options.h"
#include "runtime/choose_kernels.h"
#include "visavis/recognize.h"
#include "zoo/cache.h"

namespace visavis::cli {
namespace {

struct Options {
  DataOptions data;
  InputOption input;
  std::vector<std::string> models;
  std::vector<std::string> precisions;
  FaceChoice choice = FaceChoice::kLargestCentral;
  DetectorOptions detector;
  bool flip = false;
  bool no_flip = false;
  std::string failures = "drop";
  bool identify = false;
  bool no_identify = false;
  EvaluationOptions evaluation;
  std::vector<double> thresholds;
  std::uint64_t seed = 1;
  int batch = 8;
  std::string cache;
  bool no_cache = false;
  std::string pairs_out;
  std::string baseline;
  std::string max_drop = "0.1pp";
  EvaluateOutputs outputs;
};

FailurePolicy PolicyOf(const std::string& name) {
  if (name == "reject") return FailurePolicy::kReject;
  return name == "error" ? FailurePolicy::kError : FailurePolicy::kDrop;
}

// --- systems ------------------------------------------------------------------------------------

// A network ready to embed, and what the report says of it.
struct System {
  SystemFacts facts;
  LoadedEmbedder loaded;
};

// The files of a manifest's model, or the model file itself.
Result<std::string> WeightsDigest(const std::string& model, const LoadedEmbedder& loaded) {
  if (loaded.contract) return loaded.contract->model_sha256;
  const Asset* asset = FindAsset(model);
  if (asset == nullptr) return HashFile(model);
  if (asset->files.size() == 1) return asset->files.front().sha256;
  std::string all;
  for (const AssetFile& file : asset->files) all += file.sha256;
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(all.data()), all.size()});
}

std::string ContractId(const Embedder& embedder) {
  const InputPixels& pixels = embedder.pixels();
  return fmt::format("{} ({} - [{}]) x [{}], {} px, template {}", pixels.bgr ? "BGR" : "RGB",
                     "pixel", fmt::join(pixels.mean, " "), fmt::join(pixels.scale, " "),
                     embedder.crop_pose().size_px,
                     static_cast<int>(embedder.crop_pose().face_template));
}

Result<System> LoadSystem(const std::string& model, const std::string& precision,
                          const Common& common) {
  EmbedOptions options;
  VISAVIS_ASSIGN_OR_RETURN(options.session.precision, ParsePrecision(precision));
  VISAVIS_ASSIGN_OR_RETURN(LoadedEmbedder loaded, LoadEmbedderFor(common, model, options));
  SystemFacts facts;
  facts.name = model;
  facts.label = FindAsset(model) != nullptr ? model : std::filesystem::path(model).stem().string();
  if (precision != "fp32") facts.label += ", " + precision;
  VISAVIS_ASSIGN_OR_RETURN(facts.sha256, WeightsDigest(model, loaded));
  facts.contract = ContractId(loaded.embedder);
  facts.precision = precision;
  facts.threshold = loaded.threshold;
  return System{std::move(facts), std::move(loaded)};
}

// Everything but the image that an embedding depends on (docs/formats/embedding-cache.md).
std::string CacheKey(const System& system, const Options& options) {
  std::string text = fmt::format("visavis {}\n{}\n{}\n{}\n{}\n{}\n", VISAVIS_VERSION,
                                 system.facts.sha256, system.facts.contract, system.facts.precision,
                                 system.loaded.embedder.session().isa(), system.facts.detector);
  if (!system.facts.detector.empty()) {
    text += fmt::format("{} {}\n", Describe(options.detector), static_cast<int>(options.choice));
  }
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<std::optional<EmbeddingCache>> OpenCache(const System& system, const Options& options) {
  if (options.no_cache) return std::optional<EmbeddingCache>();
  std::string root = options.cache;
  if (root.empty()) {
    VISAVIS_ASSIGN_OR_RETURN(const std::string shared, CacheRoot({}));
    root = shared + "/embeddings";
  }
  VISAVIS_ASSIGN_OR_RETURN(
      EmbeddingCache cache,
      EmbeddingCache::Open(FileSystem::Real(), root + "/" + CacheKey(system, options),
                           system.loaded.embedder.dimension()));
  return std::optional(std::move(cache));
}

Result<SetEmbeddings> EmbedWith(const System& system, const EvaluationSet& set,
                                const CropOptions& crops, const Options& options,
                                const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(std::optional<EmbeddingCache> cache, OpenCache(system, options));
  ProgressBar bar("embed " + system.facts.label, std::ssize(set.images));
  EmbedSetOptions embed;
  embed.crops = crops;
  embed.mirrored = !options.no_flip;
  embed.threads = common.ThreadCount();
  embed.batch = options.batch;
  embed.cancel = common.cancel;
  embed.cache = cache ? &*cache : nullptr;
  embed.progress = [&](std::int64_t done, std::int64_t) { bar.Update(done); };
  const LoggedStep step(common, system.facts.label + ": embedded");
  return EmbedSet(set, system.loaded.embedder, embed);
}

// --- the run ------------------------------------------------------------------------------------

SetEmbeddings StoredEmbeddings(const EvaluationSet& set) {
  SetEmbeddings stored;
  stored.dimension = static_cast<std::size_t>(set.rows->shape[1]);
  stored.plain = set.rows->values;
  stored.usable.assign(set.images.size(), true);
  return stored;
}

EvaluationOptions OptionsOf(const Options& options, const EvaluationSet& set, ThreadPool* pool) {
  EvaluationOptions evaluation = options.evaluation;
  evaluation.failures = PolicyOf(options.failures);
  evaluation.plain = !options.flip;
  evaluation.flip = !options.no_flip;
  const bool people = set.facts.kind == "folder" || set.facts.kind == "embeddings";
  evaluation.identify =
      options.identify || (people && set.people_from_folders && !options.no_identify);
  evaluation.verification.seed = evaluation.search.seed = options.seed;
  evaluation.verification.pool = evaluation.search.pool = pool;
  for (const double threshold : options.thresholds)
    evaluation.verification.thresholds.push_back({threshold, "given with --threshold"});
  if (options.thresholds.empty()) {
    evaluation.verification.thresholds.push_back({0.5, "rule of the ONNX Model Zoo's article"});
  }
  return evaluation;
}

// Two systems must not have one label.
std::string UniqueLabel(std::string label, std::map<std::string, int>& used) {
  const int times = ++used[label];
  return times == 1 ? label : fmt::format("{} ({})", label, times);
}

struct Run {
  const Options& options;
  const Common& common;
  EvaluationSet set;
  std::unique_ptr<Detector> detector;
  CropOptions crops;  // of the first system, for pictures

  Status AddSystems(Evaluation& evaluation) {
    if (set.rows) {
      SystemFacts facts;
      facts.name = facts.label = std::filesystem::path(set.facts.path).stem().string();
      facts.threshold = {0.5, "rule of the ONNX Model Zoo's article"};
      return evaluation.AddSystem(std::move(facts), StoredEmbeddings(set));
    }
    std::map<std::string, int> labels;
    bool first = true;
    for (const std::string& model : options.models) {
      for (const std::string& precision : options.precisions) {
        VISAVIS_ASSIGN_OR_RETURN(System system, LoadSystem(model, precision, common));
        system.facts.label = UniqueLabel(system.facts.label, labels);
        CropOptions own{detector.get(), options.choice, system.loaded.embedder.crop_pose()};
        if (detector != nullptr) system.facts.detector = detector->name();
        if (first) crops = own;
        first = false;
        VISAVIS_ASSIGN_OR_RETURN(const SetEmbeddings embeddings,
                                 EmbedWith(system, set, own, options, common));
        const LoggedStep step(common, system.facts.label + ": measured");
        VISAVIS_RETURN_IF_ERROR(evaluation.AddSystem(std::move(system.facts), embeddings));
      }
    }
    return {};
  }
};

std::string UtcNow() {
  return fmt::format(
      "{:%Y-%m-%dT%H:%M:%SZ}",
      fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

Status CheckOptions(const Options& options) {
  if (options.flip && options.no_flip) {
    return MakeError(ErrorCode::kInvalidArgument, "evaluate: --flip or --no-flip, not both");
  }
  if (options.identify && options.no_identify) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "evaluate: --identification or --no-identification, not both");
  }
  for (const double fmr : options.evaluation.verification.fmrs) {
    if (!(fmr > 0) || fmr > 1)
      return MakeError(ErrorCode::kInvalidArgument, "--fmr {}: want rates in (0,1]", fmr);
  }
  for (const std::string& precision : options.precisions)
    VISAVIS_RETURN_IF_ERROR(ParsePrecision(precision));
  VISAVIS_RETURN_IF_ERROR(ParseMaxDrop(options.max_drop));
  VISAVIS_RETURN_IF_ERROR(options.outputs.Check());
  return {};
}

Result<std::optional<EvaluationReport>> ReadBaseline(const std::string& path) {
  if (path.empty()) return std::optional<EvaluationReport>();
  VISAVIS_ASSIGN_OR_RETURN(const auto bytes, FileSystem::Real().ReadFile(path, 1LL << 30));
  VISAVIS_ASSIGN_OR_RETURN(
      EvaluationReport report,
      ParseReport({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path));
  return std::optional(std::move(report));
}

Result<int> RunEvaluate(const Options& options, const Common& common) {
  VISAVIS_RETURN_IF_ERROR(CheckOptions(options));
  // A baseline that cannot be read is no reason to work for minutes first.
  VISAVIS_ASSIGN_OR_RETURN(const auto baseline, ReadBaseline(options.baseline));
  const auto start = std::chrono::steady_clock::now();
  const std::string started = UtcNow();
  DataOptions data = options.data;
  data.load.seed = options.seed;
  VISAVIS_ASSIGN_OR_RETURN(EvaluationSet set, data.Load(common));
  Run run{options, common, std::move(set), nullptr, {}};
  if (!run.set.rows) {
    const bool given = run.set.ijb.has_value();  // landmarks come with the data
    const bool aligned = !given && options.input.Aligned(run.set, 112);
    run.set.facts.input = aligned ? "aligned" : "photos";
    if (!aligned && !given) {
      VISAVIS_ASSIGN_OR_RETURN(run.detector, LoadDetectorFor(common, options.detector));
    }
  }
  ThreadPool pool(common.ThreadCount());
  EvaluationOptions measures = OptionsOf(options, run.set, &pool);
  std::unique_ptr<ProgressBar> bar;
  std::mutex bar_mutex;
  measures.progress = [&](std::int64_t done, std::int64_t total) {
    const std::lock_guard lock(bar_mutex);
    if (bar == nullptr) bar = std::make_unique<ProgressBar>("pairs", total);
    bar->Update(done);
    if (done >= total) bar->Clear();
  };
  Evaluation evaluation(run.set, measures);
  VISAVIS_RETURN_IF_ERROR(run.AddSystems(evaluation));
  VISAVIS_ASSIGN_OR_RETURN(EvaluationReport report, evaluation.Finish());

  report.run.visavis = VISAVIS_VERSION;
  report.run.command = common.command;
  report.run.started = started;
  report.run.cpu = CpuName();
  report.run.cores = ThreadPool(0).threads();
  report.run.threads = common.ThreadCount();
  VISAVIS_ASSIGN_OR_RETURN(const KernelTable* kernels, ChooseKernels({}));
  report.run.isa = kernels->isa;
  if (!options.pairs_out.empty()) {
    VISAVIS_RETURN_IF_ERROR(evaluation.WritePairs(FileSystem::Real(), options.pairs_out));
    report.pairs_file = options.pairs_out;
  }
  if (baseline) {
    VISAVIS_ASSIGN_OR_RETURN(report.baseline,
                             CompareWithBaseline(report, *baseline, options.baseline,
                                                 ParseMaxDrop(options.max_drop).value()));
  }
  report.run.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  VISAVIS_RETURN_IF_ERROR(options.outputs.Write(report, [&](std::int64_t image) -> Result<Image> {
    if (run.set.rows) return MakeError(ErrorCode::kNotFound, "stored embeddings have no pictures");
    VISAVIS_ASSIGN_OR_RETURN(std::optional<Image> crop,
                             CropOfImage(run.set, static_cast<std::size_t>(image), run.crops));
    if (!crop) return MakeError(ErrorCode::kNotFound, "no face found");
    return std::move(*crop);
  }));
  const std::string text = common.json ? ReportToJson(report) + "\n" : EvaluationText(report);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return report.baseline && !report.baseline->passed ? kExitIncomplete : kExitOk;
}

void AddMeasureOptions(CLI::App& command, Options& options) {
  VerificationOptions& verification = options.evaluation.verification;
  SearchOptions& search = options.evaluation.search;
  command
      .add_option(
          "--protocol", verification.protocols,
          "Only these: k-fold, k-fold-pca, val@far, neural-compressor, omz, fixed-threshold")
      ->delimiter(',')
      ->check(CLI::IsMember(
          {"k-fold", "k-fold-pca", "val@far", "neural-compressor", "omz", "fixed-threshold"}));
  command.add_flag("--flip", options.flip, "Only the sum of image and mirror image");
  command.add_flag("--no-flip", options.no_flip,
                   "Only the image itself (default: both modes are reported)");
  command
      .add_option("--folds", verification.folds,
                  "Contiguous folds; 0 = those of the data set, or 10")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command
      .add_option("--threshold-step", verification.threshold_step,
                  "Grid of squared distances in k-fold")
      ->check(CLI::Range(1e-5, 4.0))
      ->capture_default_str();
  command.add_option("--pca", verification.pca, "Also k-fold after PCA to so many components")
      ->check(CLI::Range(0, 65536));
  command.add_option("--fmr", verification.fmrs, "False match rates at which TAR is reported")
      ->delimiter(',')
      ->capture_default_str();
  command
      .add_option("--threshold", options.thresholds, "Also accuracy at these fixed similarities")
      ->delimiter(',')
      ->check(CLI::Range(-1.0, 1.0));
  command
      .add_option("--resamples", verification.resamples,
                  "Of people, for intervals of curves; 0 = none")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command.add_option("--seed", options.seed, "Of every random choice")->capture_default_str();
  command.add_option("--worst", verification.worst_pairs, "Worst pairs of each kind in the report")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command.add_flag("--identification", options.identify,
                   "Also search: CMC, TPIR at FPIR (default for persons' folders)");
  command.add_flag("--no-identification", options.no_identify, "No search");
  command
      .add_option("--gallery-size", search.gallery_sizes,
                  "Also search among so many people, drawn at random")
      ->delimiter(',')
      ->check(CLI::Range(1, 100000000));
  command.add_option("--fpir", search.fpirs, "False positive identification rates")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

}  // namespace

void AddEvaluate(CommandLine& line) {
  auto options = std::make_shared<Options>();
  options->models = {kDefaultRecognitionModel};
  options->precisions = {"fp32"};
  CLI::App* command =
      line.Add({"evaluate",
                "Measure accuracy by the published protocols",
                {"visavis evaluate lfw.bin", "visavis evaluate lfw-aligned/ --pairs pairs.txt",
                 "visavis evaluate photos/ --pairs pairs.txt --only-folds 1 --no-flip",
                 "visavis evaluate people/ --gallery-size 100,1000",
                 "visavis evaluate lfw.bin --model a.onnx --model b.onnx",
                 "visavis evaluate lfw.bin --precision fp32,bf16 --pairs-out pairs.csv",
                 "visavis evaluate lfw.bin --json > today.json",
                 "visavis evaluate lfw.bin --baseline yesterday.json --max-drop 0.1pp"}},
               [options](const Common& common) { return RunEvaluate(*options, common); });
  options->data.AddTo(*command);
  options->input.AddTo(*command);
  command
      ->add_option("--model", options->models,
                   "Recognition network: a name of the manifest, or a model file; several are "
                   "compared with the first")
      ->capture_default_str();
  command
      ->add_option("--precision", options->precisions,
                   "fp32, fp32-high, bf16 or fast; several are compared")
      ->delimiter(',')
      ->capture_default_str();
  command
      ->add_option("--failures", options->failures,
                   "Pairs with an image that gave no embedding: drop, reject (not accepted) or "
                   "error")
      ->check(CLI::IsMember({"drop", "reject", "error"}))
      ->capture_default_str();
  AddMeasureOptions(*command, *options);
  command->add_option("--batch", options->batch, "Faces per run of the network")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--cache", options->cache,
                      "Folder for embeddings that are kept (default: in the model cache)");
  command->add_flag("--no-cache", options->no_cache, "Keep no embeddings and use none");
  command->add_option("--pairs-out", options->pairs_out,
                      "CSV of every pair with similarity and verdict");
  command->add_option("--baseline", options->baseline,
                      "A report of --json; a larger drop than --max-drop makes the exit code 1");
  command->add_option("--max-drop", options->max_drop, "Percentage points (0.1pp) or share (0.001)")
      ->capture_default_str();
  options->outputs.AddTo(*command);
  AddFaceChoice(*command, options->choice);
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
