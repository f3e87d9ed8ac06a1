// Open-set identification over the people of a data set.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/evaluation_set.h"
#include "evaluate/report.h"
#include "evaluate/verification.h"
#include "evaluate/verification_report.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

struct SearchOptions {
  std::vector<double> fpirs = {0.1, 0.01, 0.001};
  int ranks = 20;                               ///< of the CMC
  std::vector<std::int64_t> gallery_sizes;      ///< also at these numbers of subjects
  int draws = 10;                               ///< of each smaller gallery
  FailurePolicy policy = FailurePolicy::kDrop;  ///< of probes that failed
  std::uint64_t seed = 1;
  ThreadPool* pool = nullptr;
};

/// The first image (that gave an embedding) of every person with two or more is enrolled, the
/// others are mated probes; images of people with one are probes without a mate. If there are none,
/// half of the people (drawn with the seed) are left out of the gallery. One report for the whole
/// gallery, then one per smaller size (mean of draws).
/// Errors: kInvalidArgument if nobody has two images, a size that is not below the gallery's, a
/// value that is not finite.
Result<std::vector<IdentificationReport>> MeasureIdentification(const EvaluationSet& set,
                                                                const EmbeddingRows& rows,
                                                                const std::vector<bool>& usable,
                                                                const SearchOptions& options);

}  // namespace visavis
