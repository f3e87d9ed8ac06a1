#include "evaluate/verification_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/pca.h"
#include "visavis/match.h"

namespace visavis {
namespace {

constexpr int kHistogramParts = 200;
// A bootstrap looks at every pair this many times at most; more pairs get fewer resamples.
constexpr std::int64_t kMostResampledPairs = 4'000'000'000;

double SimilarityOfDistance(double squared_distance) { return 1 - squared_distance / 2; }

Measured Wilson(std::int64_t part, std::int64_t whole) {
  return {whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole),
          WilsonInterval(part, whole), "wilson"};
}

Measured ClopperPearson(std::int64_t part, std::int64_t whole) {
  return {whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole),
          ClopperPearsonInterval(part, whole), "clopper-pearson"};
}

ReportHistogram HistogramOf(const ScoredSet& scored) {
  ReportHistogram histogram;
  histogram.genuine.resize(kHistogramParts);
  histogram.impostor.resize(kHistogramParts);
  for (std::size_t i = 0; i < scored.similarity.size(); ++i) {
    const double at = (scored.similarity[i] + 1) / 2 * kHistogramParts;
    const auto part = static_cast<std::size_t>(
        std::clamp(static_cast<int>(std::floor(at)), 0, kHistogramParts - 1));
    ++(scored.same[i] != 0 ? histogram.genuine : histogram.impostor)[part];
  }
  return histogram;
}

Result<Roc> RocOf(const ScoredSet& scored) {
  std::vector<double> genuine;
  std::vector<double> impostor;
  for (std::size_t i = 0; i < scored.similarity.size(); ++i) {
    (scored.same[i] != 0 ? genuine : impostor).push_back(scored.similarity[i]);
  }
  return Roc::Create(std::move(genuine), std::move(impostor));
}

std::string OneClassNote(const VerificationReport& report) {
  return fmt::format("no pairs of {}: no ROC, EER, AUC or rates at an FMR",
                     report.genuine == 0 ? "the same person" : "different people");
}

// Folds that were not asked for, or lost all their pairs, leave gaps that no protocol knows.
void NumberFolds(ScoredSet& scored) {
  std::vector<int>& names = scored.fold_name;
  names = scored.fold;
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());  // clang 14: no ranges::unique
  for (int& fold : scored.fold) {
    fold = static_cast<int>(std::ranges::lower_bound(names, fold) - names.begin());
  }
}

constexpr char kTunedOnTestPairs[] = "the threshold is tuned on the test pairs";

// --- protocols ----------------------------------------------------------------------------------

class Protocols {
 public:
  Protocols(const EvaluationSet& set, const ScoredSet& scored, const EmbeddingRows& rows,
            const VerificationOptions& options, std::vector<std::string>& warnings)
      : set_(set), scored_(scored), rows_(rows), options_(options), warnings_(warnings) {
    pairs_ = scored.Pairs();
    folds_ = options.folds > 0 ? options.folds : 10;
    if (!pairs_.fold.empty() && options.folds == 0) {
      folds_ = static_cast<int>(scored_.fold_name.size());
    } else {
      pairs_.fold.clear();
    }
  }

  std::vector<ProtocolResult> All() {
    Add("k-fold", [&] { return KFold(); });
    if (options_.pca > 0) Add("k-fold-pca", [&] { return KFoldPca(); });
    Add("val@far", [&] { return Val(); });
    Add("neural-compressor", [&] { return NeuralCompressor(); });
    Add("omz", [&] { return OpenModelZoo(); });
    for (const Threshold& threshold : options_.thresholds) {
      Add("fixed-threshold", [&]() -> Result<ProtocolResult> { return Fixed(threshold); });
    }
    return std::move(results_);
  }

