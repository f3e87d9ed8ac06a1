// Writes a report page made of invented scores and hostile names: write_report_page OUTPUT. Exit
// code 1 if this build has no page.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "evaluate/verification_report.h"
#include "report/page.h"

namespace visavis {
namespace {

constexpr char kHostile[] = "</script><img src=x onerror=\"alert(1)\">'&amp;\u2028{{7*7}}\xff";
constexpr std::int64_t kPairs = 600;  // of each class

VerificationReport Invented(unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> same(0.6, 0.15);
  std::normal_distribution<double> different(0.05, 0.12);
  std::vector<double> genuine(kPairs);
  std::vector<double> impostor(kPairs);
  // Below 1, so that the strictest threshold of the page refuses every pair.
  for (double& s : genuine) s = std::min(0.99, same(random));
  for (double& s : impostor) s = different(random);
  VerificationReport report;
  report.genuine = report.impostor = kPairs;
  const Result<Roc> roc = Roc::Create(genuine, impostor);
  report.curve = ThinCurve(*roc);
  report.histogram.genuine.resize(200);
  report.histogram.impostor.resize(200);
  const auto bin = [](double s) { return static_cast<std::size_t>((s + 1) * 99.999); };
  for (const double s : genuine) ++report.histogram.genuine[bin(s)];
  for (const double s : impostor) ++report.histogram.impostor[bin(s)];
  for (const double fmr : {1e-1, 1e-2, 1e-3}) {
    const OperatingPoint at = roc->AtFmr(fmr);
    report.points.push_back({fmr,
                             at.threshold,
                             at.false_accepts,
                             at.true_accepts,
                             {at.fmr, {}, ""},
                             {at.tar, {}, ""},
                             {},
                             {},
                             roc->Supports(fmr),
                             UnsupportedNote(fmr, kPairs)});
  }
  report.eer = {roc->EqualErrorRate(), Interval{0.01, 0.05}, "bootstrap-people"};
  report.auc = {roc->Auc(), {}, ""};
  ProtocolResult folds;
  folds.protocol = "k-fold";
  folds.rule = kHostile;
  folds.mean = 0.97;
  for (int f = 1; f <= 10; ++f) folds.folds.push_back({f, 120, 116, 1.4, 0.3, 116.0 / 120});
  report.protocols.push_back(folds);
  report.cohorts.push_back({kHostile, 300, 300, 1e-2, 0.3, {0.01, {}, ""}, {0.9, {}, ""}});
  report.worst_cohorts = {0};
  for (std::int64_t i = 0; i < 3; ++i) {
    report.false_accepts.push_back({i, 2 * i, 2 * i + 1, 0, 0.5, 0.3, true});
    report.false_rejects.push_back({i, 2 * i, 2 * i + 1, 0, 0.1, 0.3, true});
  }
  report.wrong_false_accepts = report.wrong_false_rejects = 3;
  return report;
}

EvaluationReport InventedReport() {
  EvaluationReport report;
  report.run.visavis = "0.0.0";
  report.run.command = fmt::format("visavis evaluate '{}'", kHostile);
  report.run.started = "2026-01-02T03:04:05Z";
  report.dataset.path = fmt::format("/data/{}", kHostile);
  report.dataset.kind = "csv";
  report.dataset.pairs = 2 * kPairs;
  for (std::int64_t i = 0; i < 6; ++i) report.images.push_back({i, kHostile, ""});
  for (const char* label :
       {kHostile, "a long name of a model that says little but needs much room"}) {
    SystemFacts system;
    system.name = system.label = label;
    system.failures.policy = "drop";
    system.failures.no_face = 1;
    system.failures.list.push_back({1, "no_face", kHostile});
    report.systems.push_back(system);
    ReportResult result;
    result.label = label;
    result.system = std::ssize(report.systems) - 1;
    result.verification = Invented(static_cast<unsigned>(report.systems.size()));
    report.results.push_back(std::move(result));
  }
  ReportComparison comparison{0, 1, 2 * kPairs, {}};
  comparison.figures.push_back(
      {"tar@fmr=0.01", 0.9, 0.92, 0.02, Interval{0.01, 0.03}, {}, 0, 0, Verdict::kBetter});
  report.comparisons.push_back(std::move(comparison));
  report.warnings = {kHostile};
  return report;
}

int Main(const char* output) {
  const EvaluationReport report = InventedReport();
  const std::vector<ReportCrop> crops =
      CropsOf(report, [](std::int64_t) { return Image(112, 112); });
  const Result<std::string> page = ReportPage(report, crops);
  if (!page) {
    fmt::print("{}\n", page.error().message);
    return 1;
  }
  std::FILE* file = std::fopen(output, "wb");
  const bool written =
      file != nullptr && std::fwrite(page->data(), 1, page->size(), file) == page->size();
  return file != nullptr && std::fclose(file) == 0 && written ? 0 : 2;
}

}  // namespace
}  // namespace visavis

int main(int argc, char** argv) { return argc == 2 ? visavis::Main(argv[1]) : 2; }
