#include "evaluate/compare_results.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <charconv>
#include <functional>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/bootstrap.h"

namespace visavis {
namespace {

// Pairs that both sides scored, in order.
struct Shared {
  std::vector<double> similarity_a;
  std::vector<double> similarity_b;
  std::vector<std::uint8_t> right_a;
  std::vector<std::uint8_t> right_b;
  std::vector<std::uint8_t> same;
  std::vector<PeopleOfPair> people;
};

Shared Join(const ComparedResult& a, const ComparedResult& b) {
  Shared shared;
  std::size_t j = 0;
  for (std::size_t i = 0; i < a.scored->pair.size(); ++i) {
    while (j < b.scored->pair.size() && b.scored->pair[j] < a.scored->pair[i]) ++j;
    if (j == b.scored->pair.size() || b.scored->pair[j] != a.scored->pair[i]) continue;
    shared.similarity_a.push_back(a.scored->similarity[i]);
    shared.similarity_b.push_back(b.scored->similarity[j]);
    const std::uint8_t same = a.scored->same[i];
    shared.same.push_back(same);
    shared.right_a.push_back(a.judgement->accepted[i] == same ? 1 : 0);
    shared.right_b.push_back(b.judgement->accepted[j] == same ? 1 : 0);
    if (!a.scored->people.empty()) shared.people.push_back(a.scored->people[i]);
  }
  return shared;
}

double WeightedShare(const std::vector<std::uint8_t>& right, std::span<const std::uint32_t> times) {
  double sum = 0;
  double all = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    sum += static_cast<double>(times[i]) * right[i];
    all += times[i];
  }
  return sum / all;
}

Verdict VerdictOf(const std::optional<Interval>& interval) {
  if (!interval || (interval->low <= 0 && interval->high >= 0)) return Verdict::kSame;
  return interval->low > 0 ? Verdict::kBetter : Verdict::kWorse;
}

// The figures of one result that a baseline gates; larger is better.
struct GatedFigure {
  std::string name;
  double value = 0;
  bool smaller_is_better = false;
};

std::vector<GatedFigure> GatedFigures(const ReportResult& result) {
  std::vector<GatedFigure> figures;
  if (result.verification) {
    int fixed = 0;
    for (const ProtocolResult& protocol : result.verification->protocols) {
      const std::string suffix =
          protocol.protocol == "fixed-threshold" ? fmt::format(" {}", ++fixed) : "";
      figures.push_back({protocol.protocol + suffix, protocol.mean, false});
    }
    for (const ReportPoint& point : result.verification->points) {
      if (point.supported)
        figures.push_back({fmt::format("tar@fmr={:g}", point.target_fmr), point.tar.value, false});
    }
    if (const auto& eer = result.verification->eer) figures.push_back({"eer", eer->value, true});
    if (const auto& auc = result.verification->auc) figures.push_back({"auc", auc->value, false});
  }
  for (const IdentificationReport& search : result.identification) {
    figures.push_back({search.name + ": rank-1", search.rank1.value, false});
    for (const IdentificationTarget& target : search.targets) {
      if (!target.supported) continue;
      figures.push_back({fmt::format("{}: tpir@fpir={:g}", search.name, target.target_fpir),
                         target.tpir.value, false});
    }
  }
  return figures;
}

const ReportResult* Counterpart(const ReportResult& result, const EvaluationReport& baseline) {
  for (const auto& fits : {std::function<bool(const ReportResult&)>(
                               [&](const ReportResult& r) { return r.label == result.label; }),
                           std::function<bool(const ReportResult&)>([&](const ReportResult& r) {
                             return r.flip == result.flip && r.pca == result.pca;
                           })}) {
    const auto found = std::find_if(baseline.results.begin(), baseline.results.end(), fits);
    if (found != baseline.results.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

double McNemarP(std::int64_t only_a_right, std::int64_t only_b_right) {
  const std::int64_t n = only_a_right + only_b_right;
  if (n == 0) return 1;
  const auto k = static_cast<double>(std::min(only_a_right, only_b_right));
  // P(X <= k) of a fair coin thrown n times.
  return std::min(1.0, 2 * boost::math::ibeta(static_cast<double>(n) - k, k + 1, 0.5));
}

Result<ReportComparison> CompareResults(const ComparedResult& a, const ComparedResult& b,
                                        const VerificationOptions& options) {
  const Shared shared = Join(a, b);
  const auto genuine =
      static_cast<std::int64_t>(std::count(shared.same.begin(), shared.same.end(), 1));
  const std::int64_t impostor = std::ssize(shared.same) - genuine;
  if (genuine == 0 || impostor == 0) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "comparison: {} same-person and {} different-person pairs that both could "
                     "score, want both",
                     genuine, impostor);
  }
  std::vector<double> fmrs;
  for (const double fmr : options.fmrs) {
    if (UnsupportedNote(fmr, impostor).empty()) fmrs.push_back(fmr);
  }
  const WeightedErrorRates rates_a(shared.similarity_a, shared.same);
  const WeightedErrorRates rates_b(shared.similarity_b, shared.same);
  // accuracy, EER, AUC, TARs of one side.
  const auto figures_of = [&](const WeightedErrorRates& rates,
                              const std::vector<std::uint8_t>& right,
                              std::span<const std::uint32_t> times) {
    std::vector<double> figures = rates.At(fmrs, times);
    figures.insert(figures.begin(), WeightedShare(right, times));
    return figures;
  };
  const auto difference = [](std::size_t figure, double value_a, double value_b) {
    return figure == 1 ? value_a - value_b : value_b - value_a;  // a smaller EER is better
  };
  const std::vector<std::uint32_t> once(shared.same.size(), 1);
  const std::vector<double> of_a = figures_of(rates_a, shared.right_a, once);
  const std::vector<double> of_b = figures_of(rates_b, shared.right_b, once);

  ReportComparison comparison;
  comparison.pairs = std::ssize(shared.same);
  std::vector<std::string> names = {"accuracy", "eer", "auc"};
  for (const double fmr : fmrs) names.push_back(fmt::format("tar@fmr={:g}", fmr));
  for (std::size_t f = 0; f < names.size(); ++f) {
    PairedFigure figure;
    figure.figure = names[f];
    figure.a = of_a[f];
    figure.b = of_b[f];
    figure.difference = difference(f, of_a[f], of_b[f]);
    comparison.figures.push_back(std::move(figure));
  }
  if (!shared.people.empty() && options.resamples > 0) {
    const auto measured = BootstrapOverPeople(
        shared.people,
        [&](std::span<const std::uint32_t> times) {
          const std::vector<double> x = figures_of(rates_a, shared.right_a, times);
          const std::vector<double> y = figures_of(rates_b, shared.right_b, times);
          std::vector<double> differences(x.size());
          for (std::size_t f = 0; f < x.size(); ++f) differences[f] = difference(f, x[f], y[f]);
          return differences;
        },
        {options.resamples, options.seed, options.pool});
    for (std::size_t f = 0; measured && f < names.size(); ++f) {
      if ((*measured)[f].resamples >= options.resamples / 2)
        comparison.figures[f].interval = (*measured)[f].interval;
    }
  }
  for (PairedFigure& figure : comparison.figures) figure.verdict = VerdictOf(figure.interval);

  PairedFigure& accuracy = comparison.figures.front();
  for (std::size_t i = 0; i < shared.same.size(); ++i) {
    accuracy.only_a_right += shared.right_a[i] > shared.right_b[i];
    accuracy.only_b_right += shared.right_b[i] > shared.right_a[i];
  }
  accuracy.p_value = McNemarP(accuracy.only_a_right, accuracy.only_b_right);
  if (*accuracy.p_value >= 0.05) accuracy.verdict = Verdict::kSame;
  return comparison;
}

Result<double> ParseMaxDrop(std::string_view text) {
  std::string_view number = text;
  double unit = 1;
  for (const std::string_view suffix : {"pp", "%"}) {
    if (!number.ends_with(suffix)) continue;
    number.remove_suffix(suffix.size());
    unit = 0.01;
    break;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || !(value >= 0) ||
      value * unit > 1) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "--max-drop {}: want percentage points as 0.1pp, or a share as 0.001", text);
  }
  return value * unit;
}