 private:
  template <typename Measure>
  void Add(const char* name, const Measure& measure) {
    const auto& wanted = options_.protocols;
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) return;
    Result<ProtocolResult> result = measure();
    if (!result) {
      warnings_.push_back(fmt::format("{}: {}", name, result.error().message));
      return;
    }
    result->protocol = name;
    results_.push_back(std::move(*result));
  }

  ProtocolResult FromKFold(const KFoldResult& measured) const {
    ProtocolResult result;
    result.mean = measured.accuracy.mean;
    if (folds_ > 1) result.deviation = measured.accuracy.standard_deviation;
    std::int64_t correct = 0;
    std::int64_t pairs = 0;
    for (const Fold& fold : measured.folds) {
      correct += static_cast<std::int64_t>(fold.correct);
      pairs += static_cast<std::int64_t>(fold.pairs);
      ReportFold line;
      const std::size_t index = result.folds.size();
      line.fold = (pairs_.fold.empty() ? static_cast<int>(index) : scored_.fold_name[index]) + 1;
      line.pairs = static_cast<std::int64_t>(fold.pairs);
      line.correct = static_cast<std::int64_t>(fold.correct);
      line.threshold = fold.threshold;
      line.similarity = SimilarityOfDistance(fold.threshold);
      line.accuracy = fold.accuracy;
      result.folds.push_back(line);
    }
    result.interval = WilsonInterval(correct, pairs);
    return result;
  }

  Result<ProtocolResult> KFold() const {
    VISAVIS_ASSIGN_OR_RETURN(const KFoldResult measured,
                             KFoldAccuracy(pairs_, {folds_, options_.threshold_step}));
    ProtocolResult result = FromKFold(measured);
    result.rule = folds_ > 1 ? fmt::format("{} folds, threshold of each from the others, step {}",
                                           folds_, options_.threshold_step)
                             : fmt::format("one fold, step {}: {}", options_.threshold_step,
                                           kTunedOnTestPairs);
    return result;
  }

  Result<ProtocolResult> KFoldPca() const {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> fold_of, FoldOfPairs(pairs_, folds_));
    std::vector<float> unit;
    for (std::size_t i = 0; i < rows_.rows(); ++i) {
      const Embedding row = Normalize(rows_.row(i));
      unit.insert(unit.end(), row.begin(), row.end());
    }
    const EmbeddingRows unit_rows{unit, rows_.dimension};
    const auto distances = [&](int fold) -> Result<std::vector<double>> {
      std::vector<float> training;
      for (std::size_t i = 0; i < scored_.pair.size(); ++i) {
        if (folds_ > 1 && fold_of[i] == fold) continue;
        const LabelledPair& pair = set_.pairs[scored_.pair[i]];
        for (const std::size_t image : {pair.a, pair.b}) {
          const auto row = unit_rows.row(image);
          training.insert(training.end(), row.begin(), row.end());
        }
      }
      VISAVIS_ASSIGN_OR_RETURN(const Pca pca, Pca::Fit({training, rows_.dimension}, options_.pca));
      std::vector<std::vector<float>> reduced(unit_rows.rows());
      for (std::size_t i = 0; i < reduced.size(); ++i) reduced[i] = pca.Transform(unit_rows.row(i));
      std::vector<double> distance;
      for (const std::size_t index : scored_.pair) {
        const LabelledPair& pair = set_.pairs[index];
        distance.push_back(SquaredDistanceOfNormalized(reduced[pair.a], reduced[pair.b]));
      }
      return distance;
    };
    VISAVIS_ASSIGN_OR_RETURN(const KFoldResult measured,
                             KFoldAccuracy(pairs_, {folds_, options_.threshold_step}, distances));
    ProtocolResult result = FromKFold(measured);
    result.rule =
        folds_ > 1
            ? fmt::format("{} folds, {} principal components and threshold from the others", folds_,
                          options_.pca)
            : fmt::format("one fold, {} principal components: {}", options_.pca, kTunedOnTestPairs);
    return result;
  }

  Result<ProtocolResult> Val() const {
    VISAVIS_ASSIGN_OR_RETURN(const ValResult measured, ValAtFar(pairs_, options_.val_far, folds_));
    ProtocolResult result;
    result.mean = measured.val.mean;
    if (folds_ > 1) result.deviation = measured.val.standard_deviation;
    result.far = measured.far;
    result.rule =
        folds_ > 1 ? fmt::format("VAL at FAR {} interpolated on the other folds", options_.val_far)
                   : fmt::format("VAL at FAR {}: {}", options_.val_far, kTunedOnTestPairs);
    return result;
  }

  Result<ProtocolResult> NeuralCompressor() const {
    ScoredPairs pairs = pairs_;
    pairs.fold.clear();
    VISAVIS_ASSIGN_OR_RETURN(const KFoldResult measured, KFoldAccuracy(pairs, {1, 0.02}));
    ProtocolResult result;
    result.mean = measured.accuracy.mean;
    result.interval = WilsonInterval(static_cast<std::int64_t>(measured.folds[0].correct),
                                     static_cast<std::int64_t>(measured.folds[0].pairs));
    result.similarity = SimilarityOfDistance(measured.folds[0].threshold);
    result.rule = fmt::format("one fold, step 0.02: {}", kTunedOnTestPairs);
    return result;
  }

  Result<ProtocolResult> OpenModelZoo() const {
    const auto genuine = std::count(scored_.same.begin(), scored_.same.end(), 1);
    if (genuine == 0 || genuine == std::ssize(scored_.same)) {
      return Error{ErrorCode::kInvalidArgument,
                   "the median distance of pairs of one class separates nothing"};
    }
    std::vector<double> distance;
    for (std::size_t i = 0; i < scored_.pair.size(); ++i) {
      const LabelledPair& pair = set_.pairs[scored_.pair[i]];
      const bool failed = scored_.squared_distance[i] == 4;  // reject: as far as can be
      distance.push_back(failed ? 1 : OpenModelZooDistance(rows_.row(pair.a), rows_.row(pair.b)));
    }
    ProtocolResult result;
    VISAVIS_ASSIGN_OR_RETURN(result.mean, MedianThresholdAccuracy(distance, scored_.same));
    result.rule = "10 subsets, threshold = median distance of the others";
    return result;
  }

  ProtocolResult Fixed(const Threshold& threshold) const {
    ProtocolResult result;
    std::int64_t true_accepts = 0;
    std::int64_t false_accepts = 0;
    std::int64_t genuine = 0;
    for (std::size_t i = 0; i < scored_.similarity.size(); ++i) {
      const bool accepted = SamePerson(scored_.similarity[i], threshold);
      genuine += scored_.same[i];
      (scored_.same[i] != 0 ? true_accepts : false_accepts) += accepted;
    }
    const auto pairs = static_cast<std::int64_t>(scored_.similarity.size());
    const std::int64_t correct = true_accepts + (pairs - genuine - false_accepts);
    const auto share = [](std::int64_t part, std::int64_t whole) -> std::optional<double> {
      if (whole == 0) return std::nullopt;
      return static_cast<double>(part) / static_cast<double>(whole);
    };
    result.mean = share(correct, pairs).value_or(0);
    result.interval = WilsonInterval(correct, pairs);
    result.similarity = threshold.similarity;
    result.tar = share(true_accepts, genuine);
    result.fmr = share(false_accepts, pairs - genuine);
    result.rule = fmt::format("similarity >= {}: {}", threshold.similarity, threshold.origin);
    return result;
  }

  const EvaluationSet& set_;
  const ScoredSet& scored_;
  const EmbeddingRows& rows_;
  const VerificationOptions& options_;
  std::vector<std::string>& warnings_;
  ScoredPairs pairs_;
  int folds_;
  std::vector<ProtocolResult> results_;
};

