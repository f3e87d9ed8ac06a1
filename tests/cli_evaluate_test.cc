// visavis evaluate and dataset pack-bin, as a user runs them on aligned crops of LFW.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/cli_fixture.h"

namespace visavis {
namespace {

using nlohmann::json;

class CliEvaluateTest : public CliTest {
 protected:
  void SetUp() override { VISAVIS_REQUIRE_SHARED("data/lfw/pairs.txt"); }

  // The 600 pairs of fold 1; embeddings come from the cache after the first test.
  ProgramResult EvaluateFold(std::vector<std::string> more) const {
    more.insert(more.begin(),
                {"evaluate", SharedPath("data/lfw/aligned"), "--pairs",
                 SharedPath("data/lfw/pairs.txt"), "--only-folds", "1", "--resamples", "100"});
    return Run(more);
  }
  static const json& Protocol(const json& result, const std::string& name) {
    for (const json& protocol : result["verification"]["protocols"]) {
      if (protocol["protocol"] == name) return protocol;
    }
    ADD_FAILURE() << "no " << name << " in " << result.dump(1).substr(0, 2000);
    return result;
  }
};

TEST_F(CliEvaluateTest, FiguresOfAFoldBothModes) {
  const ProgramResult run = EvaluateFold({"--json", "--pairs-out", Path("pairs.csv")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(run.out);
  EXPECT_EQ(report["dataset"]["genuine"], 300);
  EXPECT_EQ(report["dataset"]["impostor"], 300);
  EXPECT_EQ(report["systems"][0]["failures"]["no_face"], 0);
  ASSERT_EQ(report["results"].size(), 2u);
  EXPECT_EQ(report["results"][0]["flip"], true);
  EXPECT_EQ(report["results"][1]["flip"], false);
  for (const json& result : report["results"]) {
    const json& fold = Protocol(result, "k-fold");
    EXPECT_GT(fold["mean"], 0.985);
    EXPECT_LE(fold["interval"][0], fold["mean"]);
    EXPECT_GE(fold["interval"][1], fold["mean"]);
    // A single fold has neither a spread nor others to take its threshold from.
    EXPECT_TRUE(fold["deviation"].is_null());
    EXPECT_NE(fold["rule"].get<std::string>().find("tuned on the test pairs"), std::string::npos);
    const json& verification = result["verification"];
    const std::int64_t wrong = verification["wrong_false_accepts"].get<std::int64_t>() +
                               verification["wrong_false_rejects"].get<std::int64_t>();
    EXPECT_EQ(fold["folds"][0]["correct"], 600 - wrong);
    for (const json& point : verification["points"]) {
      EXPECT_EQ(point["supported"], point["target_fmr"] >= 0.01) << point;
    }
  }
  const std::string pairs = ReadText(Path("pairs.csv"));
  EXPECT_EQ(std::count(pairs.begin(), pairs.end(), '\n'), 601);
}

TEST_F(CliEvaluateTest, SomeFoldsKeepTheirNumbers) {
  const ProgramResult run = Run({"evaluate", SharedPath("data/lfw"), "--only-folds", "1,3",
                                 "--no-flip", "--resamples", "0", "--json"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(run.out);
  const json& folds = Protocol(report["results"][0], "k-fold")["folds"];
  ASSERT_EQ(folds.size(), 2u);
  EXPECT_EQ(folds[0]["fold"], 1);
  EXPECT_EQ(folds[1]["fold"], 3);
}

TEST_F(CliEvaluateTest, PackedPairsScoreAsTheFolderDoes) {
  const ProgramResult packed =
      Run({"dataset", "pack-bin", SharedPath("data/lfw/aligned"), "--pairs",
           SharedPath("data/lfw/pairs.txt"), "--only-folds", "1", "-o", Path("fold.bin")});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  const std::vector<std::string> options = {"--json", "--no-flip", "--folds", "10"};
  const ProgramResult folder = EvaluateFold(options);
  const ProgramResult bin = Run(
      {"evaluate", Path("fold.bin"), "--json", "--no-flip", "--folds", "10", "--resamples", "0"});
  ASSERT_EQ(folder.exit_code, 0) << folder.err;
  ASSERT_EQ(bin.exit_code, 0) << bin.err;
  const json a = json::parse(folder.out)["results"][0];
  const json b = json::parse(bin.out)["results"][0];
  EXPECT_EQ(a["verification"]["protocols"], b["verification"]["protocols"]);
  EXPECT_EQ(a["verification"]["curve"], b["verification"]["curve"]);
  EXPECT_EQ(a["verification"]["auc"]["value"], b["verification"]["auc"]["value"]);
}

TEST_F(CliEvaluateTest, PairsOfOneClassScoreWithAWarning) {
  VISAVIS_REQUIRE_SHARED("data/bin/small_lfw.bin");
  const ProgramResult run = Run({"evaluate", SharedPath("data/bin/small_lfw.bin"), "--json",
                                 "--report", Path("one.html"), "--plots", Path("plots")});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(run.out);
  EXPECT_EQ(report["dataset"]["genuine"], 10);
  EXPECT_EQ(report["dataset"]["impostor"], 0);
  EXPECT_NE(report["warnings"].dump().find("no pairs of different people"), std::string::npos);
  const json& fixed = Protocol(report["results"][0], "fixed-threshold");
  EXPECT_EQ(fixed["tar"], 1.0);
  EXPECT_TRUE(fixed["fmr"].is_null());
  EXPECT_TRUE(report["results"][0]["verification"]["eer"].is_null());
  EXPECT_TRUE(std::filesystem::exists(Path("one.html")));
}

TEST_F(CliEvaluateTest, BaselineDecidesTheExitCode) {
  const ProgramResult first = EvaluateFold({"--no-flip", "--json"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  WriteText(Path("base.json"), first.out);
  EXPECT_EQ(EvaluateFold({"--no-flip", "--baseline", Path("base.json")}).exit_code, 0);

  json better = json::parse(first.out);
  for (json& protocol : better["results"][0]["verification"]["protocols"]) {
    if (protocol["protocol"] == "k-fold") protocol["mean"] = protocol["mean"].get<double>() + 0.002;
  }
  WriteText(Path("better.json"), better.dump());
  const ProgramResult worse =
      EvaluateFold({"--no-flip", "--baseline", Path("better.json"), "--max-drop", "0.1pp"});
  EXPECT_EQ(worse.exit_code, 1) << worse.err;
  EXPECT_NE(worse.out.find("FAILED mobilefacenet-arcface k-fold"), std::string::npos) << worse.out;
  EXPECT_EQ(EvaluateFold({"--no-flip", "--baseline", Path("better.json"), "--max-drop", "0.3pp"})
                .exit_code,
            0);
  WriteText(Path("other.json"), "{}");
  ExpectOneLineError(EvaluateFold({"--baseline", Path("other.json")}), 4, "no evaluation report");
  ExpectOneLineError(EvaluateFold({"--baseline", Path("absent.json")}), 3, "absent.json");
}

TEST_F(CliEvaluateTest, ComparesPrecisionsAndWritesAPageThatNeedsNoNetwork) {
  const ProgramResult run = EvaluateFold({"--no-flip", "--precision", "fp32,bf16", "--json",
                                          "--report", Path("page.html"), "--plots", Path("plots")});
  if (run.exit_code != 0 && run.err.find("bf16") != std::string::npos) {
    GTEST_SKIP() << "SKIPPED: " << run.err;
  }
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const json report = json::parse(run.out);
  ASSERT_EQ(report["comparisons"].size(), 1u);
  std::set<std::string> figures;
  for (const json& figure : report["comparisons"][0]["figures"]) {
    figures.insert(figure["figure"]);
    EXPECT_EQ(figure["verdict"], "same") << figure;
  }
  EXPECT_TRUE(figures.contains("accuracy") && figures.contains("eer") && figures.contains("auc"));
  for (const char* plot : {"roc.svg", "roc.png", "det.svg", "det.png", "histogram-1.svg"}) {
    EXPECT_TRUE(Files("plots").contains(plot)) << plot;
  }
  const std::string page = ReadText(Path("page.html"));
  EXPECT_TRUE(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
  for (const char* outside : {"src=\"http", "href=\"http", "src=\"//", "@import", "url(http"}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
  EXPECT_NE(page.find("data:image/jpeg;base64,"), std::string::npos) << "crops of the worst pairs";
}

}  // namespace
}  // namespace visavis
