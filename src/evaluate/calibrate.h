// Labelled similarities -> a decision threshold for a wanted error rate, and a probability.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/bootstrap.h"
#include "evaluate/identification.h"
#include "evaluate/probability.h"
#include "evaluate/roc.h"
#include "visavis/match.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// Scored pairs with the people in them.
struct CalibrationPairs {
  std::vector<double> similarity;
  std::vector<std::uint8_t> same;
  std::vector<PeopleOfPair> people;
};

struct CalibrationOptions {
  int resamples = 1000;  ///< of people, for the intervals
  std::uint64_t seed = 1;
  ThreadPool* pool = nullptr;  ///< results do not depend on it
};

/// A threshold with what it does to the data it was found on. Intervals are at 95 %.
struct CalibratedThreshold {
  double threshold = 0;  ///< accept from here on
  Interval interval;     ///< of the threshold, by resampling people
  std::int64_t genuine = 0;
  std::int64_t impostor = 0;  ///< pairs, or searches by people who are not enrolled
  std::int64_t people = 0;
  double false_rate = 0;  ///< FMR or FPIR at the threshold, at most the target
  Interval false_rate_interval;
  double true_rate = 0;  ///< TAR or rank-1 TPIR
  Interval true_rate_interval;
};

/// The most permissive threshold whose false match rate does not exceed `fmr`.
/// Errors: kInvalidArgument, beginning with "insufficient data", if there are fewer than 3 / fmr
/// impostor pairs (with none accepted, the rate could still be as high: the rule of three), fewer
/// than 30 genuine pairs or fewer than 10 people; also for a similarity that is not finite.
Result<CalibratedThreshold> ThresholdForFmr(const CalibrationPairs& pairs, double fmr,
                                            const CalibrationOptions& options = {});

struct FpirTarget {
  double fpir = 0.01;
  std::int64_t gallery_size = 1000;  ///< people enrolled
  int draws = 10;                    ///< galleries drawn from the people, without replacement
};

/// The most permissive threshold at which a search by somebody who is not enrolled brings up
/// anybody in at most a share `fpir` of cases. In every draw, `gallery_size` people are enrolled
/// with their first image each; their other images are mated probes, all images of everybody else
/// are non-mated ones.
/// Errors: kInvalidArgument, beginning with "insufficient data", if fewer than 3 / fpir people are
/// left who are not enrolled, or nobody enrolled has a second image; also as for SearchAll.
Result<CalibratedThreshold> ThresholdForFpir(const LabelledEmbeddings& embeddings,
                                             const FpirTarget& target,
                                             const CalibrationOptions& options = {});

/// A map from similarity to probability, and how right it was about people it had not seen.
struct CalibratedProbability {
  ProbabilityMap map;  ///< fitted to all pairs
  std::vector<ReliabilityBin> reliability;
  double expected_error = 0;  ///< mean |said - observed| over the groups, by their weight
  std::int64_t held_out_genuine = 0;
  std::int64_t held_out_impostor = 0;
};

/// Fits the map to all pairs; reliability by five-fold cross-validation over people: pairs of
/// people of one fold are judged by a map of the pairs in which none of them occurs (pairs across
/// folds are not judged).
/// Errors: kInvalidArgument, beginning with "insufficient data", for fewer than 30 pairs of either
/// class; those of FitProbability.
Result<CalibratedProbability> CalibrateProbability(const CalibrationPairs& pairs,
                                                   ProbabilityModel model, double prior,
                                                   std::uint64_t seed = 1);

}  // namespace visavis