// --- curves -------------------------------------------------------------------------------------

ReportPoint PointAt(const Roc& roc, double fmr) {
  const OperatingPoint at = roc.AtFmr(fmr);
  ReportPoint point;
  point.target_fmr = fmr;
  point.threshold = at.threshold;
  point.false_accepts = at.false_accepts;
  point.true_accepts = at.true_accepts;
  point.fmr = ClopperPearson(at.false_accepts, roc.impostor_count());
  point.tar = Wilson(at.true_accepts, roc.genuine_count());
  point.supported = roc.Supports(fmr);
  point.note = UnsupportedNote(fmr, roc.impostor_count());
  return point;
}

// EER, AUC and TARs by resampling people.
void AddBootstrap(const ScoredSet& scored, const VerificationOptions& options,
                  VerificationReport& report, std::vector<std::string>& warnings) {
  const auto pairs = std::max<std::int64_t>(std::ssize(scored.people), 1);
  const int resamples =
      static_cast<int>(std::min<std::int64_t>(options.resamples, kMostResampledPairs / pairs));
  if (resamples < 100 || scored.people.empty()) {
    if (options.resamples > 0) {
      warnings.push_back(scored.people.empty()
                             ? "no bootstrap: people are not known"
                             : "no bootstrap: too many pairs; TAR intervals are Wilson's");
    }
    return;
  }
  if (resamples < options.resamples) {
    warnings.push_back(fmt::format("bootstrap: {} resamples in place of {}: {} pairs", resamples,
                                   options.resamples, pairs));
  }
  std::vector<double> fmrs;
  for (const ReportPoint& point : report.points) fmrs.push_back(point.target_fmr);
  const WeightedErrorRates rates(scored.similarity, scored.same);
  const auto measured = BootstrapOverPeople(
      scored.people, [&](std::span<const std::uint32_t> times) { return rates.At(fmrs, times); },
      {resamples, options.seed, options.pool});
  if (!measured) {
    warnings.push_back(measured.error().message);
    return;
  }
  const auto interval = [&](std::size_t i) -> std::optional<Interval> {
    if ((*measured)[i].resamples < resamples / 2) return std::nullopt;
    return (*measured)[i].interval;
  };
  report.eer->interval = interval(0);
  report.auc->interval = interval(1);
  report.eer->method = report.auc->method = "bootstrap-people";
  for (std::size_t i = 0; i < report.points.size(); ++i)
    report.points[i].tar_people = interval(2 + i);
}

