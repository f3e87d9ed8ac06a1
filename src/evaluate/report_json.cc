#include "evaluate/report_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/try.h"
#include "json/parse.h"

namespace visavis {
namespace {

using Json = nlohmann::ordered_json;

// Images and curves of a large set.
constexpr JsonLimits kJsonLimits{.bytes = std::size_t{1} << 30, .depth = 32};

Json AsJson(const Interval& interval) { return {interval.low, interval.high}; }

template <typename T>
Json OrNull(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_same_v<T, Interval>) {
    return AsJson(*value);
  } else {
    return *value;
  }
}

Json AsJson(const Measured& measured) {
  return {{"value", measured.value},
          {"interval", OrNull(measured.interval)},
          {"method", measured.method}};
}

// Declared ahead: List is a template and finds only what stands before it.
Json AsJson(const ReportFailure&);
Json AsJson(const ReportFold&);
Json AsJson(const ProtocolResult&);
Json AsJson(const ReportPoint&);
Json AsJson(const ReportCohort&);
Json AsJson(const ReportPair&);
Json AsJson(const IdentificationTarget&);
Json AsJson(const IdentificationReport&);
Json AsJson(const SystemFacts&);
Json AsJson(const ReportResult&);
Json AsJson(const ReportImage&);
Json AsJson(const PairedFigure&);
Json AsJson(const ReportComparison&);
Json AsJson(const BaselineFigure&);

template <typename T>
Json List(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(AsJson(value));
  return list;
}

Json AsJson(const RunFacts& run) {
  return {{"visavis", run.visavis},
          {"command", run.command},
          {"started", run.started},
          {"seconds", run.seconds},
          {"machine", {{"cpu", run.cpu}, {"cores", run.cores}, {"isa", run.isa}}},
          {"threads", run.threads},
          {"seed", run.seed},
          {"resamples", run.resamples}};
}

Json AsJson(const DatasetFacts& dataset) {
  return {{"path", dataset.path},         {"kind", dataset.kind},
          {"sha256", dataset.sha256},     {"input", dataset.input},
          {"images", dataset.images},     {"people", dataset.people},
          {"pairs", dataset.pairs},       {"genuine", dataset.genuine},
          {"impostor", dataset.impostor}, {"pair_choice", dataset.pair_choice}};
}

Json AsJson(const ReportFailure& failure) {
  return {{"image", failure.image}, {"code", failure.code}, {"message", failure.message}};
}

Json AsJson(const FailureFacts& failures) {
  return {{"policy", failures.policy},
          {"images", failures.images},
          {"no_face", failures.no_face},
          {"unreadable", failures.unreadable},
          {"failure_to_acquire", AsJson(failures.failure_to_acquire)},
          {"genuine_pairs", failures.genuine_pairs},
          {"impostor_pairs", failures.impostor_pairs},
          {"list", List(failures.list)}};
}

Json AsJson(const SystemFacts& system) {
  return {{"name", system.name},
          {"label", system.label},
          {"sha256", system.sha256},
          {"contract", system.contract},
          {"precision", system.precision},
          {"detector", system.detector},
          {"dimension", system.dimension},
          {"threshold",
           {{"similarity", system.threshold.similarity}, {"origin", system.threshold.origin}}},
          {"embedding",
           {{"computed", system.computed},
            {"from_cache", system.from_cache},
            {"seconds", system.seconds}}},
          {"failures", AsJson(system.failures)}};
}

Json AsJson(const ReportFold& fold) {
  return {
      {"fold", fold.fold},           {"pairs", fold.pairs},           {"correct", fold.correct},
      {"threshold", fold.threshold}, {"similarity", fold.similarity}, {"accuracy", fold.accuracy}};
}

Json AsJson(const ProtocolResult& result) {
  return {{"protocol", result.protocol},
          {"rule", result.rule},
          {"mean", result.mean},
          {"deviation", OrNull(result.deviation)},
          {"far", OrNull(result.far)},
          {"similarity", OrNull(result.similarity)},
          {"tar", OrNull(result.tar)},
          {"fmr", OrNull(result.fmr)},
          {"interval", OrNull(result.interval)},
          {"folds", List(result.folds)}};
}

Json AsJson(const ReportPoint& point) {
  return {{"target_fmr", point.target_fmr},
          {"threshold", point.threshold},
          {"false_accepts", point.false_accepts},
          {"true_accepts", point.true_accepts},
          {"fmr", AsJson(point.fmr)},
          {"tar", AsJson(point.tar)},
          {"tar_people", OrNull(point.tar_people)},
          {"tar_upper", OrNull(point.tar_upper)},
          {"supported", point.supported},
          {"note", point.note}};
}

Json AsJson(const ReportCohort& cohort) {
  return {{"name", cohort.name},           {"genuine", cohort.genuine},
          {"impostor", cohort.impostor},   {"target_fmr", cohort.target_fmr},
          {"threshold", cohort.threshold}, {"fmr", AsJson(cohort.fmr)},
          {"tar", AsJson(cohort.tar)}};
}

Json AsJson(const ReportPair& pair) {
  return {{"pair", pair.pair},
          {"a", pair.a},
          {"b", pair.b},
          {"fold", pair.fold},
          {"similarity", pair.similarity},
          {"threshold", pair.threshold},
          {"wrong", pair.wrong}};
}

Json AsJson(const VerificationReport& report) {
  return {{"genuine", report.genuine},
          {"impostor", report.impostor},
          {"rejected", report.rejected},
          {"protocols", List(report.protocols)},
          {"points", List(report.points)},
          {"eer", report.eer ? AsJson(*report.eer) : Json()},
          {"auc", report.auc ? AsJson(*report.auc) : Json()},
          {"curve",
           {{"threshold", report.curve.threshold},
            {"false_accepts", report.curve.false_accepts},
            {"true_accepts", report.curve.true_accepts}}},
          {"histogram",
           {{"low", report.histogram.low},
            {"high", report.histogram.high},
            {"genuine", report.histogram.genuine},
            {"impostor", report.histogram.impostor}}},
          {"cohorts", List(report.cohorts)},
          {"worst_cohorts", report.worst_cohorts},
          {"false_accepts", List(report.false_accepts)},
          {"false_rejects", List(report.false_rejects)},
          {"wrong_false_accepts", report.wrong_false_accepts},
          {"wrong_false_rejects", report.wrong_false_rejects}};
}

Json AsJson(const IdentificationTarget& target) {
  return {{"target_fpir", target.target_fpir}, {"threshold", target.threshold},
          {"fpir", AsJson(target.fpir)},       {"tpir", AsJson(target.tpir)},
          {"supported", target.supported},     {"note", target.note}};
}

Json AsJson(const IdentificationReport& report) {
  return {{"name", report.name},
          {"rule", report.rule},
          {"gallery_subjects", report.gallery_subjects},
          {"gallery_entries", report.gallery_entries},
          {"mated", report.mated},
          {"non_mated", report.non_mated},
          {"draws", report.draws},
          {"cmc", report.cmc},
          {"rank1", AsJson(report.rank1)},
          {"targets", List(report.targets)}};
}

Json AsJson(const ReportResult& result) {
  return {{"label", result.label},
          {"system", result.system},
          {"flip", result.flip},
          {"pca", result.pca},
          {"mean_norm", result.mean_norm},
          {"verification", result.verification ? AsJson(*result.verification) : Json(nullptr)},
          {"identification", List(result.identification)}};
}

Json AsJson(const ReportImage& image) {
  return {{"index", image.index}, {"name", image.name}, {"path", image.path}};
}

const char* Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kWorse:
      return "worse";
    case Verdict::kSame:
      return "same";
    case Verdict::kBetter:
      return "better";
  }
  return "same";
}

