#include "evaluate_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace visavis::cli {
namespace {

constexpr std::size_t kWorstShown = 5;
constexpr std::size_t kFailuresShown = 10;

std::string Text(const std::optional<Interval>& interval) {
  return interval ? fmt::format("[{:.5f}, {:.5f}]", interval->low, interval->high) : std::string();
}

std::string Rate(const std::optional<double>& rate) {
  return rate ? fmt::format("{:.5f}", *rate) : "undefined";
}

std::string ImageName(const EvaluationReport& report, std::int64_t index) {
  const ReportImage* image = report.FindImage(index);
  return image == nullptr ? fmt::format("image {}", index) : OneLine(image->name);
}

void AppendDataset(const EvaluationReport& report, std::string& out) {
  const DatasetFacts& data = report.dataset;
  out += fmt::format("data       {} ({}, {}), {} images, {} people\n", OneLine(data.path),
                     data.kind, data.input, data.images,
                     data.people > 0 ? std::to_string(data.people) : "unknown");
  out += fmt::format("pairs      {} {}: {} same person, {} different people\n", data.pairs,
                     data.pair_choice, data.genuine, data.impostor);
  out += fmt::format("run        {} threads, {}, seed {}, {} resamples of people, {:.1f} s\n",
                     report.run.threads, report.run.isa, report.run.seed, report.run.resamples,
                     report.run.seconds);
}

void AppendSystem(const SystemFacts& system, std::string& out) {
  out += fmt::format("\nmodel      {} ({}{}{}), {} values, sha256 {:.12}\n", OneLine(system.label),
                     system.precision.empty() ? "stored" : system.precision,
                     system.detector.empty() ? "" : ", ", system.detector, system.dimension,
                     system.sha256.empty() ? "-" : system.sha256);
  if (system.computed + system.from_cache > 0) {
    out += fmt::format("embedded   {} images in {:.1f} s, {} from the cache\n", system.computed,
                       system.seconds, system.from_cache);
  }
  const FailureFacts& failures = system.failures;
  if (failures.images == 0) return;
  out += fmt::format(
      "failures   {} of {} images gave no face, {} could not be read: failure to acquire {:.5f} "
      "{}\n",
      failures.no_face, failures.images, failures.unreadable, failures.failure_to_acquire.value,
      Text(failures.failure_to_acquire.interval));
  if (failures.list.empty()) return;
  out += fmt::format("           {} same-person and {} different-person pairs {}\n",
                     failures.genuine_pairs, failures.impostor_pairs,
                     failures.policy == "reject" ? "counted as not accepted" : "left out");
  for (std::size_t i = 0; i < std::min(kFailuresShown, failures.list.size()); ++i) {
    out += fmt::format("           {}\n", OneLine(failures.list[i].message));
  }
  if (failures.list.size() > kFailuresShown) {
    out += fmt::format("           and {} more (--json lists all)\n",
                       failures.list.size() - kFailuresShown);
  }
}

void AppendProtocol(const ProtocolResult& result, std::string& out) {
  std::string value = fmt::format("{:.5f}", result.mean);
  if (result.deviation) value += fmt::format(" +- {:.5f}", *result.deviation);
  if (result.far) value += fmt::format(" at FAR {:.5f}", *result.far);
  if (result.protocol == "fixed-threshold") {
    value += fmt::format(" (TAR {}, FMR {})", Rate(result.tar), Rate(result.fmr));
  }
  out += fmt::format("  {:<18} {}  {}  {}\n", result.protocol, value, Text(result.interval),
                     OneLine(result.rule));
}

void AppendPoints(const VerificationReport& report, std::string& out) {
  if (report.points.empty()) return;
  out += "  FMR        TAR       95 %, pairs          95 %, people         similarity\n";
  for (const ReportPoint& point : report.points) {
    if (!point.supported) {
      out += fmt::format("  {:<9g}  {}\n", point.target_fmr, point.note);
      continue;
    }
    out += fmt::format("  {:<9g}  {:.5f}   {:<19}  {:<19}  {:.4f}{}\n", point.target_fmr,
                       point.tar.value, Text(point.tar.interval), Text(point.tar_people),
                       point.threshold,
                       point.tar_upper ? fmt::format("  (at most {:.5f})", *point.tar_upper) : "");
  }
  if (report.eer && report.auc) {
    out += fmt::format("  EER {:.5f} {}  AUC {:.6f} {}\n", report.eer->value,
                       Text(report.eer->interval), report.auc->value, Text(report.auc->interval));
  }
}

void AppendPairs(const EvaluationReport& report, const char* what,
                 const std::vector<ReportPair>& pairs, std::int64_t wrong, std::string& out) {
  if (pairs.empty()) return;
  out += fmt::format("  {} {}{}{}\n", wrong, what, wrong == 1 ? "" : "s", wrong > 0 ? ":" : "");
  for (std::size_t i = 0; i < std::min(kWorstShown, pairs.size()); ++i) {
    const ReportPair& pair = pairs[i];
    if (!pair.wrong) break;
    out +=
        fmt::format("    {} | {}  similarity {:.4f}, threshold {:.4f}{}\n",
                    ImageName(report, pair.a), ImageName(report, pair.b), pair.similarity,
                    pair.threshold, pair.fold >= 0 ? fmt::format(", fold {}", pair.fold + 1) : "");
  }
  if (wrong > static_cast<std::int64_t>(kWorstShown)) {
    out += fmt::format("    and {} more (--pairs-out lists every pair)\n",
                       wrong - static_cast<std::int64_t>(kWorstShown));
  }
}

void AppendCohorts(const VerificationReport& report, std::string& out) {
  if (report.cohorts.empty()) return;
  out += "  cohort                FMR wanted  FMR      TAR      genuine  impostor\n";
  for (std::size_t i = 0; i < report.cohorts.size(); ++i) {
    const ReportCohort& cohort = report.cohorts[i];
    const bool worst = std::find(report.worst_cohorts.begin(), report.worst_cohorts.end(),
                                 static_cast<std::int64_t>(i)) != report.worst_cohorts.end();
    out += fmt::format("  {:<20}  {:<10g}  {:.5f}  {:.5f}  {:>7}  {:>8}{}\n", OneLine(cohort.name),
                       cohort.target_fmr, cohort.fmr.value, cohort.tar.value, cohort.genuine,
                       cohort.impostor, worst ? "  worst" : "");
  }
}

void AppendSearch(const IdentificationReport& search, std::string& out) {
  out += fmt::format("  search {}: {} enrolled, {} mated and {} other probes, rank 1 {:.5f} {}\n",
                     search.name, search.gallery_subjects, search.mated, search.non_mated,
                     search.rank1.value, Text(search.rank1.interval));
  out += fmt::format("    {}\n", OneLine(search.rule));
  for (const IdentificationTarget& target : search.targets) {
    if (!target.supported && !target.note.empty()) {
      out += fmt::format("    FPIR {:<7g} {}\n", target.target_fpir, target.note);
      continue;
    }
    out += fmt::format("    FPIR {:<7g} TPIR {:.5f} {}  similarity {:.4f}\n", target.target_fpir,
                       target.tpir.value, Text(target.tpir.interval), target.threshold);
  }
}

void AppendResult(const EvaluationReport& report, const ReportResult& result, std::string& out) {
  out += fmt::format("\n{}: mean norm {:.4f}\n", OneLine(result.label), result.mean_norm);
  if (result.verification) {
    const VerificationReport& verification = *result.verification;
    for (const ProtocolResult& protocol : verification.protocols) AppendProtocol(protocol, out);
    AppendPoints(verification, out);
    AppendCohorts(verification, out);
    AppendPairs(report, "false accept", verification.false_accepts,
                verification.wrong_false_accepts, out);
    AppendPairs(report, "false reject", verification.false_rejects,
                verification.wrong_false_rejects, out);
  }
  for (const IdentificationReport& search : result.identification) AppendSearch(search, out);
}

const char* Word(Verdict verdict) {
  return verdict == Verdict::kBetter ? "better" : verdict == Verdict::kWorse ? "worse" : "same";
}

void AppendComparison(const EvaluationReport& report, const ReportComparison& comparison,
                      std::string& out) {
  const auto label = [&](std::int64_t i) {
    return OneLine(report.results[static_cast<std::size_t>(i)].label);
  };
  out += fmt::format("\n{}\n  against {} over {} pairs:\n", label(comparison.b),
                     label(comparison.a), comparison.pairs);
  for (const PairedFigure& figure : comparison.figures) {
    out += fmt::format(
        "  {:<14} {:.5f} -> {:.5f}  {:+.5f} {:<20} {} at 95 %{}\n", figure.figure, figure.a,
        figure.b, figure.difference, Text(figure.interval), Word(figure.verdict),
        figure.p_value ? fmt::format("  (McNemar p {:.3g}: {} only before, {} only now)",
                                     *figure.p_value, figure.only_a_right, figure.only_b_right)
                       : "");
  }
}

void AppendBaseline(const BaselineReport& baseline, std::string& out) {
  out += fmt::format("\nbaseline   {}: {} (a drop of {:.4f} is allowed)\n", OneLine(baseline.path),
                     baseline.passed ? "passed" : "FAILED", baseline.max_drop);
  for (const BaselineFigure& figure : baseline.figures) {
    if (figure.passed && baseline.passed) continue;
    out += fmt::format("  {:<6} {} {}: {:.5f} -> {:.5f}\n", figure.passed ? "ok" : "FAILED",
                       OneLine(figure.result), figure.figure, figure.baseline, figure.now);
  }
}

}  // namespace

std::string EvaluationText(const EvaluationReport& report) {
  std::string out;
  AppendDataset(report, out);
  for (const SystemFacts& system : report.systems) AppendSystem(system, out);
  for (const ReportResult& result : report.results) AppendResult(report, result, out);
  for (const ReportComparison& comparison : report.comparisons)
    AppendComparison(report, comparison, out);
  if (report.baseline) AppendBaseline(*report.baseline, out);
  if (!report.warnings.empty()) out += "\n";
  for (const std::string& warning : report.warnings) {
    out += fmt::format("warning    {}\n", OneLine(warning));
  }
  return out;
}

}  // namespace visavis::cli
