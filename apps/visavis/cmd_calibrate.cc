// visavis calibrate DATASET --model FILE --fmr RATE
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "evaluate/calibrate.h"
#include "evaluate/embed_set.h"
#include "evaluate/evaluation_set.h"
#include "evaluate/verification_report.h"
#include "json_output.h"
#include "photo_options.h"
#include "report/plots.h"
#include "visavis/contract.h"
#include "visavis/recognize.h"
#include "visavis/zoo.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string dataset;
  std::string model;
  LoadSetOptions set;
  std::optional<double> fmr;
  std::optional<double> fpir;
  FpirTarget search;
  std::string probability = "logistic";
  double prior = 0.5;
  CalibrationOptions calibration;
  std::int64_t sample_pairs = 0;
  std::string plots;
  bool dry_run = false;
  bool aligned = false;
  DetectorOptions detector;
};

/// What was found, and on what.
struct Calibrated {
  DatasetFacts facts;
  std::size_t failures = 0;
  CalibratedThreshold threshold;
  std::optional<CalibratedProbability> probability;
  double lowest = -1;  // similarities seen
  double highest = 1;
};

Status CheckOptions(const Options& options) {
  if (options.fmr.has_value() == options.fpir.has_value()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "calibrate: want either --fmr RATE, or --fpir RATE with --gallery N");
  }
  if (options.dry_run) return {};
  if (FindAsset(options.model) != nullptr) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        "{}: is a name of the registry; a calibration is kept in the contract beside a "
        "model file of yours, so give the file, or --dry-run to store nothing",
        options.model);
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::optional<ModelContract> contract,
                           FindContractFor(options.model));
  if (!contract) {
    return MakeError(ErrorCode::kNotFound,
                     "{}: has no contract beside it to keep the calibration in ({}); write one "
                     "with `visavis model pack`, or give --dry-run to store nothing",
                     options.model, ContractPathFor(options.model));
  }
  return {};
}

/// Enough pairs of an identity folder for the target, and a little more; all are too many.
std::int64_t PairsToSample(const Options& options) {
  if (options.sample_pairs > 0) return options.sample_pairs;
  const double wanted = options.fmr ? std::ceil(30 / *options.fmr) : 0;
  return static_cast<std::int64_t>(std::clamp(wanted, 1e5, 2e6));
}

Result<EvaluationSet> LoadSet(const Options& options) {
  LoadSetOptions set_options = options.set;
  set_options.sample_pairs = PairsToSample(options);  // lists keep theirs
  set_options.seed = options.calibration.seed;
  return LoadEvaluationSet(FileSystem::Real(), options.dataset, set_options);
}

Result<SetEmbeddings> EmbedImages(const EvaluationSet& set, const Embedder& embedder,
                                  const Options& options, const Common& common) {
  EmbedSetOptions embed;
  embed.crops.pose = embedder.crop_pose();
  std::unique_ptr<Detector> detector;
  if (!options.aligned && !LooksAligned(set, embedder.crop_size_px())) {
    VISAVIS_ASSIGN_OR_RETURN(detector, LoadDetectorFor(common, options.detector));
    embed.crops.detector = detector.get();
  }
  embed.mirrored = false;  // `compare` embeds no mirror images
  embed.threads = common.ThreadCount();
  embed.cancel = common.cancel;
  ProgressBar bar("embed", std::ssize(set.images));
  embed.progress = [&](std::int64_t done, std::int64_t) { bar.Update(done); };
  return EmbedSet(set, embedder, embed);
}

Result<CalibrationPairs> PairsOf(const EvaluationSet& set, const EmbeddingRows& rows,
                                 const std::vector<bool>& usable) {
  VISAVIS_ASSIGN_OR_RETURN(ScoredSet scored, ScorePairs(set, rows, usable, FailurePolicy::kDrop));
  return CalibrationPairs{std::move(scored.similarity), std::move(scored.same),
                          std::move(scored.people)};
}

Result<CalibratedThreshold> SearchThreshold(const EvaluationSet& set, const EmbeddingRows& rows,
                                            const std::vector<bool>& usable, const Options& options,
                                            const CalibrationOptions& calibration) {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
  for (std::size_t i = 0; i < set.people.size(); ++i) {
    if (!usable[i] || set.people[i] < 0) continue;
    values.insert(values.end(), rows.row(i).begin(), rows.row(i).end());
    subjects.push_back(set.people[i]);
  }
  FpirTarget target = options.search;
  target.fpir = *options.fpir;
  return ThresholdForFpir({{values, rows.dimension}, subjects}, target, calibration);
}