Json AsJson(const PairedFigure& figure) {
  return {{"figure", figure.figure},
          {"a", figure.a},
          {"b", figure.b},
          {"difference", figure.difference},
          {"interval", OrNull(figure.interval)},
          {"p_value", OrNull(figure.p_value)},
          {"only_a_right", figure.only_a_right},
          {"only_b_right", figure.only_b_right},
          {"verdict", Name(figure.verdict)}};
}

Json AsJson(const ReportComparison& comparison) {
  return {{"a", comparison.a},
          {"b", comparison.b},
          {"pairs", comparison.pairs},
          {"figures", List(comparison.figures)}};
}

Json AsJson(const BaselineFigure& figure) {
  return {{"result", figure.result}, {"figure", figure.figure}, {"baseline", figure.baseline},
          {"now", figure.now},       {"drop", figure.drop},     {"passed", figure.passed}};
}

Json AsJson(const BaselineReport& baseline) {
  return {{"path", baseline.path},
          {"max_drop", baseline.max_drop},
          {"passed", baseline.passed},
          {"figures", List(baseline.figures)}};
}

// --- reading ----------------------------------------------------------------------------------
// The library throws on a wrong type; ParseReport is where that ends.

Measured MeasuredFrom(const Json& json) { return {json.at("value").get<double>(), {}, {}}; }

