#include "evaluate/identification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <unordered_set>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/row_products.h"

namespace visavis {
namespace {

Status CheckRows(const LabelledEmbeddings& set, const char* which) {
  if (set.rows.dimension == 0 || set.rows.rows() == 0 ||
      set.rows.values.size() % set.rows.dimension != 0) {
    return MakeError(ErrorCode::kInvalidArgument, "identification: the {} is empty or ragged",
                     which);
  }
  if (set.subjects.size() != set.rows.rows()) {
    return MakeError(ErrorCode::kInvalidArgument, "identification: {} subjects for {} {} rows",
                     set.subjects.size(), set.rows.rows(), which);
  }
  for (std::size_t i = 0; i < set.rows.values.size(); ++i) {
    if (!std::isfinite(set.rows.values[i])) {
      return MakeError(ErrorCode::kInvalidArgument, "identification: {} row {} is not finite",
                       which, i / set.rows.dimension);
    }
  }
  return {};
}

// Floats of products that one thread holds at a time.
constexpr std::size_t kProductFloats = std::size_t{1} << 20;
constexpr std::size_t kMostTileRows = 32;

ProbeOutcome OutcomeOf(std::span<const float> similarity, std::int64_t subject,
                       std::span<const std::int64_t> subjects) {
  ProbeOutcome outcome;
  float best = -2;
  float mate = -2;
  for (std::size_t g = 0; g < subjects.size(); ++g) {
    best = std::max(best, similarity[g]);
    if (subjects[g] == subject) mate = std::max(mate, similarity[g]);
  }
  outcome.best_similarity = best;
  outcome.mate_similarity = mate;
  if (mate == -2) return outcome;
  outcome.rank = 1;
  for (std::size_t g = 0; g < subjects.size(); ++g) {
    outcome.rank += subjects[g] != subject && similarity[g] >= mate;
  }
  return outcome;
}

}  // namespace

Result<std::vector<ProbeOutcome>> SearchAll(const LabelledEmbeddings& gallery,
                                            const LabelledEmbeddings& probes, ThreadPool* pool) {
  VISAVIS_RETURN_IF_ERROR(CheckRows(gallery, "gallery"));
  VISAVIS_RETURN_IF_ERROR(CheckRows(probes, "probe set"));
  if (gallery.rows.dimension != probes.rows.dimension) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "identification: gallery rows have {} values, probe rows {}",
                     gallery.rows.dimension, probes.rows.dimension);
  }
  const RowProducts products(*FindKernels(BestIsa()), UnitRows(gallery.rows),
                             gallery.rows.dimension);
  const std::vector<float> unit_probes = UnitRows(probes.rows);
  const std::size_t width = products.groups() * kFcGroup;
  const std::size_t tile = std::clamp<std::size_t>(kProductFloats / width, 1, kMostTileRows);
  std::vector<ProbeOutcome> outcomes(probes.rows.rows());
  std::vector<std::vector<float>> similarity(
      pool == nullptr ? 1 : static_cast<std::size_t>(pool->threads()),
      std::vector<float>(tile * width));
  const std::size_t tiles = (outcomes.size() + tile - 1) / tile;
  ParallelFor(pool, static_cast<std::int64_t>(tiles), [&](std::int64_t index, int slot) {
    std::vector<float>& out = similarity[static_cast<std::size_t>(slot)];
    const std::size_t begin = static_cast<std::size_t>(index) * tile;
    const std::size_t rows = std::min(tile, outcomes.size() - begin);
    for (std::size_t group = 0; group < products.groups(); ++group) {
      products.Multiply(unit_probes.data() + begin * probes.rows.dimension, rows, group,
                        out.data() + group * kFcGroup, width);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      outcomes[begin + r] = OutcomeOf(std::span(out).subspan(r * width, gallery.subjects.size()),
                                      probes.subjects[begin + r], gallery.subjects);
    }
  });
  return outcomes;
}

std::vector<double> CumulativeMatch(std::span<const ProbeOutcome> outcomes, int max_rank) {
  std::vector<double> rates(static_cast<std::size_t>(std::max(max_rank, 0)));
  std::int64_t mated = 0;
  for (const ProbeOutcome& outcome : outcomes) {
    if (!outcome.mated()) continue;
    ++mated;
    for (auto k = static_cast<std::size_t>(outcome.rank - 1); k < rates.size(); ++k) rates[k] += 1;
  }
  for (double& rate : rates) rate = mated == 0 ? 0 : rate / static_cast<double>(mated);
  return rates;
}

