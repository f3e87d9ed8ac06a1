// One-to-many search rates: rank-k (CMC), and TPIR/FNIR at a false positive identification rate.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluate/roc.h"
#include "evaluate/verification.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// What one probe found in the gallery.
struct ProbeOutcome {
  double best_similarity = -2;  ///< of any gallery entry
  double mate_similarity = -2;  ///< of the best entry of the probe's own subject; -2: not enrolled
  std::int64_t rank =
      0;  ///< of that entry, from 1; entries as similar as it count as ahead. 0: not enrolled
  bool mated() const { return rank > 0; }
};

/// Rows with the subject each belongs to.
struct LabelledEmbeddings {
  EmbeddingRows rows;                      ///< need not be normalised
  std::span<const std::int64_t> subjects;  ///< one per row
};

/// Searches every probe in the whole gallery by cosine.
/// Errors: kInvalidArgument for an empty gallery, differing dimensions or counts, a value that is
/// not finite. Threads: uses `pool` (null: this thread); results do not depend on it.
Result<std::vector<ProbeOutcome>> SearchAll(const LabelledEmbeddings& gallery,
                                            const LabelledEmbeddings& probes,
                                            ThreadPool* pool = nullptr);

/// Open-set rates at one threshold.
struct IdentificationPoint {
  double threshold = 0;
  double fpir = 0;  ///< share of non-mated probes whose best similarity reaches the threshold
  double tpir =
      0;  ///< share of mated probes whose mate is within the rank and reaches it; FNIR = 1 - tpir
  Interval tpir_interval;
  std::int64_t mated = 0;
  std::int64_t non_mated = 0;
  bool supported = false;  ///< enough non-mated probes to tell this FPIR from 0 (rule of three)
};

/// Share of mated probes with rank <= k, for k = 1..max_rank.
std::vector<double> CumulativeMatch(std::span<const ProbeOutcome> outcomes, int max_rank);
/// The most permissive threshold whose FPIR does not exceed `fpir`.
/// Errors: kInvalidArgument without mated or without non-mated probes.
Result<IdentificationPoint> TpirAtFpir(std::span<const ProbeOutcome> outcomes, double fpir,
                                       int rank = 1);

/// TPIR for galleries of `gallery_subjects` subjects drawn without replacement, `draws` times
/// (seeded): subjects left out become non-mated probes. Means over the draws.
struct GallerySizeOptions {
  std::int64_t gallery_subjects = 1000;
  int draws = 10;
  std::uint64_t seed = 1;
  double fpir = 0.01;
  int rank = 1;
};
Result<IdentificationPoint> TpirAtGallerySize(const LabelledEmbeddings& gallery,
                                              const LabelledEmbeddings& probes,
                                              const GallerySizeOptions& options,
                                              ThreadPool* pool = nullptr);

}  // namespace visavis