Result<Calibrated> Calibrate(const Options& options, const Embedder& embedder,
                             const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const EvaluationSet set, LoadSet(options));
  if (set.rows || set.ijb) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: want images of pairs or of people, which the model can embed",
                     options.dataset);
  }
  VISAVIS_ASSIGN_OR_RETURN(const SetEmbeddings embeddings,
                           EmbedImages(set, embedder, options, common));
  const EmbeddingRows rows{embeddings.plain, embeddings.dimension};
  VISAVIS_ASSIGN_OR_RETURN(const CalibrationPairs pairs, PairsOf(set, rows, embeddings.usable));

  Calibrated result;
  result.facts = set.facts;
  result.failures = embeddings.failures.size();
  ThreadPool pool(common.ThreadCount());
  CalibrationOptions calibration = options.calibration;
  calibration.pool = &pool;
  if (options.fmr) {
    VISAVIS_ASSIGN_OR_RETURN(result.threshold, ThresholdForFmr(pairs, *options.fmr, calibration));
  } else {
    VISAVIS_ASSIGN_OR_RETURN(result.threshold,
                             SearchThreshold(set, rows, embeddings.usable, options, calibration));
  }
  if (options.probability != "none") {
    VISAVIS_ASSIGN_OR_RETURN(
        result.probability,
        CalibrateProbability(pairs,
                             options.probability == "isotonic" ? ProbabilityModel::kIsotonic
                                                               : ProbabilityModel::kLogistic,
                             options.prior, calibration.seed));
  }
  if (!pairs.similarity.empty()) {
    const auto [low, high] = std::minmax_element(pairs.similarity.begin(), pairs.similarity.end());
    result.lowest = *low;
    result.highest = *high;
  }
  return result;
}

std::string NameOf(const DatasetFacts& facts) {
  const std::filesystem::path path(facts.path);
  const std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  return ValidUtf8(OneLine(name));
}

std::string Origin(const Calibrated& found, const Options& options) {
  const CalibratedThreshold& t = found.threshold;
  if (options.fmr) {
    return fmt::format("FMR {} on {} pairs of different people of {}", *options.fmr, t.impostor,
                       NameOf(found.facts));
  }
  return fmt::format("FPIR {} with {} people enrolled, on {} people of {}", *options.fpir,
                     options.search.gallery_size, t.people, NameOf(found.facts));
}

/// The contract beside the model with what was found.
Status Store(const Calibrated& found, const Options& options) {
  VISAVIS_ASSIGN_OR_RETURN(std::optional<ModelContract> contract, FindContractFor(options.model));
  if (!contract) {
    return MakeError(ErrorCode::kNotFound, "{}: is gone", ContractPathFor(options.model));
  }
  using Target = ContractThreshold::Target;
  const CalibratedThreshold& t = found.threshold;
  ContractThreshold& threshold = contract->threshold.emplace();
  threshold.similarity = t.threshold;
  threshold.origin = Origin(found, options);
  threshold.target = options.fmr
                         ? Target{Target::Rate::kFmr, *options.fmr, 0}
                         : Target{Target::Rate::kFpir, *options.fpir, options.search.gallery_size};
  threshold.interval = ContractThreshold::Interval{t.interval.low, t.interval.high, 0.95};
  threshold.data = ContractThreshold::Data{NameOf(found.facts), found.facts.sha256, t.genuine,
                                           t.impostor, t.people};
  if (found.probability) {
    contract->probability = found.probability->map;
  } else {
    // One of another calibration would not fit this threshold.
    contract->probability.reset();
  }
  return WriteContract(*contract, ContractPathFor(options.model));
}

Json AsJson(const Interval& interval) { return Json::array({interval.low, interval.high}); }

Json AsJson(const ProbabilityMap& map) {
  Json json = {{"prior", map.prior}};
  if (map.model == ProbabilityModel::kLogistic) {
    json["model"] = "logistic";
    json["slope"] = map.slope;
    json["intercept"] = map.intercept;
  } else {
    json["model"] = "isotonic";
    json["knots"] = Json::array();
    for (const auto& knot : map.knots) {
      json["knots"].push_back(Json::array({knot.similarity, knot.probability}));
    }
  }
  return json;
}

