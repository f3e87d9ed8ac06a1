// Reports of verification and search, comparisons, and the JSON form.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "evaluate/compare_results.h"
#include "evaluate/evaluation.h"
#include "evaluate/pca.h"
#include "evaluate/report_json.h"

namespace visavis {
namespace {

// People of three images in 8 dimensions; every pair of neighbours.
struct Data {
  EvaluationSet set;
  SetEmbeddings embeddings;
};

Data MakeData(int people, float noise, unsigned seed) {
  constexpr std::size_t kDimension = 8;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Data data;
  data.embeddings.dimension = kDimension;
  for (int p = 0; p < people; ++p) {
    std::vector<float> centre(kDimension);
    for (float& v : centre) v = normal(random);
    for (int i = 0; i < 3; ++i) {
      data.set.images.push_back({fmt::format("p{}/{}.jpg", p, i), ""});
      data.set.people.push_back(p);
      for (const float v : centre) {
        data.embeddings.plain.push_back(v + noise * normal(random));
        data.embeddings.mirrored.push_back(v + noise * normal(random));
      }
    }
  }
  const auto image = [](int p, int i) { return static_cast<std::size_t>(3 * p + i); };
  for (int p = 0; p < people; ++p) {
    const int other = (p + 1) % people;
    for (int i = 0; i < 3; ++i) {
      data.set.pairs.push_back({image(p, i), image(p, (i + 1) % 3), true, p % 10, p % 2});
      data.set.pairs.push_back({image(p, i), image(other, i), false, p % 10, p % 2});
    }
  }
  data.set.cohorts = {"even", "odd"};
  data.set.facts.sha256 = "x";
  data.set.facts.kind = "folder";
  data.embeddings.usable.assign(data.set.images.size(), true);
  return data;
}

EvaluationOptions Options() {
  EvaluationOptions options;
  options.verification.resamples = 200;
  options.verification.fmrs = {0.1, 0.01, 1e-6};
  options.identify = true;
  return options;
}

Result<EvaluationReport> Evaluate(const Data& data, const EvaluationOptions& options,
                                  const std::vector<const SetEmbeddings*>& systems) {
  Evaluation evaluation(data.set, options);
  for (std::size_t s = 0; s < systems.size(); ++s) {
    SystemFacts facts;
    facts.label = fmt::format("system {}", s);
    if (const Status status = evaluation.AddSystem(facts, *systems[s]); !status)
      return status.error();
  }
  return evaluation.Finish();
}

TEST(Report, HoldsEveryPartAndSurvivesJson) {
  const Data data = MakeData(100, 0.4f, 1);
  EvaluationOptions options = Options();
  options.verification.pca = 4;
  const auto report = Evaluate(data, options, {&data.embeddings});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->results.size(), 2u);  // flip, plain
  EXPECT_EQ(report->results[0].label, "system 0, flip");
  const VerificationReport& verification = *report->results[0].verification;
  std::vector<std::string> names;
  for (const ProtocolResult& protocol : verification.protocols) names.push_back(protocol.protocol);
  EXPECT_EQ(names, (std::vector<std::string>{"k-fold", "k-fold-pca", "val@far", "neural-compressor",
                                             "omz", "fixed-threshold"}));
  EXPECT_EQ(verification.genuine, 300);
  EXPECT_TRUE(verification.points[1].supported);
  EXPECT_TRUE(verification.points[1].tar_people.has_value());
  EXPECT_FALSE(verification.points[2].supported);
  EXPECT_NE(verification.points[2].note.find("insufficient data"), std::string::npos);
  EXPECT_EQ(verification.cohorts.size(), 4u);  // two at each of two supported rates
  EXPECT_EQ(verification.worst_cohorts.size(), 4u);
  EXPECT_EQ(verification.false_accepts.size(), 20u);
  EXPECT_GE(verification.false_accepts[0].similarity, verification.false_accepts[1].similarity);
  EXPECT_EQ(std::accumulate(verification.histogram.genuine.begin(),
                            verification.histogram.genuine.end(), std::int64_t{0}),
            300);
  EXPECT_EQ(verification.curve.true_accepts.back(), 300);
  EXPECT_EQ(verification.curve.false_accepts.back(), 300);
  ASSERT_EQ(report->results[0].identification.size(), 1u);
  EXPECT_EQ(report->results[0].identification[0].gallery_subjects, 50);
  for (const ReportPair& pair : verification.false_accepts)
    EXPECT_NE(report->FindImage(pair.a), nullptr);

