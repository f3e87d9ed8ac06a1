// Every pair of a large set of embeddings, as two histograms of similarity in bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "evaluate/verification.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// Counts of similarities in equal parts of [-1,1]; part i holds [edge(i), edge(i + 1)), the last
/// one 1 as well.
struct SimilarityHistogram {
  std::vector<std::int64_t> counts;
  std::int64_t total = 0;

  double edge(std::size_t i) const {
    return -1 + 2 * static_cast<double>(i) / static_cast<double>(counts.size());
  }
};

struct AllPairsHistograms {
  SimilarityHistogram genuine;   ///< pairs of one subject
  SimilarityHistogram impostor;  ///< pairs of two
};

struct AllPairsOptions {
  int bins = 1 << 14;
  ThreadPool* pool = nullptr;  ///< counts do not depend on it
  std::string_view isa{};      ///< "": the best of this machine
  std::function<void(std::int64_t done, std::int64_t total)>
      progress{};  ///< of pairs; called from this thread's turns
};

/// Counts all n (n - 1) / 2 pairs of rows by cosine (float products of rows normalised in double).
/// Shapes:  n rows of `dimension` floats, n subjects. Memory: twice the rows, and one histogram per
/// thread. Errors:  kInvalidArgument for fewer than 2 rows, differing counts, values that are not
/// finite, unknown ISA, bins < 2.
Result<AllPairsHistograms> CountAllPairs(const EmbeddingRows& rows,
                                         std::span<const std::int64_t> subjects,
                                         const AllPairsOptions& options = {});

/// TAR at a false accept rate, as the histogram guarantees it.
struct BoundedTar {
  double threshold = 0;    ///< an edge; accepting from here on keeps FAR <= the target, exactly
  double far = 0;          ///< exact at the threshold
  double tar = 0;          ///< exact at the threshold
  double tar_upper = 0;    ///< no threshold that keeps the target can reach more
  bool supported = false;  ///< enough impostor pairs to tell the target from 0 (rule of three)
};
BoundedTar TarAtFar(const AllPairsHistograms& histograms, double far);

}  // namespace visavis
