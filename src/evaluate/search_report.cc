#include "evaluate/search_report.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/identification.h"

namespace visavis {
namespace {

// Rows of the set, copied in an order of their own.
struct Side {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
  std::size_t dimension = 0;
  void Add(std::span<const float> row, std::int64_t subject) {
    values.insert(values.end(), row.begin(), row.end());
    subjects.push_back(subject);
  }
  LabelledEmbeddings view() const { return {{values, dimension}, subjects}; }
};

struct Plan {
  Side gallery;
  Side probes;
  std::int64_t failed_mated = 0;  // probes without an embedding
  std::int64_t failed_non_mated = 0;
  std::int64_t failed_to_enrol = 0;  // people none of whose images gave an embedding
  bool left_out = false;             // half of the people are not enrolled
};

using Members = std::map<std::int64_t, std::vector<std::size_t>>;

// The people who are enrolled: all with two images, or half of them if nobody has one image.
std::vector<std::int64_t> Enrolled(const Members& members, std::uint64_t seed, Plan& plan) {
  std::vector<std::int64_t> several;
  for (const auto& [person, images] : members) {
    if (images.size() >= 2) several.push_back(person);
  }
  if (several.size() == members.size()) {
    std::mt19937_64 random(seed);
    std::shuffle(several.begin(), several.end(), random);
    several.resize((several.size() + 1) / 2);
    std::sort(several.begin(), several.end());
    plan.left_out = true;
  }
  return several;
}

Plan MakePlan(const EvaluationSet& set, const EmbeddingRows& rows, const std::vector<bool>& usable,
              std::uint64_t seed) {
  Members members;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    if (set.people[i] >= 0) members[set.people[i]].push_back(i);
  }
  Plan plan;
  plan.gallery.dimension = plan.probes.dimension = rows.dimension;
  const std::vector<std::int64_t> enrolled = Enrolled(members, seed, plan);
  for (const auto& [person, images] : members) {
    const bool wanted = std::binary_search(enrolled.begin(), enrolled.end(), person);
    bool in_gallery = false;
    std::int64_t failed = 0;
    for (const std::size_t image : images) {
      if (!usable[image]) {
        ++failed;
      } else if (wanted && !in_gallery) {
        plan.gallery.Add(rows.row(image), person);
        in_gallery = true;
      } else {
        plan.probes.Add(rows.row(image), person);
      }
    }
    plan.failed_to_enrol += wanted && !in_gallery;
    (in_gallery ? plan.failed_mated : plan.failed_non_mated) += failed;
  }
  return plan;
}

IdentificationTarget TargetOf(const IdentificationPoint& point, double fpir) {
  IdentificationTarget target;
  target.target_fpir = fpir;
  target.threshold = point.threshold;
  const auto alarms = std::llround(point.fpir * static_cast<double>(point.non_mated));
  target.fpir = {point.fpir, ClopperPearsonInterval(alarms, point.non_mated), "clopper-pearson"};
  target.tpir = {point.tpir, point.tpir_interval, "wilson"};
  target.supported = point.supported;
  if (!point.supported) {
    target.note =
        fmt::format("insufficient data: FPIR {:g} needs {:.0f} probes without a mate, {} here",
                    fpir, std::ceil(3 / fpir), point.non_mated);
  }
  return target;
}

Result<IdentificationReport> WholeGallery(const Plan& plan, const SearchOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(std::vector<ProbeOutcome> outcomes,
                           SearchAll(plan.gallery.view(), plan.probes.view(), options.pool));
  if (options.policy == FailurePolicy::kReject) {
    // Never found, and never a false alarm.
    ProbeOutcome missed;
    missed.rank = std::numeric_limits<std::int64_t>::max();
    outcomes.insert(outcomes.end(), static_cast<std::size_t>(plan.failed_mated), missed);
    outcomes.insert(outcomes.end(), static_cast<std::size_t>(plan.failed_non_mated),
                    ProbeOutcome{});
  }
  IdentificationReport report;
  report.name = "all";
  report.rule = fmt::format(
      "first image of everybody with two or more enrolled{}, {} people not enrolled because all "
      "their images failed, {} probes failed ({})",
      plan.left_out ? ", half of the people left out" : "", plan.failed_to_enrol,
      plan.failed_mated + plan.failed_non_mated,
      options.policy == FailurePolicy::kReject ? "counted as not found" : "left out");
  report.gallery_entries = report.gallery_subjects = std::ssize(plan.gallery.subjects);
  report.mated = std::count_if(outcomes.begin(), outcomes.end(),
                               [](const ProbeOutcome& o) { return o.mated(); });
  report.non_mated = std::ssize(outcomes) - report.mated;
  report.cmc = CumulativeMatch(outcomes, options.ranks);
  const double rank1 = report.cmc.empty() ? 0 : report.cmc.front();
  report.rank1 = {
      rank1, WilsonInterval(std::llround(rank1 * static_cast<double>(report.mated)), report.mated),
      "wilson"};
  for (const double fpir : options.fpirs) {
    if (report.mated == 0 || report.non_mated == 0) break;
    VISAVIS_ASSIGN_OR_RETURN(const IdentificationPoint point, TpirAtFpir(outcomes, fpir));
    report.targets.push_back(TargetOf(point, fpir));
  }
  return report;
}

Result<IdentificationReport> SmallerGallery(const Plan& plan, std::int64_t size,
                                            const SearchOptions& options) {
  IdentificationReport report;
  report.name = fmt::format("gallery {} (mean of {} draws)", size, options.draws);
  report.rule = fmt::format("{} of the enrolled people drawn with seed {}", size, options.seed);
  report.gallery_entries = report.gallery_subjects = size;
  report.draws = options.draws;
  for (const double fpir : options.fpirs) {
    VISAVIS_ASSIGN_OR_RETURN(
        const IdentificationPoint point,
        TpirAtGallerySize(plan.gallery.view(), plan.probes.view(),
                          {size, options.draws, options.seed, fpir, 1}, options.pool));
    report.mated = point.mated;
    report.non_mated = point.non_mated;
    report.targets.push_back(TargetOf(point, fpir));
  }
  // At an FPIR of 1 every mate that comes first is found.
  VISAVIS_ASSIGN_OR_RETURN(
      const IdentificationPoint closed,
      TpirAtGallerySize(plan.gallery.view(), plan.probes.view(),
                        {size, options.draws, options.seed, 1.0, 1}, options.pool));
  report.rank1 = {closed.tpir, closed.tpir_interval, "wilson"};
  return report;
}

}  // namespace

Result<std::vector<IdentificationReport>> MeasureIdentification(const EvaluationSet& set,
                                                                const EmbeddingRows& rows,
                                                                const std::vector<bool>& usable,
                                                                const SearchOptions& options) {
  const Plan plan = MakePlan(set, rows, usable, options.seed);
  if (plan.gallery.subjects.empty() || plan.probes.subjects.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "identification: {} people enrolled and {} probes, want both (people with two "
                     "or more images)",
                     plan.gallery.subjects.size(), plan.probes.subjects.size());
  }
  std::vector<IdentificationReport> reports;
  VISAVIS_ASSIGN_OR_RETURN(IdentificationReport whole, WholeGallery(plan, options));
  reports.push_back(std::move(whole));
  for (const std::int64_t size : options.gallery_sizes) {
    VISAVIS_ASSIGN_OR_RETURN(IdentificationReport smaller, SmallerGallery(plan, size, options));
    reports.push_back(std::move(smaller));
  }
  return reports;
}

}  // namespace visavis
