// Exact error rates of scored pairs: ROC, TAR@FAR, FNMR@FMR, EER, AUC, and their confidence
// intervals.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// A share with an interval that covers the true one in 95 % of experiments.
struct Interval {
  double low = 0;
  double high = 1;
};

/// Wilson score interval of `successes` out of `trials` at 95 %. No trials: [0,1].
Interval WilsonInterval(std::int64_t successes, std::int64_t trials);
/// Clopper-Pearson ("exact") interval at 95 %.
Interval ClopperPearsonInterval(std::int64_t successes, std::int64_t trials);

/// One operating point: accept when similarity >= threshold.
struct OperatingPoint {
  double threshold = 0;
  std::int64_t false_accepts = 0;  ///< impostor pairs accepted
  std::int64_t true_accepts = 0;   ///< genuine pairs accepted
  double fmr = 0;                  ///< false match rate (= FAR over comparisons)
  double tar = 0;                  ///< true accept rate; FNMR = 1 - tar
};

/// The error rates of genuine (same-person) and impostor similarities, exact: every distinct
/// similarity is a threshold, and equal similarities are accepted together. Threads: const members
/// are safe concurrently.
class Roc {
 public:
  /// Errors: kInvalidArgument if either class is empty or a similarity is not finite.
  static Result<Roc> Create(std::vector<double> genuine, std::vector<double> impostor);

  std::int64_t genuine_count() const { return std::ssize(genuine_); }
  std::int64_t impostor_count() const { return std::ssize(impostor_); }

  /// Counts at a given threshold.
  OperatingPoint At(double threshold) const;
  /// The most permissive point whose FMR does not exceed `fmr`.
  OperatingPoint AtFmr(double fmr) const;
  /// True if an FMR of `fmr` can be told from 0 with 95 % confidence: at least 3 / fmr impostor
  /// pairs (rule of three).
  bool Supports(double fmr) const;
  /// Where FMR = FNMR, on the straight line between the two points around the crossing.
  double EqualErrorRate() const;
  /// Probability that a genuine similarity exceeds an impostor one, ties counted half
  /// (Mann-Whitney).
  double Auc() const;
  /// All distinct points, from the strictest (nothing accepted) to the most permissive.
  std::vector<OperatingPoint> Points() const;
  /// The same one by one, until `fn` returns false.
  template <typename Fn>
  void ForEachPoint(const Fn& fn) const;

  std::span<const double> genuine() const { return genuine_; }    ///< falling
  std::span<const double> impostor() const { return impostor_; }  ///< falling

 private:
  OperatingPoint Point(double threshold, std::int64_t true_accepts,
                       std::int64_t false_accepts) const;
  std::vector<double> genuine_;   // falling
  std::vector<double> impostor_;  // falling
};

template <typename Fn>
void Roc::ForEachPoint(const Fn& fn) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (!fn(Point(std::nextafter(std::max(genuine_.front(), impostor_.front()), kInfinity), 0, 0)))
    return;
  std::size_t g = 0;
  std::size_t i = 0;
  while (g < genuine_.size() || i < impostor_.size()) {
    const double threshold = std::max(g < genuine_.size() ? genuine_[g] : -kInfinity,
                                      i < impostor_.size() ? impostor_[i] : -kInfinity);
    while (g < genuine_.size() && genuine_[g] == threshold) ++g;
    while (i < impostor_.size() && impostor_[i] == threshold) ++i;
    if (!fn(Point(threshold, static_cast<std::int64_t>(g), static_cast<std::int64_t>(i)))) return;
  }
}

}  // namespace visavis
