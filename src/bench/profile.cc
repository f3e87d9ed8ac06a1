#include "bench/profile.h"

#include <memory>
#include <numeric>
#include <optional>

#include "base/try.h"
#include "bench/timing.h"
#include "kernels/kernels.h"
#include "runtime/choose_kernels.h"
#include "runtime/compile.h"
#include "runtime/plan.h"
#include "runtime/workspace.h"

namespace visavis {
namespace {

// The median time of every step, in milliseconds.
Result<std::vector<double>> TimeSteps(const Plan& plan, const std::vector<TensorView>& inputs,
                                      ThreadPool* pool, int runs) {
  Workspace workspace;
  std::vector<Tensor> outputs;
  for (const TensorType& type : plan.outputs()) outputs.emplace_back(type.dtype, type.shape);
  std::vector<double> step_ns(plan.step_count());
  std::vector<std::vector<double>> samples_ms(plan.step_count());
  for (int run = -1; run < runs; ++run) {
    VISAVIS_RETURN_IF_ERROR(plan.Run(workspace, inputs, outputs, pool, step_ns));
    if (run < 0) continue;
    for (std::size_t s = 0; s < step_ns.size(); ++s) samples_ms[s].push_back(step_ns[s] * 1e-6);
  }
  std::vector<double> medians;
  for (std::vector<double>& samples : samples_ms) {
    medians.push_back(Summarize(std::move(samples)).median_ms);
  }
  return medians;
}

}  // namespace

Result<PlanProfile> ProfilePlan(const Model& model, const BenchSetting& setting, int runs) {
  CompileContext context;
  VISAVIS_ASSIGN_OR_RETURN(context.kernels, ChooseKernels(setting.isa));
  context.precision = setting.precision;
  context.low_memory = setting.low_memory;
  context.threads = setting.threads;
  VISAVIS_ASSIGN_OR_RETURN(const Program program, Compile(model.graph(), context));
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs,
                           MakePixelInputs(model.graph(), setting.extents));
  const std::vector<TensorView> views(inputs.begin(), inputs.end());
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<const Plan> plan,
                           Plan::Create(program, views, context.limits, setting.threads));
  PlanProfile profile;
  profile.isa = context.kernels->isa;
  profile.steps = plan->Describe();
  profile.arena_bytes = plan->arena_bytes();
  if (runs > 0) {
    std::optional<ThreadPool> pool;
    if (setting.threads > 1) pool.emplace(setting.threads);
    VISAVIS_ASSIGN_OR_RETURN(profile.step_ms,
                             TimeSteps(*plan, views, pool.has_value() ? &*pool : nullptr, runs));
  }
  return profile;
}

Result<double> CountFlops(const Model& model, const OpenExtents& extents) {
  CompileContext context;
  context.kernels = FindKernels("scalar");
  VISAVIS_ASSIGN_OR_RETURN(const Program program, CompileReference(model.graph(), context));
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs,
                           MakePixelInputs(model.graph(), extents));
  const std::vector<TensorView> views(inputs.begin(), inputs.end());
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<const Plan> plan,
                           Plan::Create(program, views, context.limits, 1));
  const std::vector<StepInfo> steps = plan->Describe();
  return std::accumulate(steps.begin(), steps.end(), 0.0,
                         [](double sum, const StepInfo& step) { return sum + step.flops; });
}

}  // namespace visavis