VerificationReport VerificationFrom(const Json& json) {
  VerificationReport report;
  report.genuine = json.at("genuine").get<std::int64_t>();
  report.impostor = json.at("impostor").get<std::int64_t>();
  for (const Json& entry : json.at("protocols")) {
    ProtocolResult result;
    result.protocol = entry.at("protocol").get<std::string>();
    result.rule = entry.at("rule").get<std::string>();
    result.mean = entry.at("mean").get<double>();
    report.protocols.push_back(std::move(result));
  }
  for (const Json& entry : json.at("points")) {
    ReportPoint point;
    point.target_fmr = entry.at("target_fmr").get<double>();
    point.tar = MeasuredFrom(entry.at("tar"));
    point.fmr = MeasuredFrom(entry.at("fmr"));
    point.supported = entry.at("supported").get<bool>();
    report.points.push_back(std::move(point));
  }
  if (!json.at("eer").is_null()) report.eer = MeasuredFrom(json.at("eer"));
  if (!json.at("auc").is_null()) report.auc = MeasuredFrom(json.at("auc"));
  return report;
}

ReportResult ResultFrom(const Json& json) {
  ReportResult result;
  result.label = json.at("label").get<std::string>();
  if (!json.at("verification").is_null())
    result.verification = VerificationFrom(json.at("verification"));
  for (const Json& entry : json.at("identification")) {
    IdentificationReport search;
    search.name = entry.at("name").get<std::string>();
    search.rank1 = MeasuredFrom(entry.at("rank1"));
    for (const Json& target : entry.at("targets")) {
      IdentificationTarget read;
      read.target_fpir = target.at("target_fpir").get<double>();
      read.tpir = MeasuredFrom(target.at("tpir"));
      read.supported = target.at("supported").get<bool>();
      search.targets.push_back(std::move(read));
    }
    result.identification.push_back(std::move(search));
  }
  return result;
}

EvaluationReport ReportFrom(const Json& json) {
  EvaluationReport report;
  report.dataset.sha256 = json.at("dataset").at("sha256").get<std::string>();
  for (const Json& entry : json.at("results")) report.results.push_back(ResultFrom(entry));
  return report;
}

}  // namespace

const ReportImage* EvaluationReport::FindImage(std::int64_t index) const {
  const auto at = std::lower_bound(
      images.begin(), images.end(), index,
      [](const ReportImage& image, std::int64_t wanted) { return image.index < wanted; });
  return at != images.end() && at->index == index ? &*at : nullptr;
}

std::string ReportToJson(const EvaluationReport& report) {
  const Json json = {{"format", kReportFormat},
                     {"version", kReportVersion},
                     {"run", AsJson(report.run)},
                     {"dataset", AsJson(report.dataset)},
                     {"systems", List(report.systems)},
                     {"results", List(report.results)},
                     {"images", List(report.images)},
                     {"comparisons", List(report.comparisons)},
                     {"baseline", report.baseline ? AsJson(*report.baseline) : Json(nullptr)},
                     {"pairs_file", report.pairs_file},
                     {"warnings", report.warnings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

Result<EvaluationReport> ParseReport(std::string_view text, const std::string& name) {
  VISAVIS_ASSIGN_OR_RETURN(const Json json, ParseJson<Json>(text, name, kJsonLimits));
  if (!json.is_object() || json.value("format", Json()) != kReportFormat) {
    return MakeError(ErrorCode::kCorruptData, "{}: is no evaluation report", name);
  }
  const Json version = json.value("version", Json());
  if (!version.is_number_integer() || version < 1) {
    return MakeError(ErrorCode::kCorruptData, "{}: has no version", name);
  }
  if (version > kReportVersion) {
    return MakeError(ErrorCode::kUnsupported, "{}: version {}, want {} or lower", name,
                     version.dump(), kReportVersion);
  }
  try {
    return ReportFrom(json);
  } catch (const Json::exception& error) {
    return MakeError(ErrorCode::kCorruptData, "{}: {}", name, error.what());
  }
}

}  // namespace visavis
