// visavis model plan MODEL [--profile]
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <numeric>

#include "base/exit_code.h"
#include "base/try.h"
#include "bench/profile.h"
#include "commands.h"
#include "json_output.h"
#include "setting_options.h"
#include "visavis/model.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string path;
  SettingOptions setting;
  bool profile = false;
  int runs = 20;
};

Json AsJson(const PlanProfile& profile) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < profile.steps.size(); ++i) {
    const StepInfo& step = profile.steps[i];
    Json entry = {{"node", step.node},
                  {"operator", step.op_type},
                  {"kernel", step.kernel},
                  {"algorithm", step.algorithm},
                  {"inputs", step.inputs},
                  {"outputs", step.outputs},
                  {"weight_bytes", step.weight_bytes},
                  {"read_bytes", step.read_bytes},
                  {"write_bytes", step.write_bytes},
                  {"flops", step.flops}};
    if (!profile.step_ms.empty()) entry["median_ms"] = profile.step_ms[i];
    steps.push_back(std::move(entry));
  }
  return {{"isa", profile.isa}, {"arena_bytes", profile.arena_bytes}, {"steps", std::move(steps)}};
}

void PrintText(const PlanProfile& profile) {
  const bool timed = !profile.step_ms.empty();
  const double total_ms = std::accumulate(profile.step_ms.begin(), profile.step_ms.end(), 0.0);
  double flops = 0;
  std::int64_t weight_bytes = 0;
  fmt::print("{:>4}  {:<16} {:<14} {:<18} {:<20} {:>9} {:>9}", "step", "operator", "kernel",
             "algorithm", "output", "MFLOP", "weight KB");
  if (timed) fmt::print(" {:>9} {:>6} {:>8}", "ms", "share", "GFLOP/s");
  fmt::print("  node\n");
  for (std::size_t i = 0; i < profile.steps.size(); ++i) {
    const StepInfo& step = profile.steps[i];
    flops += step.flops;
    weight_bytes += step.weight_bytes;
    fmt::print("{:>4}  {:<16} {:<14} {:<18} {:<20} {:>9.2f} {:>9.1f}", i, step.op_type, step.kernel,
               step.algorithm, fmt::format("{}", fmt::join(step.outputs, " ")), step.flops * 1e-6,
               static_cast<double>(step.weight_bytes) / 1024);
    if (timed) {
      const double ms = profile.step_ms[i];
      fmt::print(" {:>9.4f} {:>5.1f}% {:>8.1f}", ms, 100 * ms / total_ms,
                 step.flops * 1e-6 / std::max(ms, 1e-9));
    }
    fmt::print("  {}\n", OneLine(step.node));
  }
  fmt::print("{} steps, {}: {:.4f} GFLOP, {:.1f} MB weights, {:.1f} MB working memory\n",
             profile.steps.size(), profile.isa, flops * 1e-9,
             static_cast<double>(weight_bytes) / 1048576,
             static_cast<double>(profile.arena_bytes) / 1048576);
  if (timed) {
    fmt::print("{:.4f} ms in all steps, {:.1f} GFLOP/s\n", total_ms,
               flops * 1e-6 / std::max(total_ms, 1e-9));
  }
}

Result<int> RunModelPlan(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const BenchSetting setting, options.setting.Parse(common.ThreadCount()));
  VISAVIS_ASSIGN_OR_RETURN(const Model model, LoadModelFor(common, options.path));
  const LoggedStep step(common, "plan made");
  VISAVIS_ASSIGN_OR_RETURN(const PlanProfile profile,
                           ProfilePlan(model, setting, options.profile ? options.runs : 0));
  if (common.json) {
    PrintJson(AsJson(profile));
  } else {
    PrintText(profile);
  }
  return kExitOk;
}

}  // namespace

void AddModelPlan(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.AddTo(
      "model",
      {"plan",
       "What is executed for a model: steps, kernels, algorithms, memory, and their times",
       {"visavis model plan mobilefacenet.onnx", "visavis model plan r100.onnx --profile",
        "visavis model plan scrfd_500m_bnkps.onnx --size 1280x960 --threads 1 --profile --json"}},
      [options](const Common& common) { return RunModelPlan(*options, common); });
  command->add_option("MODEL", options->path, "A model file, as for `model info`")->required();
  options->setting.AddTo(*command);
  command->add_flag("--profile", options->profile, "Run the plan and time each step");
  command->add_option("--runs", options->runs, "Runs of --profile; medians are shown")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
}

}  // namespace visavis::cli
