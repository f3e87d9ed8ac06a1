#include "report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr Colour kGenuine{21, 115, 182};
constexpr Colour kImpostor{204, 90, 16};
constexpr Colour kDiagonal{91, 98, 107};

/// A result with pairs of both classes.
struct Drawn {
  std::size_t index = 0;
  const ReportResult* result = nullptr;
  const VerificationReport& verification() const { return *result->verification; }
};

std::vector<Drawn> ResultsWithCurves(const EvaluationReport& report) {
  std::vector<Drawn> drawn;
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    const auto& verification = report.results[i].verification;
    if (verification && verification->genuine > 0 && verification->impostor > 0) {
      drawn.push_back({i, &report.results[i]});
    }
  }
  return drawn;
}

std::string DatasetLine(const EvaluationReport& report) {
  return OneLine(fmt::format("{}: {} same-person pairs, {} of different people",
                             report.dataset.path, report.dataset.genuine, report.dataset.impostor));
}

Axis FmrAxis(const std::vector<Drawn>& results) {
  std::int64_t most = 1;
  for (const Drawn& drawn : results) most = std::max(most, drawn.verification().impostor);
  const double low = std::pow(10.0, std::floor(std::log10(1.0 / static_cast<double>(most)) + 1e-9));
  return {"False match rate (log scale)", std::min(low, 0.1), 1, /*logarithmic=*/true};
}

/// The rule of three: below this FMR the largest set cannot tell it from 0.
double LowestSupportedFmr(const std::vector<Drawn>& results) {
  std::int64_t most = 1;
  for (const Drawn& drawn : results) most = std::max(most, drawn.verification().impostor);
  return 3.0 / static_cast<double>(most);
}

Series CurveOf(const Drawn& drawn, bool det) {
  const VerificationReport& verification = drawn.verification();
  Series series;
  series.label = OneLine(drawn.result->label);
  series.colour = SeriesColour(drawn.index);
  series.dashes = SeriesDashes(drawn.index);
  series.style = Series::Style::kSteps;
  for (std::size_t i = 0; i < verification.curve.threshold.size(); ++i) {
    const double fmr = static_cast<double>(verification.curve.false_accepts[i]) /
                       static_cast<double>(verification.impostor);
    const double tar = static_cast<double>(verification.curve.true_accepts[i]) /
                       static_cast<double>(verification.genuine);
    // Neither 0 has a place on a logarithmic axis.
    if (fmr == 0 || (det && tar == 1)) continue;
    series.x.push_back(fmr);
    series.y.push_back(det ? 1 - tar : tar);
  }
  return series;
}

NamedPlot RocPlot(const EvaluationReport& report, const std::vector<Drawn>& results) {
  Plot plot;
  plot.title = "ROC";
  plot.subtitle = DatasetLine(report);
  plot.x = FmrAxis(results);
  plot.unsupported_below = LowestSupportedFmr(results);
  double lowest = 0.99;
  for (const Drawn& drawn : results) {
    plot.series.push_back(CurveOf(drawn, /*det=*/false));
    if (!plot.series.back().y.empty()) lowest = std::min(lowest, plot.series.back().y.front());
  }
  const double step = lowest > 0.9 ? 0.02 : 0.1;
  plot.y = {"True accept rate", std::max(0.0, std::floor(lowest / step - 0.25) * step), 1, false,
            /*percent=*/true};
  return {"roc", std::move(plot)};
}

NamedPlot DetPlot(const EvaluationReport& report, const std::vector<Drawn>& results) {
  Plot plot;
  plot.title = "DET";
  plot.subtitle = DatasetLine(report);
  plot.x = FmrAxis(results);
  plot.unsupported_below = LowestSupportedFmr(results);
  double lowest = 0.1;
  double highest = 0.01;
  for (const Drawn& drawn : results) {
    plot.series.push_back(CurveOf(drawn, /*det=*/true));
    for (const double fnmr : plot.series.back().y) {
      lowest = std::min(lowest, fnmr);
      highest = std::max(highest, fnmr);
    }
  }
  const double low = std::pow(10.0, std::floor(std::log10(lowest) + 1e-9));
  const double high = std::max(low * 10, std::pow(10.0, std::ceil(std::log10(highest) - 1e-9)));
  plot.y = {"False non-match rate (log scale)", low, high, /*logarithmic=*/true};
  const double first = std::max(low, plot.x.low);
  const double last = std::min(high, 1.0);
  if (first < last) {
    plot.series.push_back(
        {"FMR = FNMR", {first, last}, {first, last}, kDiagonal, {1, 4}, Series::Style::kLine, 1});
  }
  plot.legend = LegendPlace::kTopRight;
  return {"det", std::move(plot)};
}

std::vector<double> Shares(const std::vector<std::int64_t>& counts, std::int64_t total) {
  std::vector<double> shares;
  for (const std::int64_t count : counts) {
    shares.push_back(static_cast<double>(count) / static_cast<double>(total));
  }
  return shares;
}