void AddCohorts(const EvaluationSet& set, const ScoredSet& scored, VerificationReport& report) {
  for (const ReportPoint& point : report.points) {
    if (!point.supported) continue;
    std::int64_t lowest_tar = -1;
    std::int64_t highest_fmr = -1;
    for (std::size_t c = 0; c < set.cohorts.size(); ++c) {
      ReportCohort cohort;
      cohort.name = set.cohorts[c];
      cohort.target_fmr = point.target_fmr;
      cohort.threshold = point.threshold;
      std::int64_t true_accepts = 0;
      std::int64_t false_accepts = 0;
      for (std::size_t i = 0; i < scored.pair.size(); ++i) {
        if (set.pairs[scored.pair[i]].cohort != static_cast<int>(c)) continue;
        const bool accepted = scored.similarity[i] >= point.threshold;
        ++(scored.same[i] != 0 ? cohort.genuine : cohort.impostor);
        (scored.same[i] != 0 ? true_accepts : false_accepts) += accepted;
      }
      cohort.tar = Wilson(true_accepts, cohort.genuine);
      cohort.fmr = ClopperPearson(false_accepts, cohort.impostor);
      const std::int64_t index = std::ssize(report.cohorts);
      const auto worse = [&](std::int64_t best, bool exists, bool is_worse) {
        return exists && (best < 0 || is_worse) ? index : best;
      };
      const auto at = [&](std::int64_t i) -> const ReportCohort& {
        return report.cohorts[static_cast<std::size_t>(i)];
      };
      lowest_tar = worse(lowest_tar, cohort.genuine > 0,
                         lowest_tar >= 0 && cohort.tar.value < at(lowest_tar).tar.value);
      highest_fmr = worse(highest_fmr, cohort.impostor > 0,
                          highest_fmr >= 0 && cohort.fmr.value > at(highest_fmr).fmr.value);
      report.cohorts.push_back(std::move(cohort));
    }
    if (lowest_tar >= 0) report.worst_cohorts.push_back(lowest_tar);
    if (highest_fmr >= 0) report.worst_cohorts.push_back(highest_fmr);
  }
}