Result<BaselineReport> CompareWithBaseline(const EvaluationReport& now,
                                           const EvaluationReport& baseline,
                                           const std::string& path, double max_drop) {
  if (now.dataset.sha256 != baseline.dataset.sha256) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: was measured on other data (sha256 {:.12}, now {:.12})", path,
                     baseline.dataset.sha256, now.dataset.sha256);
  }
  BaselineReport report;
  report.path = path;
  report.max_drop = max_drop;
  for (const ReportResult& result : now.results) {
    const ReportResult* before = Counterpart(result, baseline);
    if (before == nullptr) continue;
    const std::vector<GatedFigure> earlier = GatedFigures(*before);
    for (const GatedFigure& figure : GatedFigures(result)) {
      const auto found = std::find_if(earlier.begin(), earlier.end(),
                                      [&](const GatedFigure& e) { return e.name == figure.name; });
      if (found == earlier.end()) continue;
      BaselineFigure line;
      line.result = result.label;
      line.figure = figure.name;
      line.baseline = found->value;
      line.now = figure.value;
      line.drop =
          figure.smaller_is_better ? figure.value - found->value : found->value - figure.value;
      // A drop that is the allowed one but for rounding passes.
      line.passed = line.drop <= max_drop + 1e-12;
      report.passed = report.passed && line.passed;
      report.figures.push_back(std::move(line));
    }
  }
  if (report.figures.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: has no figure to compare with", path);
  }
  return report;
}

}  // namespace visavis
