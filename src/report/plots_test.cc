#include "report/plots.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/scratch_folder.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

EvaluationReport TwoResults() {
  EvaluationReport report;
  report.dataset.path = "broken \xff name <&>";
  for (std::size_t r = 0; r < 2; ++r) {
    std::mt19937 random(static_cast<unsigned>(r));
    std::normal_distribution<double> genuine(0.6, 0.1);
    std::normal_distribution<double> impostor(0.1, 0.1);
    std::vector<double> same(300);
    std::vector<double> different(300);
    for (double& s : same) s = genuine(random);
    for (double& s : different) s = impostor(random);
    const Result<Roc> roc = Roc::Create(same, different);
    EXPECT_TRUE(roc);
    ReportResult result;
    result.label = "model " + std::to_string(r);
    result.system = static_cast<std::int64_t>(r);
    VerificationReport& verification = result.verification.emplace();
    verification.genuine = verification.impostor = 300;
    for (const OperatingPoint& point : roc->Points()) {
      verification.curve.threshold.push_back(point.threshold);
      verification.curve.false_accepts.push_back(point.false_accepts);
      verification.curve.true_accepts.push_back(point.true_accepts);
    }
    verification.histogram.genuine.resize(50);
    verification.histogram.impostor.resize(50);
    verification.histogram.genuine[40] = verification.histogram.impostor[27] = 300;
    report.results.push_back(std::move(result));
    report.systems.push_back({});
  }
  return report;
}

TEST(Plots, AreWrittenAsSvgAndPng) {
  const ScratchFolder scratch;
  const std::string folder = scratch.path() + "/made/on/demand";
  const std::vector<NamedPlot> plots = PlotsOf(TwoResults());
  std::vector<std::string> names;
  for (const NamedPlot& plot : plots) names.push_back(plot.name);
  EXPECT_EQ(names, (std::vector<std::string>{"roc", "det", "histogram-1", "histogram-2"}));
  const Status written = WritePlots(FileSystem::Real(), folder, plots);
  ASSERT_TRUE(written) << written.error().message;
  for (const std::string& name : names) {
    const Result<DecodedImage> png = ReadImage(folder + "/" + name + ".png");
    ASSERT_TRUE(png) << png.error().message;
    EXPECT_EQ(png->image.width(), 1440);
    EXPECT_EQ(png->image.height(), 1080);
    const auto svg = FileSystem::Real().ReadFile(folder + "/" + name + ".svg", 1 << 22);
    ASSERT_TRUE(svg) << svg.error().message;
    const std::string text(svg->begin(), svg->end());
    EXPECT_NE(text.find("<svg"), std::string::npos);
    EXPECT_EQ(text.find("<&>"), std::string::npos);
  }
}

// The curve goes where the numbers say: at the pixel of a point of the ROC stands its colour.
TEST(Plots, CurvesLieWhereTheAxesSay) {
  Plot plot;
  plot.x = {"x", 1e-4, 1, /*logarithmic=*/true};
  plot.y = {"y", 0, 1};
  plot.series.push_back({"", {1e-2, 1e-2}, {0, 1}, {255, 0, 0}});
  const Result<std::vector<std::uint8_t>> png = SheetAsPng(PlotSheet(plot), 1);
  ASSERT_TRUE(png) << png.error().message;
  const Result<DecodedImage> image = DecodeImage(*png, "plot");
  ASSERT_TRUE(image) << image.error().message;
  // Half way between 1e-4 and 1 on a logarithmic axis; the frame spans x = 84..696.
  const std::uint8_t* pixel = image->image.row(270) + 390 * 3;
  EXPECT_GT(pixel[0], 200);
  EXPECT_LT(pixel[1], 60);
  EXPECT_DOUBLE_EQ(plot.x.Place(1e-2), 0.5);
}

TEST(Plots, NothingToDrawGivesNoPlots) {
  EXPECT_TRUE(PlotsOf({}).empty());
  EvaluationReport one_class = TwoResults();
  for (ReportResult& result : one_class.results) result.verification->impostor = 0;
  EXPECT_TRUE(PlotsOf(one_class).empty());
}

TEST(Plots, Reliability) {
  const std::vector<ReliabilityBin> bins = {{0.1, 0.12, 0.5, 100}, {0.9, 0.88, 0.5, 120}};
  ProbabilityMap map;
  map.slope = 20;
  map.intercept = -6;
  const std::vector<NamedPlot> plots = {ReliabilityPlot(bins, "held-out pairs"),
                                        ProbabilityPlot(map, -0.2, 0.9, 0.3, "logistic")};
  for (const NamedPlot& plot : plots) {
    EXPECT_TRUE(SheetAsSvg(PlotSheet(plot.plot)));
    EXPECT_TRUE(SheetAsPng(PlotSheet(plot.plot)));
  }
}

}  // namespace
}  // namespace visavis