void AddWorstPairs(const EvaluationSet& set, const ScoredSet& scored, const Judgement& judgement,
                   int most, VerificationReport& report) {
  const auto list = [&](bool same, std::int64_t& wrong) {
    std::vector<std::size_t> order;
    wrong = 0;
    const auto is_wrong = [&](std::size_t i) { return (judgement.accepted[i] != 0) != same; };
    for (std::size_t i = 0; i < scored.pair.size(); ++i) {
      if ((scored.same[i] != 0) != same) continue;
      order.push_back(i);
      wrong += is_wrong(i);
    }
    const auto kept = std::min(order.size(), static_cast<std::size_t>(std::max(most, 0)));
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                      [&](std::size_t a, std::size_t b) {
                        if (is_wrong(a) != is_wrong(b)) return is_wrong(a);
                        if (scored.similarity[a] != scored.similarity[b])
                          return same ? scored.similarity[a] < scored.similarity[b]
                                      : scored.similarity[a] > scored.similarity[b];
                        return a < b;
                      });
    order.resize(kept);
    std::vector<ReportPair> pairs;
    for (const std::size_t i : order) {
      const LabelledPair& pair = set.pairs[scored.pair[i]];
      pairs.push_back({static_cast<std::int64_t>(scored.pair[i]), static_cast<std::int64_t>(pair.a),
                       static_cast<std::int64_t>(pair.b), pair.fold, scored.similarity[i],
                       judgement.threshold[i], is_wrong(i)});
    }
    return pairs;
  };
  report.false_accepts = list(false, report.wrong_false_accepts);
  report.false_rejects = list(true, report.wrong_false_rejects);
}

}  // namespace

std::string UnsupportedNote(double fmr, std::int64_t impostors) {
  if (fmr > 0 && static_cast<double>(impostors) * fmr >= 3) return {};
  if (fmr <= 0) return "no number of pairs can show an FMR of 0";
  return fmt::format("insufficient data: FMR {:g} needs {:.0f} impostor pairs, {} here", fmr,
                     std::ceil(3 / fmr), impostors);
}

Result<ScoredSet> ScorePairs(const EvaluationSet& set, const EmbeddingRows& rows,
                             const std::vector<bool>& usable, FailurePolicy policy) {
  if (rows.rows() != set.images.size() || usable.size() != set.images.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "evaluate: {} rows for {} images", rows.rows(),
                     set.images.size());
  }
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    const auto row = rows.row(i);
    if (usable[i] && !std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); }))
      return MakeError(ErrorCode::kInvalidArgument, "{}: its embedding is not finite",
                       set.images[i].name);
  }
  const bool folds = set.HasFolds();
  ScoredSet scored;
  for (std::size_t i = 0; i < set.pairs.size(); ++i) {
    const LabelledPair& pair = set.pairs[i];
    double distance = 4;
    double similarity = -1;
    if (usable[pair.a] && usable[pair.b]) {
      distance = SquaredDistanceOfNormalized(rows.row(pair.a), rows.row(pair.b));
      VISAVIS_ASSIGN_OR_RETURN(similarity, Similarity(rows.row(pair.a), rows.row(pair.b)));
    } else if (policy == FailurePolicy::kError) {
      const std::size_t failed = usable[pair.a] ? pair.b : pair.a;
      return MakeError(ErrorCode::kInvalidArgument,
                       "pair {} cannot be compared: {} gave no embedding (--failures drop or "
                       "reject goes on)",
                       i, set.images[failed].name);
    } else if (policy == FailurePolicy::kDrop) {
      continue;
    } else {
      ++scored.rejected;
    }
    scored.pair.push_back(i);
    scored.similarity.push_back(similarity);
    scored.squared_distance.push_back(distance);
    scored.same.push_back(pair.same ? 1 : 0);
    if (folds) scored.fold.push_back(pair.fold);
    scored.people.push_back({set.people[pair.a], set.people[pair.b]});
  }
  NumberFolds(scored);
  return scored;
}

