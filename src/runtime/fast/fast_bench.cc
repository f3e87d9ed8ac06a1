// Times a network end to end: fast_bench MODEL [key=value ...]. MODEL is a file, or arch:NAME.
// Keys: isa, threads, batch, runs, height, width, bf16=1, high=1, low=1, reference=1, profile=1.
// Prints one JSON line, or with profile=1 the shortest time of each step; then l2=KB cuts chains as
// if a core had so much L2 (0: no chains).
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "model/arch/arch.h"
#include "runtime/compile.h"
#include "runtime/plan.h"
#include "runtime/workspace.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

double NowMs() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Result<Model> LoadOrBuild(const std::string& name) {
  if (!name.starts_with("arch:")) return Model::Load(name);
  Result<Graph> graph = BuildArch(name.substr(5), 1);
  if (!graph.has_value()) return graph.error();
  return Model::FromGraph(*std::move(graph));
}

double PeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// The shortest time of every step over `runs` runs.
int Profile(const Model& model, const SessionOptions& options, const Tensor& input, int runs,
            const StripBudget& budget) {
  CompileContext context;
  context.kernels = FindKernels(options.isa.empty() ? BestIsa() : options.isa);
  context.precision = options.precision;
  context.low_memory = options.low_memory;
  context.threads = options.pool == nullptr ? 1 : options.pool->threads();
  const Result<Program> program = Compile(model.graph(), context);
  if (!program.has_value()) return 1;
  const std::vector<TensorView> views{TensorView(input)};
  const auto plan = Plan::Create(*program, views, context.limits, context.threads, budget);
  if (!plan.has_value()) return 1;
  Workspace workspace;
  std::vector<Tensor> outputs;
  for (const TensorType& type : (*plan)->outputs()) outputs.emplace_back(type.dtype, type.shape);
  std::vector<double> best((*plan)->step_count(), 1e30);
  std::vector<double> step_ns(best.size());
  for (int run = 0; run < runs; ++run) {
    if (!(*plan)->Run(workspace, views, outputs, options.pool, step_ns).has_value()) return 1;
    for (std::size_t s = 0; s < best.size(); ++s) best[s] = std::min(best[s], step_ns[s]);
  }
  double total = 0;
  const std::vector<StepInfo> infos = (*plan)->Describe();
  for (std::size_t s = 0; s < best.size(); ++s) {
    const StepInfo& info = infos[s];
    total += best[s];
    std::printf("%9.4f ms %7.1f GFLOP/s %7.1f GB/s  %-22s %-16s -> %-16s %s\n", best[s] * 1e-6,
                info.flops / best[s], static_cast<double>(info.weight_bytes) / best[s],
                info.algorithm.c_str(), info.inputs.empty() ? "" : info.inputs[0].c_str(),
                info.outputs.empty() ? "" : info.outputs[0].c_str(), info.node.c_str());
  }
  std::printf("%9.4f ms in all, arena %.1f MB\n", total * 1e-6,
              static_cast<double>((*plan)->arena_bytes()) * 1e-6);
  return 0;
}

int Bench(const std::string& name, std::map<std::string, std::string> keys) {
  const auto number = [&](const char* key, int fallback) {
    return keys.count(key) != 0 ? std::atoi(keys[key].c_str()) : fallback;
  };
  ThreadPool pool(number("threads", 1));
  SessionOptions options;
  options.isa = keys["isa"];
  options.pool = pool.threads() > 1 ? &pool : nullptr;
  options.precision = number("bf16", 0) != 0   ? Precision::kBf16
                      : number("high", 0) != 0 ? Precision::kFp32High
                                               : Precision::kFp32;
  options.low_memory = number("low", 0) != 0;
  options.reference = number("reference", 0) != 0;

  const double start = NowMs();
  Result<Model> model = LoadOrBuild(name);
  if (!model.has_value()) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    return 1;
  }
  const double loaded = NowMs();
  Result<Session> session = number("profile", 0) != 0 ? Session::Create(*model, options)
                                                      : Session::Create(*std::move(model), options);
  if (!session.has_value()) {
    std::fprintf(stderr, "%s\n", session.error().message.c_str());
    return 1;
  }
  const double created = NowMs();

  std::vector<std::int64_t> extents = session->inputs()[0].shape;
  extents.resize(4, -1);
  const std::int64_t defaults[4] = {number("batch", 1), 3, number("height", 480),
                                    number("width", 640)};
  for (std::size_t axis = 0; axis < 4; ++axis) {
    if (extents[axis] < 0 || axis == 0) extents[axis] = defaults[axis];
  }
  Tensor input(DType::kF32, Shape(extents));
  unsigned state = 1;
  for (float& v : input.data<float>()) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(state >> 24);
  }
  if (number("profile", 0) != 0) {
    const int l2 = number("l2", -1);
    return Profile(*model, options, input, number("runs", 50),
                   l2 < 0 ? BudgetOfThisMachine() : BudgetFor(std::int64_t{l2} << 10));
  }
  std::vector<Tensor> outputs(session->outputs().size());
  const std::vector<TensorView> views{TensorView(input)};
  std::vector<double> times;
  const int runs = number("runs", 50);
  for (int run = 0; run < runs + 1; ++run) {
    const double begin = NowMs();
    const Status status = session->Run(views, outputs);
    if (!status.has_value()) {
      std::fprintf(stderr, "%s\n", status.error().message.c_str());
      return 1;
    }
    times.push_back(NowMs() - begin);
  }
  const double first = times.front();
  times.erase(times.begin());
  std::sort(times.begin(), times.end());
  std::printf(
      "{\"model\":\"%s\",\"isa\":\"%s\",\"threads\":%d,\"batch\":%d,\"load_ms\":%.1f,"
      "\"create_ms\":%.1f,\"first_ms\":%.3f,\"min_ms\":%.3f,\"median_ms\":%.3f,"
      "\"peak_rss_mb\":%.0f}\n",
      name.c_str(), std::string(session->isa()).c_str(), pool.threads(), number("batch", 1),
      loaded - start, created - loaded, first, times.front(), times[times.size() / 2],
      PeakMegabytes());
  return 0;
}

}  // namespace
}  // namespace visavis

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::map<std::string, std::string> keys;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    if (equals != std::string::npos) keys[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  return visavis::Bench(argv[1], keys);
}