  const std::string json = ReportToJson(*report);
  const auto read = ParseReport(json, "r.json");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->results[0].verification->protocols[0].mean, verification.protocols[0].mean);
  EXPECT_EQ(read->results[0].verification->eer.value().value, verification.eer.value().value);

  const auto same = CompareWithBaseline(*report, *read, "r.json", 0);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->passed);
  EvaluationReport worse = *report;
  worse.results[0].verification->protocols[0].mean -= 0.002;
  const auto failed = CompareWithBaseline(worse, *read, "r.json", 0.001);
  ASSERT_TRUE(failed);
  EXPECT_FALSE(failed->passed);
  EXPECT_TRUE(CompareWithBaseline(worse, *read, "r.json", 0.0021)->passed);
  worse.dataset.sha256 = "y";
  EXPECT_FALSE(CompareWithBaseline(worse, *read, "r.json", 0.001));
}

TEST(Report, RefusesWhatIsNoReport) {
  EXPECT_EQ(ParseReport("", "r").error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(ParseReport("[1]", "r").error().code, ErrorCode::kCorruptData);
  EXPECT_EQ(ParseReport(R"({"format":"visavis-evaluation","version":1})", "r").error().code,
            ErrorCode::kCorruptData);
  EXPECT_EQ(ParseReport(R"({"format":"visavis-evaluation","version":9})", "r").error().code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(ParseReport(R"({"format":"visavis-evaluation","version":"1"})", "r").error().code,
            ErrorCode::kCorruptData);
  EXPECT_EQ(ParseReport(R"({"format":"x","format":"visavis-evaluation"})", "r").error().message,
            R"(r: key "format" is there twice)");
  EXPECT_EQ(ParseReport(std::string(100, '['), "r").error().code, ErrorCode::kLimitExceeded);
}

TEST(Report, FailuresAreDroppedRejectedOrErrors) {
  Data data = MakeData(50, 0.2f, 2);
  data.embeddings.usable[0] = false;  // in 2 genuine and 2 impostor pairs
  data.embeddings.failures.push_back({0, "no_face", "p0/0.jpg: no face found"});
  EvaluationOptions options = Options();
  options.identify = false;
  const auto dropped = Evaluate(data, options, {&data.embeddings});
  ASSERT_TRUE(dropped) << dropped.error().message;
  EXPECT_EQ(dropped->results[0].verification->genuine, 148);
  EXPECT_EQ(dropped->results[0].verification->impostor, 148);
  EXPECT_EQ(dropped->systems[0].failures.genuine_pairs, 2);
  EXPECT_EQ(dropped->systems[0].failures.no_face, 1);
  options.failures = FailurePolicy::kReject;
  const auto rejected = Evaluate(data, options, {&data.embeddings});
  ASSERT_TRUE(rejected);
  EXPECT_EQ(rejected->results[0].verification->genuine, 150);
  EXPECT_EQ(rejected->results[0].verification->rejected, 4);
  EXPECT_EQ(rejected->results[0].verification->false_rejects[0].a, 0);
  options.failures = FailurePolicy::kError;
  EXPECT_EQ(Evaluate(data, options, {&data.embeddings}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Report, OneClassHasAccuracyButNoCurve) {
  Data genuine = MakeData(20, 0.2f, 3);
  EvaluationOptions options = Options();
  options.identify = false;
  std::erase_if(genuine.set.pairs, [](const LabelledPair& pair) { return !pair.same; });
  const auto report = Evaluate(genuine, options, {&genuine.embeddings});
  ASSERT_TRUE(report) << report.error().message;
  const VerificationReport& verification = report->results[0].verification.value();
  EXPECT_GT(verification.genuine, 0);
  EXPECT_EQ(verification.impostor, 0);
  EXPECT_FALSE(verification.protocols.empty());
  EXPECT_FALSE(verification.eer || verification.auc);
  EXPECT_TRUE(verification.points.empty() && verification.curve.threshold.empty());
  EXPECT_TRUE(ParseReport(ReportToJson(*report), "r.json"));
}

TEST(Report, NoNumberIsAnError) {
  Data data = MakeData(20, 0.2f, 3);
  EvaluationOptions options = Options();
  options.identify = false;
  data.embeddings.plain[5] = std::numeric_limits<float>::quiet_NaN();
  const auto broken = Evaluate(data, options, {&data.embeddings});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kInvalidArgument);
}

TEST(Compare, TellsWorseFromSame) {
  const Data data = MakeData(200, 0.5f, 4);
  SetEmbeddings noisy = data.embeddings;
  std::mt19937 random(9);
  std::normal_distribution<float> noise(0, 1.2f);
  for (float& v : noisy.plain) v += noise(random);
  for (float& v : noisy.mirrored) v += noise(random);
  EvaluationOptions options = Options();
  options.identify = false;
  const auto report = Evaluate(data, options, {&data.embeddings, &noisy, &data.embeddings});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->comparisons.size(), 4u);  // two systems, two modes
  for (const ReportComparison& comparison : report->comparisons) {
    const bool is_noisy = report->results[static_cast<std::size_t>(comparison.b)].system == 1;
    for (const PairedFigure& figure : comparison.figures) {
      EXPECT_EQ(figure.verdict, is_noisy ? Verdict::kWorse : Verdict::kSame) << figure.figure;
      if (!is_noisy) {
        EXPECT_EQ(figure.difference, 0);
      }
    }
  }
}

TEST(McNemar, EqualsTheBinomialSum) {
  for (std::int64_t a = 0; a < 30; ++a) {
    for (std::int64_t b = 0; b < 30; ++b) {
      const std::int64_t n = a + b;
      double sum = 0;
      for (std::int64_t k = 0; k <= std::min(a, b); ++k) {
        sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0) -
                        static_cast<double>(n) * std::log(2.0));
      }
      EXPECT_NEAR(McNemarP(a, b), std::min(1.0, 2 * sum), 1e-10);
    }
  }
  EXPECT_EQ(McNemarP(0, 0), 1);
}