Result<VerificationReport> MeasureVerification(const EvaluationSet& set, const ScoredSet& scored,
                                               const EmbeddingRows& rows,
                                               const VerificationOptions& options,
                                               std::vector<std::string>& warnings) {
  if (scored.same.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "no pair has an embedding of both its images");
  }
  VerificationReport report;
  report.genuine = std::ranges::count(scored.same, 1);
  report.impostor = std::ssize(scored.same) - report.genuine;
  report.rejected = scored.rejected;
  report.protocols = Protocols(set, scored, rows, options, warnings).All();
  if (report.genuine > 0 && report.impostor > 0) {
    VISAVIS_ASSIGN_OR_RETURN(const Roc roc, RocOf(scored));
    for (const double fmr : options.fmrs) report.points.push_back(PointAt(roc, fmr));
    report.eer = Measured{roc.EqualErrorRate(), {}, {}};
    report.auc = Measured{roc.Auc(), {}, {}};
    AddBootstrap(scored, options, report, warnings);
    report.curve = ThinCurve(roc);
  } else {
    warnings.push_back(OneClassNote(report));
  }
  report.histogram = HistogramOf(scored);
  AddCohorts(set, scored, report);
  AddWorstPairs(set, scored, JudgePairs(scored, report, options), options.worst_pairs, report);
  return report;
}

Judgement JudgePairs(const ScoredSet& scored, const VerificationReport& report,
                     const VerificationOptions& options) {
  const std::size_t n = scored.similarity.size();
  Judgement judgement{std::vector<double>(n), std::vector<std::uint8_t>(n)};
  const auto k_fold =
      std::find_if(report.protocols.begin(), report.protocols.end(),
                   [](const ProtocolResult& result) { return result.protocol == "k-fold"; });
  if (k_fold != report.protocols.end()) {
    ScoredPairs pairs = scored.Pairs();
    const auto folds = static_cast<int>(k_fold->folds.size());
    if (options.folds > 0) pairs.fold.clear();
    const std::vector<int> fold_of = FoldOfPairs(pairs, folds).value_or(std::vector<int>(n));
    for (std::size_t i = 0; i < n; ++i) {
      const ReportFold& fold = k_fold->folds[static_cast<std::size_t>(fold_of[i])];
      judgement.threshold[i] = fold.similarity;
      // By the distance, as the protocol does: the two round differently.
      judgement.accepted[i] = scored.squared_distance[i] < fold.threshold;
    }
    return judgement;
  }
  const Threshold rule = options.thresholds.empty() ? Threshold{} : options.thresholds.front();
  for (std::size_t i = 0; i < n; ++i) {
    judgement.threshold[i] = rule.similarity;
    judgement.accepted[i] = SamePerson(scored.similarity[i], rule);
  }
  return judgement;
}

ReportCurve ThinCurve(const Roc& roc) {
  std::set<double, std::greater<>> thresholds;
  const auto take = [&](std::span<const double> falling) {
    const std::size_t n = falling.size();
    for (std::size_t k = 0; k < n; k += 1 + std::min(k / 50, n / 200)) {
      thresholds.insert(falling[k]);
      thresholds.insert(falling[n - 1 - k]);
    }
  };
  take(roc.genuine());
  take(roc.impostor());
  ReportCurve curve;
  for (const double threshold : thresholds) {
    const OperatingPoint point = roc.At(threshold);
    curve.threshold.push_back(threshold);
    curve.false_accepts.push_back(point.false_accepts);
    curve.true_accepts.push_back(point.true_accepts);
  }
  return curve;
}

