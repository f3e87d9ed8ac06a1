// Confidence intervals by resampling people, not pairs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "evaluate/roc.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// The two people of a compared pair.
struct PeopleOfPair {
  std::int32_t a = 0;
  std::int32_t b = 0;
};

/// A statistic with its bootstrap distribution's 2.5 % and 97.5 % quantiles.
struct BootstrapResult {
  double value = 0;  ///< on the data as they are
  Interval interval;
  int resamples = 0;  ///< that had such a statistic
};

struct BootstrapOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
  ThreadPool* pool = nullptr;  ///< results do not depend on it
};

/// Statistics of the pairs when pair i counts times[i] times; NaN for one that does not exist.
/// Called from several threads at once, always with as many values.
using ResampledStatistics =
    std::function<std::vector<double>(std::span<const std::uint32_t> times)>;

/// Intervals of statistics when the people, not the pairs, are the sample: pairs that share a
/// person are not independent, so resampling pairs would claim too much. Every resample draws as
/// many people as there are, with replacement; a pair of one person counts as often as that person
/// was drawn, a pair of two as the product.
/// Errors: kInvalidArgument for fewer than 2 people.
/// Source: the multi-way (vertex) bootstrap for dyadic data, Snijders and Borgatti 1999.
Result<std::vector<BootstrapResult>> BootstrapOverPeople(std::span<const PeopleOfPair> pairs,
                                                         const ResampledStatistics& statistics,
                                                         const BootstrapOptions& options = {});

/// Error rates of pairs that may count several times, without sorting again.
/// Threads: const members are safe concurrently.
class WeightedErrorRates {
 public:
  /// As many labels as similarities; both are copied.
  WeightedErrorRates(std::span<const double> similarity, std::span<const std::uint8_t> same);

  /// Equal error rate, AUC, then TAR at each FMR, as Roc defines them; all NaN if a class is empty.
  std::vector<double> At(std::span<const double> fmrs, std::span<const std::uint32_t> times) const;

 private:
  struct Entry {
    double similarity;
    std::uint32_t pair;
    bool same;
  };
  std::vector<Entry> entries_;  // by falling similarity
};

}  // namespace visavis