Result<IdentificationPoint> TpirAtFpir(std::span<const ProbeOutcome> outcomes, double fpir,
                                       int rank) {
  std::vector<double> found;  // mates within the rank
  std::vector<double> strangers;
  IdentificationPoint point;
  for (const ProbeOutcome& outcome : outcomes) {
    if (!outcome.mated()) {
      strangers.push_back(outcome.best_similarity);
      continue;
    }
    ++point.mated;
    // A mate beyond the rank is never found: it stays below every threshold.
    found.push_back(outcome.rank <= rank ? outcome.mate_similarity
                                         : std::numeric_limits<double>::lowest());
  }
  point.non_mated = std::ssize(strangers);
  if (found.empty() || strangers.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "identification: {} mated and {} non-mated probes, want both", found.size(),
                     strangers.size());
  }
  VISAVIS_ASSIGN_OR_RETURN(const Roc roc, Roc::Create(std::move(found), std::move(strangers)));
  OperatingPoint best = roc.AtFmr(fpir);
  // At an FPIR of 1 the threshold may fall to the mates that were never found.
  if (best.threshold == std::numeric_limits<double>::lowest()) best = roc.At(-2);
  point.threshold = best.threshold;
  point.fpir = best.fmr;
  point.tpir = best.tar;
  point.tpir_interval = WilsonInterval(best.true_accepts, point.mated);
  point.supported = roc.Supports(fpir);
  return point;
}

Result<IdentificationPoint> TpirAtGallerySize(const LabelledEmbeddings& gallery,
                                              const LabelledEmbeddings& probes,
                                              const GallerySizeOptions& options, ThreadPool* pool) {
  VISAVIS_RETURN_IF_ERROR(CheckRows(gallery, "gallery"));
  std::vector<std::int64_t> all(gallery.subjects.begin(), gallery.subjects.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (options.gallery_subjects < 1 || options.gallery_subjects >= std::ssize(all) ||
      options.draws < 1) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "identification: a gallery of {} of {} subjects, {} draws: want fewer than "
                     "all subjects, so that "
                     "some probes have no mate, and at least one draw",
                     options.gallery_subjects, all.size(), options.draws);
  }
  std::mt19937_64 random(options.seed);
  IdentificationPoint mean;
  std::int64_t true_accepts = 0;
  for (int draw = 0; draw < options.draws; ++draw) {
    std::shuffle(all.begin(), all.end(), random);
    const std::unordered_set<std::int64_t> enrolled(all.begin(),
                                                    all.begin() + options.gallery_subjects);
    std::vector<float> values;
    std::vector<std::int64_t> subjects;
    for (std::size_t i = 0; i < gallery.rows.rows(); ++i) {
      if (!enrolled.contains(gallery.subjects[i])) continue;
      const auto row = gallery.rows.row(i);
      values.insert(values.end(), row.begin(), row.end());
      subjects.push_back(gallery.subjects[i]);
    }
    const LabelledEmbeddings drawn{{values, gallery.rows.dimension}, subjects};
    VISAVIS_ASSIGN_OR_RETURN(const auto outcomes, SearchAll(drawn, probes, pool));
    VISAVIS_ASSIGN_OR_RETURN(const IdentificationPoint point,
                             TpirAtFpir(outcomes, options.fpir, options.rank));
    mean.threshold += point.threshold / options.draws;
    mean.fpir += point.fpir / options.draws;
    mean.tpir += point.tpir / options.draws;
    mean.mated += point.mated;
    mean.non_mated += point.non_mated;
    true_accepts += std::llround(point.tpir * static_cast<double>(point.mated));
    mean.supported = draw == 0 ? point.supported : mean.supported && point.supported;
  }
  // Draws share probes, so the interval is that of one draw's worth of evidence.
  mean.mated /= options.draws;
  mean.non_mated /= options.draws;
  mean.tpir_interval = WilsonInterval(true_accepts / options.draws, mean.mated);
  return mean;
}

}  // namespace visavis
