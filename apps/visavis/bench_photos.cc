#include "bench_photos.h"

#include <fmt/format.h>

#include <cstdio>
#include <numeric>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/try.h"
#include "bench/machine.h"
#include "json_output.h"
#include "photo_options.h"
#include "recognize/photo_list.h"

namespace visavis::cli {
namespace {

double SumOf(const NetworkTimes& networks) {
  return std::accumulate(networks.begin(), networks.end(), 0.0,
                         [](double sum, const auto& entry) { return sum + entry.second; });
}

Json AsJson(const NetworkTimes& networks) {
  Json json = Json::object();
  for (const auto& [name, ms] : networks) json[name] = ms;
  return json;
}

Json AsJson(const Latency& latency) {
  return {{"runs", latency.runs},
          {"min_ms", latency.min_ms},
          {"p10_ms", latency.p10_ms},
          {"median_ms", latency.median_ms},
          {"p90_ms", latency.p90_ms}};
}

// "P-Net 3.21, R-Net 0.94, ..., rest 0.80": milliseconds. On several threads the networks' times
// are sums over them, of which no rest can be told.
std::string Shares(const NetworkTimes& networks, double whole_ms, int threads) {
  std::string text;
  for (const auto& [name, ms] : networks) {
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", name, ms);
  }
  if (threads == 1) text += fmt::format(", rest {:.2f}", whole_ms - SumOf(networks));
  return text;
}

void PrintDetectionHeader() {
  fmt::print("{:<24} {:>11} {:>5} {:>3} {:>9} {:>9} {:>9}  {}\n", "photo", "pixels", "faces", "thr",
             "median ms", "p10", "p90", "mean ms in");
}

void PrintRow(const std::string& photo, int threads, const DetectionBenchResult& r) {
  const std::string file = photo.substr(photo.find_last_of('/') + 1);
  fmt::print("{:<24} {:>11} {:>5} {:>3} {:>9.2f} {:>9.2f} {:>9.2f}  {}\n", OneLine(file),
             fmt::format("{}x{}", r.width, r.height), r.faces, threads, r.latency.median_ms,
             r.latency.p10_ms, r.latency.p90_ms, Shares(r.networks, r.mean_ms, threads));
  std::fflush(stdout);
}

Json AsJson(const std::string& photo, int threads, const DetectionBenchResult& r) {
  Json json = {{"photo", photo},       {"width", r.width},
               {"height", r.height},   {"faces", r.faces},
               {"threads", threads},   {"detect", AsJson(r.latency)},
               {"mean_ms", r.mean_ms}, {"networks_ms", AsJson(r.networks)}};
  return json;
}

void Print(int threads, const PipelineBenchResult& r) {
  const StageTimes& s = r.stages;
  fmt::print(
      "{} photo(s), {} face(s), {} failure(s), {} thread(s): {:.1f} photos/s, {:.2f} ms a "
      "pass (p10 {:.2f}, p90 {:.2f}, {} passes)\n",
      r.photos, r.faces, r.failures, threads, r.photos_per_s, r.pass.median_ms, r.pass.p10_ms,
      r.pass.p90_ms, r.pass.runs);
  const double sum = s.decode_ms + s.detect_ms + s.align_ms + s.embed_ms;
  fmt::print("  {:<7} {:>9} {:>6}\n", "stage", "ms/photo", "share");
  const auto line = [&](const char* stage, double ms, const std::string& shares) {
    fmt::print("  {:<7} {:>9.2f} {:>5.0f}%{}\n", stage, ms, 100 * ms / sum, shares);
  };
  line("decode", s.decode_ms, "");
  line("detect", s.detect_ms, "  " + Shares(s.networks, s.detect_ms, r.photos == 1 ? threads : 1));
  line("align", s.align_ms, "");
  line("embed", s.embed_ms, "");
  std::fflush(stdout);
}

Json AsJson(int threads, const PipelineBenchResult& r) {
  return {{"threads", threads},
          {"photos", r.photos},
          {"faces", r.faces},
          {"failures", r.failures},
          {"photos_per_s", r.photos_per_s},
          {"pass", AsJson(r.pass)},
          {"ms_per_photo",
           {{"decode", r.stages.decode_ms},
            {"detect", r.stages.detect_ms},
            {"networks", AsJson(r.stages.networks)},
            {"align", r.stages.align_ms},
            {"embed", r.stages.embed_ms}}}};
}

}  // namespace

Result<int> BenchPhotos(const BenchPhotosOptions& options, const Common& common) {
  const PhotoList list = ListPhotos(options.inputs);
  for (const auto& [folder, error] : list.failures) return error;
  if (list.paths.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "bench --photos: no photos there");
  }
  PhotoBenchSetting setting;
  setting.detector = options.detector;
  setting.choice = options.choice;
  setting.seconds = options.seconds;
  setting.fetch = FetchOptionsFor(common);
  Json results = Json::array();
  const bool detect = options.stage == "detect";
  if (detect && !common.json) PrintDetectionHeader();
  for (const int threads : options.threads) {
    setting.threads = threads;
    if (!detect) {
      VISAVIS_ASSIGN_OR_RETURN(const PipelineBenchResult result,
                               BenchPipeline(list.paths, setting));
      if (common.json) {
        results.push_back(AsJson(threads, result));
      } else {
        Print(threads, result);
      }
      continue;
    }
    for (const std::string& photo : list.paths) {
      if (common.Cancelled()) return MakeError(ErrorCode::kCancelled, "bench: interrupted");
      VISAVIS_ASSIGN_OR_RETURN(const DetectionBenchResult result, BenchDetection(photo, setting));
      if (common.json) {
        results.push_back(AsJson(photo, threads, result));
      } else {
        PrintRow(photo, threads, result);
      }
    }
  }
  if (common.json) {
    PrintJson({{"cpu", CpuName()}, {"stage", options.stage}, {"results", results}});
  }
  return kExitOk;
}

}  // namespace visavis::cli