VerificationReport ReportHistograms(const AllPairsHistograms& histograms,
                                    std::span<const double> fmrs) {
  const SimilarityHistogram& genuine = histograms.genuine;
  const SimilarityHistogram& impostor = histograms.impostor;
  VerificationReport report;
  report.genuine = genuine.total;
  report.impostor = impostor.total;
  const auto count = [](double rate, std::int64_t whole) {
    return std::llround(rate * static_cast<double>(whole));
  };
  for (const double fmr : fmrs) {
    const BoundedTar bound = TarAtFar(histograms, fmr);
    ReportPoint point;
    point.target_fmr = fmr;
    point.threshold = bound.threshold;
    point.false_accepts = count(bound.far, impostor.total);
    point.true_accepts = count(bound.tar, genuine.total);
    point.fmr = ClopperPearson(point.false_accepts, impostor.total);
    point.tar = Wilson(point.true_accepts, genuine.total);
    point.tar_upper = bound.tar_upper;
    point.supported = bound.supported;
    point.note = UnsupportedNote(fmr, impostor.total);
    report.points.push_back(std::move(point));
  }

  const std::size_t parts = genuine.counts.size();
  const std::size_t per_shown = std::max<std::size_t>(parts / 256, 1);
  report.histogram.genuine.resize((parts + per_shown - 1) / per_shown);
  report.histogram.impostor.resize(report.histogram.genuine.size());
  std::int64_t true_accepts = 0;
  std::int64_t false_accepts = 0;
  double wins = 0;
  double eer = 1;
  double fmr_before = 0;
  double gap_before = 1;
  const auto total_genuine = static_cast<double>(std::max<std::int64_t>(genuine.total, 1));
  const auto total_impostor = static_cast<double>(std::max<std::int64_t>(impostor.total, 1));
  std::int64_t shown_true = -1;
  std::int64_t shown_false = -1;
  for (std::size_t i = parts; i-- > 0;) {
    report.histogram.genuine[i / per_shown] += genuine.counts[i];
    report.histogram.impostor[i / per_shown] += impostor.counts[i];
    true_accepts += genuine.counts[i];
    false_accepts += impostor.counts[i];
    wins += static_cast<double>(genuine.counts[i]) *
            (static_cast<double>(impostor.total - false_accepts) +
             static_cast<double>(impostor.counts[i]) / 2);
    const double fmr = static_cast<double>(false_accepts) / total_impostor;
    const double gap = 1 - static_cast<double>(true_accepts) / total_genuine - fmr;
    if (gap_before > 0 && gap <= 0) {
      eer = fmr_before + gap_before / (gap_before - gap) * (fmr - fmr_before);
    }
    fmr_before = fmr;
    gap_before = gap;
    const auto moved = [](std::int64_t now, std::int64_t shown, double whole) {
      const auto step = static_cast<double>(now - shown);
      return step > whole / 200 || (now != shown && step > static_cast<double>(now) / 50);
    };
    if (i == 0 || shown_true < 0 || moved(true_accepts, shown_true, total_genuine) ||
        moved(false_accepts, shown_false, total_impostor)) {
      report.curve.threshold.push_back(impostor.edge(i));
      report.curve.false_accepts.push_back(false_accepts);
      report.curve.true_accepts.push_back(true_accepts);
      shown_true = true_accepts;
      shown_false = false_accepts;
    }
  }
  report.eer = Measured{eer, {}, {}};
  report.auc = Measured{wins / (total_genuine * total_impostor), {}, {}};
  return report;
}

}  // namespace visavis
