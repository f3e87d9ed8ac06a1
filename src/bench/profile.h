// What a model becomes on this machine, step by step, and what each step costs.
#pragma once

#include <cstddef>
#include <vector>

#include "bench/setting.h"
#include "runtime/step.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

struct PlanProfile {
  std::string isa;
  std::vector<StepInfo> steps;  ///< in order of execution
  std::size_t arena_bytes = 0;
  std::vector<double> step_ms;  ///< median of each step; empty when nothing was run
};

/// The plan of `model` in this setting. With `runs` > 0 it is also run that often, after one run
/// more to warm up, on reproducible pixels.
/// Errors:  those of Session::Create and Session::Run, and of MakePixelInputs.
Result<PlanProfile> ProfilePlan(const Model& model, const BenchSetting& setting, int runs);

/// Useful operations of one run, 2 per multiply-add: those of the operators as the file defines
/// them, whatever algorithm is used. Errors: as ProfilePlan.
Result<double> CountFlops(const Model& model, const OpenExtents& extents);

}  // namespace visavis
