// visavis bench MODEL... | --photos PATH... | --machine
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/try.h"
#include "bench/machine.h"
#include "bench/model_bench.h"
#include "bench_photos.h"
#include "commands.h"
#include "json_output.h"
#include "kernels/kernels.h"
#include "photo_options.h"
#include "setting_options.h"
#include "visavis/contract.h"

namespace visavis::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  bool machine = false;
  std::vector<std::string> precisions = {"fp32"};
  std::vector<std::string> isas = {""};
  std::vector<int> threads = {1};
  std::vector<int> batches = {1};
  std::string size = "640x480";
  bool low_memory = false;
  BenchBudget budget;
  BenchPhotosOptions photos;
};

struct Case {
  std::string model;
  BenchSetting setting;
};

// Every combination of what was asked for, in the order in which it was asked.
Result<std::vector<Case>> Cases(const Options& options) {
  BenchSetting setting;
  setting.low_memory = options.low_memory;
  VISAVIS_RETURN_IF_ERROR(ParseSize(options.size, setting.extents));
  std::vector<Case> cases;
  for (const std::string& model : options.models) {
    for (const std::string& precision : options.precisions) {
      VISAVIS_ASSIGN_OR_RETURN(setting.precision, ParsePrecision(precision));
      for (const std::string& isa : options.isas) {
        setting.isa = isa;
        for (const int threads : options.threads) {
          setting.threads = threads;
          for (const int batch : options.batches) {
            setting.extents.batch = batch;
            cases.push_back({model, setting});
          }
        }
      }
    }
  }
  return cases;
}

// A contract beside a model that is not the one it was written for: as for `visavis embed`, an
// error.
Status CheckContracts(const std::vector<std::string>& models) {
  for (const std::string& model : models) {
    VISAVIS_ASSIGN_OR_RETURN(const std::optional<ModelContract> contract, FindContractFor(model));
    if (contract) VISAVIS_RETURN_IF_ERROR(CheckContract(*contract, model));
  }
  return {};
}

// A quantized model brings its own.
// A quantized model brings its own, of which only `fast` leaves something to choose.
std::string ArithmeticOf(const Case& c, const BenchResult& r) {
  const bool own = r.quantized && c.setting.precision != Precision::kFast;
  return own ? "int8" : PrecisionName(c.setting.precision);
}

Json AsJson(const Case& c, const BenchResult& r) {
  return {{"model", c.model},
          {"precision", ArithmeticOf(c, r)},
          {"isa", r.isa},
          {"threads", c.setting.threads},
          {"batch", c.setting.extents.batch},
          {"input", r.shape},
          {"low_memory", c.setting.low_memory},
          {"runs", r.latency.runs},
          {"min_ms", r.latency.min_ms},
          {"p10_ms", r.latency.p10_ms},
          {"median_ms", r.latency.median_ms},
          {"p90_ms", r.latency.p90_ms},
          {"images_per_s", r.images_per_s},
          {"flops", r.flops},
          {"gflops_per_s", r.flops_per_s * 1e-9},
          {"peak_share", r.peak_share},
          {"load_ms", r.load_ms},
          {"create_ms", r.create_ms},
          {"first_ms", r.first_ms},
          {"peak_rss_bytes", r.peak_rss_bytes}};
}

void PrintHeader() {
  fmt::print("{:<28} {:<5} {:<12} {:>3} {:>5} {:>9} {:>9} {:>9} {:>9} {:>8} {:>5} {:>8} {:>7}\n",
             "model", "arith", "isa", "thr", "batch", "median ms", "p10", "p90", "images/s",
             "GFLOP/s", "peak", "load ms", "RSS MB");
}

void PrintRow(const Case& c, const BenchResult& r) {
  const std::string file = c.model.substr(c.model.find_last_of('/') + 1);
  fmt::print(
      "{:<28} {:<5} {:<12} {:>3} {:>5} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.1f} {:>8.1f} {:>5} {:>8.1f} "
      "{:>7.0f}\n",
      OneLine(file), ArithmeticOf(c, r), r.isa, c.setting.threads, c.setting.extents.batch,
      r.latency.median_ms, r.latency.p10_ms, r.latency.p90_ms, r.images_per_s, r.flops_per_s * 1e-9,
      r.peak_share > 0 ? fmt::format("{:.0f}%", r.peak_share * 100) : "-", r.load_ms + r.create_ms,
      static_cast<double>(r.peak_rss_bytes) / 1048576);
  std::fflush(stdout);
}