Json AsJson(const Calibrated& found, const Options& options) {
  const CalibratedThreshold& t = found.threshold;
  Json json = {
      {"dataset",
       {{"path", found.facts.path},
        {"kind", found.facts.kind},
        {"sha256", found.facts.sha256},
        {"images", found.facts.images},
        {"failures", found.failures},
        {"people", t.people},
        {"genuine", t.genuine},
        {"impostor", t.impostor}}},
      {"target", options.fmr ? Json{{"rate", "FMR"}, {"value", *options.fmr}}
                             : Json{{"rate", "FPIR"},
                                    {"value", *options.fpir},
                                    {"gallery_size", options.search.gallery_size}}},
      {"threshold",
       {{"similarity", t.threshold},
        {"interval", AsJson(t.interval)},
        {"origin", Origin(found, options)}}},
      {options.fmr ? "fmr" : "fpir",
       {{"value", t.false_rate}, {"interval", AsJson(t.false_rate_interval)}}},
      {options.fmr ? "tar" : "tpir",
       {{"value", t.true_rate}, {"interval", AsJson(t.true_rate_interval)}}},
      {"probability", nullptr},
      {"seed", options.calibration.seed},
      {"resamples", options.calibration.resamples},
      {"stored_in", options.dry_run ? Json(nullptr) : Json(ContractPathFor(options.model))}};
  if (found.probability) {
    const CalibratedProbability& p = *found.probability;
    Json reliability = Json::array();
    for (const ReliabilityBin& bin : p.reliability) {
      reliability.push_back({{"said", bin.mean_probability},
                             {"observed", bin.observed},
                             {"weight", bin.weight},
                             {"pairs", bin.pairs}});
    }
    json["probability"] = AsJson(p.map);
    json["probability"]["held_out"] = {{"genuine", p.held_out_genuine},
                                       {"impostor", p.held_out_impostor},
                                       {"expected_error", p.expected_error},
                                       {"reliability", std::move(reliability)}};
  }
  return json;
}

void PrintText(const Calibrated& found, const Options& options) {
  const CalibratedThreshold& t = found.threshold;
  const auto rate = [](const char* name, double value, const Interval& interval,
                       const std::string& more) {
    fmt::print("{:<12}{:.4g} ({:.2g} to {:.2g}){}\n", name, value, interval.low, interval.high,
               more);
  };
  fmt::print("{:<12}{}: {} {}, {} {}, {} people\n", "data", OneLine(found.facts.path), t.genuine,
             options.fmr ? "same-person pairs" : "searches by enrolled people", t.impostor,
             options.fmr ? "of different people" : "by others", t.people);
  if (found.failures > 0) {
    fmt::print("{:<12}{} of {} images gave no embedding; their pairs are left out\n", "failures",
               found.failures, found.facts.images);
  }
  fmt::print("{:<12}{:.4f} ({:.4f} to {:.4f} at 95 %)\n", "threshold", t.threshold, t.interval.low,
             t.interval.high);
  rate(options.fmr ? "FMR" : "FPIR", t.false_rate, t.false_rate_interval,
       fmt::format(", target {}", options.fmr ? *options.fmr : *options.fpir));
  rate(options.fmr ? "TAR" : "TPIR", t.true_rate, t.true_rate_interval,
       options.fmr ? "" : ", rank 1");
  if (found.probability) {
    const CalibratedProbability& p = *found.probability;
    fmt::print("{:<12}{} at prior {}; off by {:.4f} on {} pairs of people it had not seen\n",
               "probability", options.probability, p.map.prior, p.expected_error,
               p.held_out_genuine + p.held_out_impostor);
  }
  fmt::print("{:<12}seed {}, {} resamples of people\n", "intervals", options.calibration.seed,
             options.calibration.resamples);
  fmt::print("{:<12}{}\n", "stored in",
             options.dry_run ? "nothing (--dry-run)" : OneLine(ContractPathFor(options.model)));
}

