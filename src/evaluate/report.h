// What an evaluation found, as plain values. docs/formats/evaluation-report.md is the JSON form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/roc.h"
#include "visavis/image.h"
#include "visavis/match.h"
#include "visavis/result.h"

namespace visavis {

inline constexpr char kReportFormat[] = "visavis-evaluation";
inline constexpr int kReportVersion = 1;

/// A measured share or curve statistic. `interval` covers the true value in 95 % of experiments.
struct Measured {
  double value = 0;
  std::optional<Interval> interval;  ///< absent where the data allow none
  std::string method;                ///< "wilson", "clopper-pearson", "bootstrap-people" or ""
};

/// How and where the figures were made.
struct RunFacts {
  std::string visavis;  ///< version
  std::string command;  ///< the command line, quoted for a shell
  std::string started;  ///< UTC, 2026-11-26T08:54:36Z
  double seconds = 0;
  std::string cpu;
  int cores = 0;
  int threads = 1;
  std::string isa;
  std::uint64_t seed = 1;  ///< of every random choice
  int resamples = 0;       ///< of the bootstrap
};

/// What was compared with what.
struct DatasetFacts {
  std::string path;
  std::string kind;  ///< "bin", "lfw", "cfp-ff", "cfp-fp", "agedb", "csv", "folder", "embeddings",
                     ///< "ijb", "megaface"
  std::string sha256;  ///< of the file that lists pairs, or of all image names; 64 hex digits
  std::string input;   ///< "aligned", "photos" or "embeddings"
  std::int64_t images = 0;
  std::int64_t people = 0;  ///< 0: not known
  std::int64_t pairs = 0;
  std::int64_t genuine = 0;
  std::int64_t impostor = 0;
  std::string pair_choice;  ///< "listed", "all" or "sampled"
};

/// One image of the data set, by its number there; only images that the report mentions are listed.
struct ReportImage {
  std::int64_t index = 0;  ///< in the data set
  std::string name;        ///< path as the data set writes it, or "image 17"
  std::string path;        ///< file to open; "" when it lies inside a .bin or is an embedding
};

/// An image that gave no embedding.
struct ReportFailure {
  std::int64_t image = 0;  ///< index in the data set
  std::string code;        ///< "no_face" or an error code's name
  std::string message;
};

struct FailureFacts {
  std::string policy;               ///< "drop", "reject" or "error"
  std::int64_t images = 0;          ///< tried
  std::int64_t no_face = 0;         ///< failures to acquire: no face found
  std::int64_t unreadable = 0;      ///< missing or broken files
  Measured failure_to_acquire;      ///< (no_face + unreadable) / images, Wilson
  std::int64_t genuine_pairs = 0;   ///< with such an image
  std::int64_t impostor_pairs = 0;  ///< with such an image
  std::vector<ReportFailure> list;
};

/// A network as it was run.
struct SystemFacts {
  std::string name;       ///< as given with --model
  std::string label;      ///< unique and short, for legends
  std::string sha256;     ///< of the weights; "" for stored embeddings
  std::string contract;   ///< id or digest of the preprocessing contract; "" if none
  std::string precision;  ///< "fp32", "bf16", ...
  std::string detector;   ///< "" for aligned crops
  int dimension = 0;
  Threshold threshold;          ///< the system's own
  std::int64_t computed = 0;    ///< embeddings made in this run
  std::int64_t from_cache = 0;  ///< embeddings read from the cache
  double seconds = 0;           ///< of embedding
  FailureFacts failures;
};

/// A held-out fold.
struct ReportFold {
  int fold = 0;  ///< from 1
  std::int64_t pairs = 0;
  std::int64_t correct = 0;
  double threshold = 0;   ///< accept below this squared distance
  double similarity = 0;  ///< the same cut as a cosine
  double accuracy = 0;
};

/// A protocol's accuracy: mean and population deviation over folds.
struct ProtocolResult {
  std::string protocol;  ///< "k-fold", "val@far", "neural-compressor", "omz", "fixed-threshold"
  std::string rule;      ///< one line for people
  double mean = 0;
  std::optional<double> deviation;   ///< over folds; none of a single fold
  std::optional<double> far;         ///< "val@far": mean FAR on the held-out folds
  std::optional<double> similarity;  ///< "fixed-threshold": the cut
  std::optional<double> tar;         ///< "fixed-threshold", unless there are no genuine pairs
  std::optional<double> fmr;         ///< "fixed-threshold", unless there are no impostor pairs
  std::optional<Interval> interval;  ///< Wilson over all held-out pairs
  std::vector<ReportFold> folds;     ///< "k-fold"
};

/// TAR and FNMR at a wanted false match rate.
struct ReportPoint {
  double target_fmr = 0;
  double threshold = 0;  ///< accept from this similarity on
  std::int64_t false_accepts = 0;
  std::int64_t true_accepts = 0;
  Measured fmr;                        ///< Clopper-Pearson
  Measured tar;                        ///< Wilson; FNMR = 1 - TAR
  std::optional<Interval> tar_people;  ///< bootstrap over people
  std::optional<double> tar_upper;     ///< from a histogram: no threshold can reach more
  bool supported = false;              ///< the data can tell this FMR from 0
  std::string note;                    ///< what is wrong if they cannot
};

/// A curve as counts at falling thresholds, thinned: accepting from threshold[i] on.
struct ReportCurve {
  std::vector<double> threshold;
  std::vector<std::int64_t> false_accepts;
  std::vector<std::int64_t> true_accepts;
};

/// Counts of similarities in equal parts of [low, high].
struct ReportHistogram {
  double low = -1;
  double high = 1;
  std::vector<std::int64_t> genuine;
  std::vector<std::int64_t> impostor;
};

/// One kind of pair at the threshold that the whole set has for `target_fmr`.
struct ReportCohort {
  std::string name;
  std::int64_t genuine = 0;
  std::int64_t impostor = 0;
  double target_fmr = 0;
  double threshold = 0;
  Measured fmr;
  Measured tar;
};

/// A pair that was judged wrongly, or nearly.
struct ReportPair {
  std::int64_t pair = 0;  ///< index in the protocol's order
  std::int64_t a = 0;     ///< image index in the data set
  std::int64_t b = 0;
  int fold = -1;
  double similarity = 0;
  double threshold = 0;  ///< similarity cut that judged it (its fold's, else the overall one)
  bool wrong = false;    ///< on the wrong side of it
};

struct VerificationReport {
  std::int64_t genuine = 0;  ///< scored pairs
  std::int64_t impostor = 0;
  std::int64_t rejected = 0;  ///< pairs counted as reject because an image failed
  std::vector<ProtocolResult> protocols;
  std::vector<ReportPoint> points;
  // Points, EER, AUC and curve need both classes.
  std::optional<Measured> eer;  ///< interval: bootstrap over people
  std::optional<Measured> auc;
  ReportCurve curve;
  ReportHistogram histogram;
  std::vector<ReportCohort> cohorts;        ///< at each target that the data support
  std::vector<std::int64_t> worst_cohorts;  ///< indices into cohorts: lowest TAR, highest FMR
  std::vector<ReportPair> false_accepts;    ///< by falling similarity
  std::vector<ReportPair> false_rejects;    ///< by rising similarity
  std::int64_t wrong_false_accepts = 0;     ///< how many there are in all
  std::int64_t wrong_false_rejects = 0;
};

struct IdentificationTarget {
  double target_fpir = 0;
  double threshold = 0;
  Measured fpir;
  Measured tpir;  ///< FNIR = 1 - TPIR
  bool supported = false;
  std::string note;
};

/// One open-set search: a gallery and its probes.
struct IdentificationReport {
  std::string name;  ///< "all", "gallery 1000 (mean of 10 draws)", "ijb S1", ...
  std::string rule;  ///< one line for people
  std::int64_t gallery_subjects = 0;
  std::int64_t gallery_entries = 0;
  std::int64_t mated = 0;
  std::int64_t non_mated = 0;
  int draws = 1;
  std::vector<double> cmc;  ///< share of mated probes with rank <= k, k = 1..; may be empty
  Measured rank1;
  std::vector<IdentificationTarget> targets;
};

/// One system in one mode.
struct ReportResult {
  std::string label;        ///< unique, e.g. "mobilefacenet-arcface, flip"
  std::int64_t system = 0;  ///< index into systems
  bool flip = false;        ///< embeddings of image and mirror image added
  int pca = 0;              ///< components; 0: none
  double mean_norm = 0;     ///< XNorm
  std::optional<VerificationReport> verification;
  std::vector<IdentificationReport> identification;
};

/// "same" when the interval holds 0.
enum class Verdict { kWorse, kSame, kBetter };

/// One figure of two results over the same pairs; difference = b - a, positive is better for b.
struct PairedFigure {
  std::string figure;  ///< "accuracy", "tar@fmr=0.001", "eer", "auc"
  double a = 0;
  double b = 0;
  double difference = 0;
  std::optional<Interval> interval;  ///< bootstrap over people
  std::optional<double> p_value;     ///< exact McNemar ("accuracy" only)
  std::int64_t only_a_right = 0;
  std::int64_t only_b_right = 0;
  Verdict verdict = Verdict::kSame;
};

struct ReportComparison {
  std::int64_t a = 0;  ///< index into results
  std::int64_t b = 0;
  std::int64_t pairs = 0;  ///< that both could score
  std::vector<PairedFigure> figures;
};

struct BaselineFigure {
  std::string result;  ///< label
  std::string figure;
  double baseline = 0;
  double now = 0;
  double drop = 0;  ///< positive: worse than the baseline
  bool passed = true;
};

struct BaselineReport {
  std::string path;
  double max_drop = 0;
  bool passed = true;
  std::vector<BaselineFigure> figures;
};

/// A whole evaluation.
struct EvaluationReport {
  RunFacts run;
  DatasetFacts dataset;
  std::vector<SystemFacts> systems;
  std::vector<ReportResult> results;
  std::vector<ReportImage> images;  ///< by rising index
  std::vector<ReportComparison> comparisons;
  std::optional<BaselineReport> baseline;
  std::string pairs_file;  ///< every pair with its similarities; "" if not asked for
  std::vector<std::string> warnings;

  /// Null if the report does not mention it.
  const ReportImage* FindImage(std::int64_t index) const;
};

/// The picture of one image of the data set as the network saw it. Errors: there is none (stored
/// embeddings), or those of reading it.
using CropSource = std::function<Result<Image>(std::int64_t image)>;

}  // namespace visavis
