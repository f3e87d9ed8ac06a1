// Confidence intervals of curve statistics by resampling people, not pairs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "evaluate/roc.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// One scored comparison and the two people in it (equal for a genuine pair).
struct IdentityPair {
  double similarity = 0;
  std::int32_t person_a = 0;
  std::int32_t person_b = 0;
};

/// A statistic with its bootstrap distribution's 2.5 % and 97.5 % quantiles.
struct BootstrapResult {
  double value = 0;  ///< on the data as they are
  Interval interval;
  int resamples = 0;  ///< that had both classes
};

struct BootstrapOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
  ThreadPool* pool = nullptr;  ///< results do not depend on it
};

/// Interval of `statistic` when the people, not the pairs, are the sample: pairs that share a
/// person are not independent, so resampling pairs would claim too much. Every resample draws as
/// many people as there are, with replacement; a genuine pair counts as often as its person was
/// drawn, an impostor pair as the product of its two. Errors: kInvalidArgument for fewer than 2
/// people, an empty class or a similarity that is not finite. Source: the multi-way (vertex)
/// bootstrap for dyadic data, Snijders and Borgatti 1999.
Result<BootstrapResult> BootstrapOverPeople(std::span<const IdentityPair> pairs,
                                            const std::function<double(const Roc&)>& statistic,
                                            const BootstrapOptions& options = {});

}  // namespace visavis
