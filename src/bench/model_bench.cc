#include "bench/model_bench.h"

#include <malloc.h>

#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "bench/machine.h"
#include "bench/profile.h"
#include "kernels/kernels.h"
#include "visavis/model.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

// Gives freed memory of earlier measurements back, and has Linux start the high-water mark anew.
void ResetPeakRss() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::int64_t PeakRssBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

// Operations per second that `threads` threads can do in the arithmetic of `setting`.
double PeakOf(const Session& session, const BenchSetting& setting) {
  const PeakRates peaks = MeasurePeaks(*FindKernels(session.isa()));
  if (session.quantized()) return setting.threads * peaks.int8;
  const bool bf16 = setting.precision == Precision::kBf16 ||
                    (setting.precision == Precision::kFast && peaks.bf16 > 0);
  return setting.threads * (bf16 ? peaks.bf16 : peaks.fp32);
}

Status CheckSetting(const BenchSetting& setting) {
  const OpenExtents& extents = setting.extents;
  if (setting.threads >= 1 && extents.batch >= 1 && extents.width >= 1 && extents.height >= 1) {
    return {};
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   "bench: threads {}, batch {}, size {}x{}: want at least 1 each", setting.threads,
                   extents.batch, extents.width, extents.height);
}

// Runs `session` as the budget says. The first run's time goes to `first_ms`.
Result<std::vector<double>> Sample(const Session& session, const std::vector<Tensor>& inputs,
                                   const BenchBudget& budget, double& first_ms) {
  const std::vector<TensorView> views(inputs.begin(), inputs.end());
  std::vector<Tensor> outputs(session.outputs().size());
  std::vector<double> samples_ms;
  const auto run = [&]() -> Status {
    const double start = NowSeconds();
    VISAVIS_RETURN_IF_ERROR(session.Run(views, outputs));
    samples_ms.push_back((NowSeconds() - start) * 1e3);
    return {};
  };
  VISAVIS_RETURN_IF_ERROR(run());
  first_ms = samples_ms.front();
  for (int i = 1; i < budget.warmup_runs; ++i) VISAVIS_RETURN_IF_ERROR(run());
  samples_ms.clear();
  const double deadline = NowSeconds() + budget.seconds;
  while (static_cast<int>(samples_ms.size()) < budget.min_runs || NowSeconds() < deadline) {
    VISAVIS_RETURN_IF_ERROR(run());
  }
  return samples_ms;
}

}  // namespace

Result<BenchResult> RunBench(const std::string& model_path, const BenchSetting& setting,
                             const BenchBudget& budget) {
  VISAVIS_RETURN_IF_ERROR(CheckSetting(setting));
  BenchResult result;
  ResetPeakRss();

  const double start = NowSeconds();
  VISAVIS_ASSIGN_OR_RETURN(Model model, Model::Load(model_path));
  result.load_ms = (NowSeconds() - start) * 1e3;
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs,
                           MakePixelInputs(model.graph(), setting.extents));
  if (!inputs.empty()) result.shape = inputs[0].shape().ToString();
  VISAVIS_ASSIGN_OR_RETURN(result.flops, CountFlops(model, setting.extents));
  std::optional<ThreadPool> pool;
  if (setting.threads > 1) pool.emplace(setting.threads);
  SessionOptions options;
  options.pool = pool.has_value() ? &*pool : nullptr;
  options.precision = setting.precision;
  options.low_memory = setting.low_memory;
  options.isa = setting.isa;
  const double create_start = NowSeconds();
  VISAVIS_ASSIGN_OR_RETURN(const Session session, Session::Create(std::move(model), options));
  result.create_ms = (NowSeconds() - create_start) * 1e3;
  result.isa = session.isa();
  result.quantized = session.quantized();

  VISAVIS_ASSIGN_OR_RETURN(std::vector<double> samples_ms,
                           Sample(session, inputs, budget, result.first_ms));
  result.peak_rss_bytes = PeakRssBytes();
  result.latency = Summarize(std::move(samples_ms));
  result.images_per_s = setting.extents.batch / result.latency.median_ms * 1e3;
  result.flops_per_s = result.flops / result.latency.median_ms * 1e3;
  const double peak = PeakOf(session, setting);
  if (peak > 0) result.peak_share = result.flops_per_s / peak;
  return result;
}

}  // namespace visavis
