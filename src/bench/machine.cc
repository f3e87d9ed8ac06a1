#include "bench/machine.h"

#include <algorithm>
#include <barrier>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "bench/timing.h"
#include "kernels/kernels.h"
#include "visavis/tensor.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

// Long enough that the clock's resolution and a cold start do not matter, short enough to fall
// between other processes' turns.
constexpr double kSampleSeconds = 0.004;
constexpr int kSamples = 8;

// Half of the usual first-level cache, second-level cache, a share of the last level, and memory.
constexpr std::size_t kWorkingSets[] = {std::size_t{24} << 10, std::size_t{384} << 10,
                                        std::size_t{8} << 20, std::size_t{256} << 20};

// The best rate of `work`, which does its job `count` times and returns how much that was.
double BestRate(const std::function<double(std::int64_t count)>& work) {
  std::int64_t count = 1;
  double seconds = 0;
  while (true) {
    const double start = NowSeconds();
    work(count);
    seconds = NowSeconds() - start;
    if (seconds >= kSampleSeconds / 2) break;
    count *= 2;
  }
  double best = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double start = NowSeconds();
    const double amount = work(count);
    best = std::max(best, amount / (NowSeconds() - start));
  }
  return best;
}

double PeakOf(std::int64_t (*loop)(std::int64_t)) {
  if (loop == nullptr) return 0;
  return BestRate([loop](std::int64_t count) { return static_cast<double>(loop(count * 1024)); });
}

double ReadRateOf(const KernelTable& kernels, std::size_t bytes) {
  Tensor data(DType::kU8, {static_cast<std::int64_t>(bytes)});
  // Memory never written may all be one page of zeros.
  std::memset(data.raw(), 1, bytes);
  volatile std::uint64_t sink = 0;
  return BestRate([&](std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) sink = kernels.read_memory(data.raw(), bytes);
    return static_cast<double>(count) * static_cast<double>(bytes);
  });
}

// The sum of `measure`'s results on `threads` threads that start together.
double OnThreads(int threads, const std::function<double()>& measure) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  std::barrier start(threads);
  {
    std::vector<std::jthread> workers;
    for (double& rate : rates) {
      workers.emplace_back([&] {
        start.arrive_and_wait();
        rate = measure();
      });
    }
  }
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

std::string CpuName() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

PeakRates MeasurePeaks(const KernelTable& kernels) {
  return {.fp32 = PeakOf(kernels.peak_f32),
          .bf16 = PeakOf(kernels.peak_bf16),
          .int8 = PeakOf(kernels.peak_int8)};
}

Result<MachineReport> MeasureMachine(std::string_view isa, int threads) {
  const KernelTable* kernels = FindKernels(isa);
  if (kernels == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: not an instruction set of this machine",
                     isa);
  }
  if (threads < 1) {
    return MakeError(ErrorCode::kInvalidArgument, "{} threads, want at least 1", threads);
  }
  MachineReport report;
  report.cpu = CpuName();
  report.cores = ThreadPool(0).threads();
  report.isa = isa;
  report.threads = threads;
  report.peaks = {.fp32 = OnThreads(threads, [&] { return PeakOf(kernels->peak_f32); }),
                  .bf16 = OnThreads(threads, [&] { return PeakOf(kernels->peak_bf16); }),
                  .int8 = OnThreads(threads, [&] { return PeakOf(kernels->peak_int8); })};
  for (const std::size_t bytes : kWorkingSets) {
    report.reads.push_back(
        {bytes, OnThreads(threads, [&] { return ReadRateOf(*kernels, bytes); })});
  }
  return report;
}

}  // namespace visavis