Result<int> BenchModels(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Case> cases, Cases(options));
  VISAVIS_RETURN_IF_ERROR(CheckContracts(options.models));
  Json results = Json::array();
  if (!common.json) PrintHeader();
  for (const Case& c : cases) {
    if (common.Cancelled()) return MakeError(ErrorCode::kCancelled, "bench: interrupted");
    VISAVIS_ASSIGN_OR_RETURN(const BenchResult result,
                             RunBench(c.model, c.setting, options.budget));
    if (common.json) {
      results.push_back(AsJson(c, result));
    } else {
      PrintRow(c, result);
    }
  }
  if (common.json) PrintJson({{"cpu", CpuName()}, {"results", results}});
  return kExitOk;
}

Json AsJson(const MachineReport& report) {
  Json reads = Json::array();
  for (const ReadRate& rate : report.reads) {
    reads.push_back(
        {{"working_set_bytes", rate.working_set_bytes}, {"gb_per_s", rate.bytes_per_s * 1e-9}});
  }
  return {{"isa", report.isa},
          {"threads", report.threads},
          {"fp32_gflops_per_s", report.peaks.fp32 * 1e-9},
          {"bf16_gflops_per_s", report.peaks.bf16 * 1e-9},
          {"int8_gops_per_s", report.peaks.int8 * 1e-9},
          {"reads", reads}};
}

void PrintMachine(const MachineReport& report) {
  fmt::print("{}, {} thread(s): fp32 {:.0f} GFLOP/s, bf16 {:.0f} GFLOP/s, int8 {:.0f} GOP/s\n",
             report.isa, report.threads, report.peaks.fp32 * 1e-9, report.peaks.bf16 * 1e-9,
             report.peaks.int8 * 1e-9);
  for (const ReadRate& rate : report.reads) {
    fmt::print("  reading {:>7} KB per thread: {:.0f} GB/s\n", rate.working_set_bytes >> 10,
               rate.bytes_per_s * 1e-9);
  }
}

Result<int> BenchMachine(const Options& options, const Common& common) {
  Json reports = Json::array();
  if (!common.json) fmt::print("{}\n", CpuName());
  for (const std::string& isa : options.isas) {
    for (const int threads : options.threads) {
      VISAVIS_ASSIGN_OR_RETURN(
          const MachineReport report,
          MeasureMachine(isa.empty() ? BestIsa() : std::string_view(isa), threads));
      if (common.json) {
        reports.push_back(AsJson(report));
      } else {
        PrintMachine(report);
      }
    }
  }
  if (common.json) PrintJson({{"cpu", CpuName()}, {"machine", reports}});
  return kExitOk;
}

Result<int> RunBenchCommand(const Options& options, const Common& common) {
  const int wanted =
      int{options.machine} + int{!options.models.empty()} + int{!options.photos.inputs.empty()};
  if (wanted != 1) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "bench: want one of models, --photos and --machine");
  }
  if (options.machine) return BenchMachine(options, common);
  if (options.photos.inputs.empty()) return BenchModels(options, common);
  BenchPhotosOptions photos = options.photos;
  photos.threads = options.threads;
  photos.seconds = options.budget.seconds;
  return BenchPhotos(photos, common);
}

}  // namespace

void AddBench(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.Add({"bench",
                "Times models, photos, or the machine itself",
                {"visavis bench mobilefacenet.onnx",
                 "visavis bench r100.onnx --precision fp32,bf16 --threads 1,2 --batch 1,8",
                 "visavis bench scrfd_500m_bnkps.onnx --size 640x480 --isa avx2,avx512 --json",
                 "visavis bench --photos photos/ --threads 1,2",
                 "visavis bench --photos family.jpg --stage detect --min-size 40",
                 "visavis bench --machine --threads 1,2"}},
               [options](const Common& common) { return RunBenchCommand(*options, common); });
  command->add_option("MODEL", options->models, "Model files, as for `model info`");
  command->add_flag("--machine", options->machine,
                    "Measure peak arithmetic and read bandwidth instead");
  command->add_option("--photos", options->photos.inputs,
                      "Measure photos, or folders of them, instead, with the default models");
  command
      ->add_option("--stage", options->photos.stage,
                   "With --photos: detect = detection in each photo; all = photos to embeddings")
      ->check(CLI::IsMember({"detect", "all"}))
      ->capture_default_str();
  AddDetectorOptions(*command, options->photos.detector);
  AddFaceChoice(*command, options->photos.choice);
  command->add_option("--precision", options->precisions, "fp32, fp32-high, bf16, fast, or several")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--isa", options->isas, "Instruction sets; default the best here")
      ->delimiter(',');
  // Here a list, unlike everywhere else.
  command->remove_option(command->get_option("--threads"));
  command->add_option("--threads", options->threads, "Thread counts")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--batch", options->batches, "Batch sizes")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--size", options->size, "Image size where the model leaves it open")
      ->capture_default_str();
  command->add_flag("--low-memory", options->low_memory,
                    "Keep the weights as they are in the file only");
  command->add_option("--seconds", options->budget.seconds, "Least time per measurement")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
}

}  // namespace visavis::cli