NamedPlot HistogramPlot(const EvaluationReport& report, const Drawn& drawn, std::string name) {
  const VerificationReport& verification = drawn.verification();
  const ReportHistogram& histogram = verification.histogram;
  const std::size_t bins = histogram.genuine.size();
  Plot plot;
  plot.title = "Similarities: " + OneLine(drawn.result->label);
  plot.subtitle = DatasetLine(report);
  std::vector<double> edges;
  for (std::size_t i = 0; i <= bins; ++i) {
    edges.push_back(histogram.low + (histogram.high - histogram.low) * static_cast<double>(i) /
                                        static_cast<double>(bins));
  }
  double low = histogram.high;
  double high = histogram.low;
  for (std::size_t i = 0; i < bins; ++i) {
    if (histogram.genuine[i] + histogram.impostor[i] == 0) continue;
    low = std::min(low, edges[i]);
    high = std::max(high, edges[i + 1]);
  }
  if (low >= high) {
    low = histogram.low;
    high = histogram.high;
  }
  plot.x = {"Similarity (cosine)", std::floor(low * 20) / 20, std::ceil(high * 20) / 20};
  plot.bars.push_back({fmt::format("different people ({} pairs)", verification.impostor), edges,
                       Shares(histogram.impostor, verification.impostor), kImpostor});
  plot.bars.push_back({fmt::format("same person ({} pairs)", verification.genuine), edges,
                       Shares(histogram.genuine, verification.genuine), kGenuine});
  double most = 1e-6;
  for (const Bars& bars : plot.bars) {
    for (const double height : bars.heights) most = std::max(most, height);
  }
  plot.y = {"Share of the class", 0, most * 1.15, false, /*percent=*/true};
  const Threshold& own = report.systems[static_cast<std::size_t>(drawn.result->system)].threshold;
  plot.mark = own.similarity;
  plot.mark_label = fmt::format("own threshold {:.3f}", own.similarity);
  plot.legend = LegendPlace::kTopLeft;
  return {std::move(name), std::move(plot)};
}

std::optional<NamedPlot> CmcPlot(const EvaluationReport& report) {
  Plot plot;
  plot.title = "CMC";
  plot.subtitle = OneLine(report.dataset.path);
  double lowest = 0.98;
  double ranks = 2;
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    for (const IdentificationReport& search : report.results[i].identification) {
      if (search.cmc.size() < 2) continue;
      const std::size_t k = plot.series.size();
      Series series{OneLine(report.results[i].label + ", " + search.name), {}, {}, SeriesColour(k)};
      series.dashes = SeriesDashes(k);
      for (std::size_t rank = 0; rank < search.cmc.size(); ++rank) {
        series.x.push_back(static_cast<double>(rank + 1));
        series.y.push_back(search.cmc[rank]);
        lowest = std::min(lowest, search.cmc[rank]);
      }
      ranks = std::max(ranks, series.x.back());
      plot.series.push_back(std::move(series));
    }
  }
  if (plot.series.empty()) return std::nullopt;
  plot.x = {"Rank", 1, ranks};
  plot.y = {"Mated probes within the rank", std::max(0.0, std::floor(lowest * 20 - 0.2) / 20), 1,
            false, /*percent=*/true};
  return NamedPlot{"cmc", std::move(plot)};
}

}  // namespace

std::vector<NamedPlot> PlotsOf(const EvaluationReport& report) {
  std::vector<NamedPlot> plots;
  const std::vector<Drawn> results = ResultsWithCurves(report);
  if (!results.empty()) {
    plots.push_back(RocPlot(report, results));
    plots.push_back(DetPlot(report, results));
  }
  for (const Drawn& drawn : results) {
    plots.push_back(HistogramPlot(
        report, drawn,
        results.size() == 1 ? "histogram" : fmt::format("histogram-{}", drawn.index + 1)));
  }
  if (std::optional<NamedPlot> cmc = CmcPlot(report)) plots.push_back(*std::move(cmc));
  return plots;
}

NamedPlot ReliabilityPlot(std::span<const ReliabilityBin> bins, std::string subtitle) {
  Plot plot;
  plot.title = "Reliability";
  plot.subtitle = std::move(subtitle);
  plot.x = {"Probability that the map gave", 0, 1, false, /*percent=*/true};
  plot.y = {"Share that were the same person", 0, 1, false, /*percent=*/true};
  plot.series.push_back(
      {"exactly right", {0, 1}, {0, 1}, kDiagonal, {1, 4}, Series::Style::kLine, 1});
  Series dots{"groups of pairs", {}, {}, SeriesColour(0), {}, Series::Style::kDots};
  for (const ReliabilityBin& bin : bins) {
    dots.x.push_back(bin.mean_probability);
    dots.y.push_back(bin.observed);
  }
  plot.series.push_back(std::move(dots));
  plot.legend = LegendPlace::kTopLeft;
  return {"reliability", std::move(plot)};
}

NamedPlot ProbabilityPlot(const ProbabilityMap& map, double low, double high, double threshold,
                          std::string subtitle) {
  Plot plot;
  plot.title = "Probability of being the same person";
  plot.subtitle = std::move(subtitle);
  plot.x = {"Similarity (cosine)", std::floor(low * 20) / 20, std::ceil(high * 20) / 20};
  plot.y = {"Probability", 0, 1, false, /*percent=*/true};
  Series curve;
  curve.colour = SeriesColour(0);
  constexpr int kPoints = 400;
  for (int i = 0; i <= kPoints; ++i) {
    curve.x.push_back(plot.x.low + (plot.x.high - plot.x.low) * i / kPoints);
    curve.y.push_back(map.At(curve.x.back()));
  }
  plot.series.push_back(std::move(curve));
  plot.mark = threshold;
  plot.mark_label = fmt::format("threshold {:.3f}", threshold);
  return {"probability", std::move(plot)};
}

Status WritePlots(FileSystem& fs, const std::string& folder, std::span<const NamedPlot> plots) {
  VISAVIS_RETURN_IF_ERROR(fs.CreateDirectories(folder));
  for (const NamedPlot& named : plots) {
    const Sheet sheet = PlotSheet(named.plot);
    const std::string stem = folder + "/" + named.name;
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> svg, SheetAsSvg(sheet));
    VISAVIS_RETURN_IF_ERROR(WriteFileAtomically(fs, stem + ".svg", svg));
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> png, SheetAsPng(sheet));
    VISAVIS_RETURN_IF_ERROR(WriteFileAtomically(fs, stem + ".png", png));
  }
  return {};
}

}  // namespace visavis
