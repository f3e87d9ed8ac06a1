// Similarities of labelled pairs -> everything a report says about verification.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "evaluate/all_pairs.h"
#include "evaluate/bootstrap.h"
#include "evaluate/evaluation_set.h"
#include "evaluate/report.h"
#include "evaluate/verification.h"
#include "visavis/match.h"
#include "visavis/result.h"

namespace visavis {

/// What is done with a pair one of whose images gave no embedding.
enum class FailurePolicy {
  kDrop,    ///< left out
  kReject,  ///< not accepted at any threshold: similarity -1
  kError,   ///< the evaluation fails
};

/// The pairs of a set in protocol order with their similarity in one system and mode.
struct ScoredSet {
  std::vector<std::size_t> pair;  ///< index into EvaluationSet::pairs
  std::vector<double> similarity;
  std::vector<double> squared_distance;
  std::vector<std::uint8_t> same;
  std::vector<int> fold;             ///< 0, 1, ... without gaps; empty: contiguous
  std::vector<int> fold_name;        ///< the fold of the set, from 0, that each of them is
  std::vector<PeopleOfPair> people;  ///< a == b for same-person pairs whose people are known
  std::int64_t rejected = 0;         ///< pairs that are here because of FailurePolicy::kReject

  ScoredPairs Pairs() const { return {squared_distance, same, fold}; }
};

/// Scores every pair. `rows` has one row per image. Errors: kInvalidArgument for a value that is
/// not finite, and under kError for the first pair with an image that failed.
Result<ScoredSet> ScorePairs(const EvaluationSet& set, const EmbeddingRows& rows,
                             const std::vector<bool>& usable, FailurePolicy policy);

struct VerificationOptions {
  std::vector<std::string> protocols;  ///< ProtocolResult::protocol; empty: all that apply
  int folds = 0;                       ///< 0: the set's own, else 10
  double threshold_step = 0.01;
  double val_far = 1e-3;
  int pca = 0;  ///< components; 0: none
  std::vector<double> fmrs = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
  std::vector<Threshold> thresholds;  ///< fixed rules to try
  int resamples = 1000;               ///< 0: no bootstrap
  std::uint64_t seed = 1;
  int worst_pairs = 20;  ///< of each kind
  ThreadPool* pool = nullptr;
};

/// Measures verification. What does not apply (VAL in a fold of one class, a ROC of one class) is
/// left out, and said in `warnings`. `rows` is needed for PCA and Open Model Zoo's distance.
/// Errors: kInvalidArgument if there is no pair.
Result<VerificationReport> MeasureVerification(const EvaluationSet& set, const ScoredSet& scored,
                                               const EmbeddingRows& rows,
                                               const VerificationOptions& options,
                                               std::vector<std::string>& warnings);

/// The same figures as far as histograms of all pairs tell them: points with guaranteed bounds, no
/// folds, no worst pairs.
VerificationReport ReportHistograms(const AllPairsHistograms& histograms,
                                    std::span<const double> fmrs);

/// Which pairs are on their side of the cut: of k-fold if measured, else of the first fixed rule.
/// One entry per scored pair.
struct Judgement {
  std::vector<double> threshold;  ///< similarity
  std::vector<std::uint8_t> accepted;
};
Judgement JudgePairs(const ScoredSet& scored, const VerificationReport& report,
                     const VerificationOptions& options);

/// Exact counts at some thousand thresholds: of neighbours, either the accepted or the refused of
/// a class differ by at most 2 %, or the rate by at most 0.5 % of the class (ties apart).
ReportCurve ThinCurve(const Roc& roc);

/// What to say of an FMR that `impostors` pairs cannot tell from 0; "" if they can (rule of three).
std::string UnsupportedNote(double fmr, std::int64_t impostors);

}  // namespace visavis