Status DrawPlots(const Calibrated& found, const Options& options) {
  std::vector<NamedPlot> plots;
  const CalibratedProbability& p = *found.probability;
  plots.push_back(ReliabilityPlot(
      p.reliability, fmt::format("{}: {} same-person pairs, {} of different people, none of whom "
                                 "the map had seen",
                                 NameOf(found.facts), p.held_out_genuine, p.held_out_impostor)));
  plots.push_back(ProbabilityPlot(p.map, found.lowest, found.highest, found.threshold.threshold,
                                  fmt::format("{} map, prior {}, fitted to {}", options.probability,
                                              p.map.prior, NameOf(found.facts))));
  return WritePlots(FileSystem::Real(), options.plots, plots);
}

Result<int> RunCalibrate(const Options& options, const Common& common) {
  VISAVIS_RETURN_IF_ERROR(CheckOptions(options));
  if (!options.plots.empty() && options.probability == "none") {
    return MakeError(ErrorCode::kInvalidArgument,
                     "calibrate: --plots shows the probability, which --probability none leaves "
                     "out");
  }
  VISAVIS_ASSIGN_OR_RETURN(const LoadedEmbedder loaded,
                           LoadEmbedderFor(common, options.model, EmbedOptions{}));
  VISAVIS_ASSIGN_OR_RETURN(const Calibrated found, Calibrate(options, loaded.embedder, common));
  if (!options.plots.empty()) VISAVIS_RETURN_IF_ERROR(DrawPlots(found, options));
  if (!options.dry_run) VISAVIS_RETURN_IF_ERROR(Store(found, options));
  if (common.json) {
    PrintJson(AsJson(found, options));
  } else {
    PrintText(found, options);
  }
  return kExitOk;
}

}  // namespace

void AddCalibrate(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.Add(
      {"calibrate",
       "Find the threshold for a wanted error rate on your own labelled photos",
       {"visavis calibrate badges/ --model model.onnx --fmr 0.001",
        "visavis calibrate pairs.csv --model model.onnx --fmr 0.01 --plots plots/",
        "visavis calibrate people/ --model model.onnx --fpir 0.01 --gallery 500",
        "visavis calibrate lfw/pairs.txt --images lfw --model mobilefacenet-arcface --fmr 0.001 "
        "--dry-run"}},
      [options](const Common& common) { return RunCalibrate(*options, common); });
  command
      ->add_option("DATASET", options->dataset,
                   "Folder with one folder per person, list of pairs (.csv, .txt) or .bin")
      ->required();
  command
      ->add_option("--model", options->model,
                   "Model file; the result is kept in the contract beside it")
      ->required();
  command->add_option("--images", options->set.images, "Folder that paths of a list begin at");
  command->add_option("--folds", options->set.only_folds, "Only these folds of a list, from 1")
      ->delimiter(',');
  command
      ->add_option("--fmr", options->fmr,
                   "Wanted share of different people taken for the same, per comparison")
      ->check(CLI::Range(0.0, 1.0));
  auto* fpir = command
                   ->add_option("--fpir", options->fpir,
                                "Wanted share of searches by strangers that find somebody")
                   ->check(CLI::Range(0.0, 1.0));
  auto* gallery =
      command->add_option("--gallery", options->search.gallery_size, "People enrolled, for --fpir")
          ->check(CLI::PositiveNumber);
  fpir->needs(gallery);
  gallery->needs(fpir);
  command->add_option("--draws", options->search.draws, "Galleries drawn, for --fpir")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--probability", options->probability, "Map from similarity to probability")
      ->capture_default_str()
      ->check(CLI::IsMember({"logistic", "isotonic", "none"}));
  command
      ->add_option("--prior", options->prior,
                   "Share of same-person comparisons that the probability assumes")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--plots", options->plots,
                      "Folder for pictures (SVG, PNG) of reliability and probability");
  command->add_flag("--aligned", options->aligned, "The images are aligned crops: no detection");
  command
      ->add_option("--sample-pairs", options->sample_pairs,
                   "Pairs of each class drawn from a folder (default: what the target needs)")
      ->check(CLI::PositiveNumber);
  command->add_option("--resamples", options->calibration.resamples, "Of people, for intervals")
      ->capture_default_str()
      ->check(CLI::Range(10, 100000));
  command->add_option("--seed", options->calibration.seed, "Of every random choice")
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run, "Store nothing");
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
