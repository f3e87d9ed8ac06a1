#include "report/page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "evaluate/report_json.h"

namespace visavis {
namespace {

constexpr char kHostile[] = "</script><img src=x onerror=alert(1)>&\u2028\xff.jpg";

EvaluationReport HostileReport() {
  EvaluationReport report;
  report.dataset.path = kHostile;
  report.run.command = kHostile;
  report.systems.push_back({});
  report.systems.back().label = kHostile;
  ReportResult result;
  result.label = kHostile;
  result.verification.emplace();
  for (std::int64_t i = 0; i < 10; ++i) {
    result.verification->false_accepts.push_back({i, 2 * i, 2 * i + 1});
    report.images.push_back({2 * i, kHostile, kHostile});
  }
  report.results.push_back(std::move(result));
  return report;
}

TEST(Page, TextsOfTheReportAreDataAndNeverMarkup) {
  const EvaluationReport report = HostileReport();
  const std::vector<ReportCrop> crops = {{0, {1, 2, 3}}};
  const Result<std::string> page = ReportPage(report, crops);
  if (!HasReportPage()) {
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(page.error().message.find("npm"), std::string::npos) << page.error().message;
    GTEST_SKIP() << "this build has no report page";
  }
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->find("<img"), std::string::npos);
  EXPECT_EQ(page->find("onerror=alert(1)>"), std::string::npos);
  EXPECT_EQ(page->find("@DATA@"), std::string::npos);
  // The data come back as they were.
  const std::string open = R"(<script type="application/json" id="data">)";
  const std::size_t begin = page->find(open) + open.size();
  const std::size_t end = page->find("</script>", begin);
  const nlohmann::json data = nlohmann::json::parse(page->substr(begin, end - begin));
  EXPECT_EQ(data["report"], nlohmann::json::parse(ReportToJson(report)));
  EXPECT_EQ(data["crops"]["0"], "data:image/jpeg;base64,AQID");
}

TEST(Page, LoadsNothing) {
  if (!HasReportPage()) GTEST_SKIP() << "this build has no report page";
  const Result<std::string> page = ReportPage({}, {});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_NE(page->find("default-src 'none'; script-src 'sha256-"), std::string::npos);
  for (const char* loader : {"<script src", "<link rel=\"stylesheet", "@import", "url(http"}) {
    EXPECT_EQ(page->find(loader), std::string::npos) << loader;
  }
}

TEST(Crops, AreBoundedAndComeWorstPairsFirst) {
  const EvaluationReport report = HostileReport();
  std::vector<std::int64_t> asked;
  const CropSource source = [&](std::int64_t image) -> Result<Image> {
    asked.push_back(image);
    if (image == 1) return Image();
    if (image == 2) return Error{ErrorCode::kIo, "gone"};
    return Image(300, 200);
  };
  const std::vector<ReportCrop> crops = CropsOf(report, source, {.images = 3});
  ASSERT_EQ(crops.size(), 3u);
  EXPECT_EQ(crops[0].image, 0);
  EXPECT_EQ(crops[1].image, 3);
  EXPECT_EQ(crops[2].image, 4);
  EXPECT_EQ(asked, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));

  const std::size_t bytes = crops[0].jpeg.size();
  EXPECT_EQ(CropsOf(report, source, {.bytes = 2 * bytes + 1}).size(), 2u);
}

}  // namespace
}  // namespace visavis