TEST(MaxDrop, InPointsOrAsShare) {
  EXPECT_DOUBLE_EQ(ParseMaxDrop("0.1pp").value(), 0.001);
  EXPECT_DOUBLE_EQ(ParseMaxDrop("0.1%").value(), 0.001);
  EXPECT_DOUBLE_EQ(ParseMaxDrop("0.001").value(), 0.001);
  for (const char* bad : {"", "pp", "-1pp", "nan", "2", "1e"})
    EXPECT_FALSE(ParseMaxDrop(bad)) << bad;
}

TEST(Pca, FindsTheDirectionsOfMostVariance) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> rows;
  for (int i = 0; i < 500; ++i) {
    const float along = 5 * normal(random);
    const float across = normal(random);
    rows.insert(rows.end(), {3 + along * 0.6f - across * 0.8f, along * 0.8f + across * 0.6f,
                             0.01f * normal(random)});
  }
  const auto pca = Pca::Fit({rows, 3}, 2);
  ASSERT_TRUE(pca) << pca.error().message;
  double variance[2] = {0, 0};
  for (std::size_t i = 0; i < 500; ++i) {
    const auto at = pca->Transform(std::span(rows).subspan(3 * i, 3));
    for (std::size_t c = 0; c < 2; ++c) variance[c] += at[c] * at[c] / 500.0;
  }
  EXPECT_NEAR(variance[0], 25, 3);
  EXPECT_NEAR(variance[1], 1, 0.15);
  EXPECT_FALSE(Pca::Fit({rows, 3}, 4));
}

TEST(ThinCurve, KeepsExactCountsAndNoLargeGap) {
  std::mt19937 random(2);
  std::normal_distribution<double> genuine(0.6, 0.15), impostor(0, 0.1);
  std::vector<double> g(20000), i(200000);
  for (double& v : g) v = genuine(random);
  for (double& v : i) v = impostor(random);
  const Roc roc = Roc::Create(g, i).value();
  const ReportCurve curve = ThinCurve(roc);
  EXPECT_LT(curve.threshold.size(), 4000u);
  for (std::size_t k = 0; k < curve.threshold.size(); ++k) {
    const OperatingPoint at = roc.At(curve.threshold[k]);
    EXPECT_EQ(curve.true_accepts[k], at.true_accepts);
    EXPECT_EQ(curve.false_accepts[k], at.false_accepts);
    if (k > 0) {
      EXPECT_LE(curve.false_accepts[k] - curve.false_accepts[k - 1], 1001);
    }
  }
}

}  // namespace
}  // namespace visavis
