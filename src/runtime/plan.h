// Plan: a program for concrete input shapes: steps, and where every value lives.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/program.h"
#include "runtime/step.h"
#include "runtime/strip_chain.h"
#include "runtime/workspace.h"
#include "visavis/limits.h"
#include "visavis/tensor.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// Steps in order, with activations in one arena by lifetime.
/// Threads: immutable; Run is concurrent, each call with its own bases.
class Plan {
 public:
  /// Works out all shapes for `inputs`, folds what depends on shapes only, and places the rest.
  /// Results do not depend on `budget`.
  /// Elements of small inputs may be read, if they have any (data may be null); see Matches.
  /// `program` must outlive the plan. Errors: kInvalidArgument, kUnsupported, kLimitExceeded;
  /// messages name the node.
  static Result<std::unique_ptr<const Plan>> Create(
      const Program& program, std::span<const TensorView> inputs, const Limits& limits, int threads,
      const StripBudget& budget = BudgetOfThisMachine());

  /// True if this plan fits these inputs: types, shapes, and the values of those inputs that
  /// decided a shape.
  bool Matches(std::span<const TensorView> inputs) const;

  std::span<const TensorType> outputs() const { return output_types_; }
  std::size_t arena_bytes() const { return arena_bytes_; }

  /// Runs the steps in `workspace`. `outputs` have outputs()' types. `step_ns`, when not empty,
  /// receives the time of each step. With `part` > 0, inputs and outputs hold several batches of
  /// the plan's shapes one behind the other, and that one is run.
  /// Errors: kLimitExceeded if there is no memory for the arena.
  Status Run(Workspace& workspace, std::span<const TensorView> inputs, std::span<Tensor> outputs,
             ThreadPool* pool, std::span<double> step_ns = {}, std::size_t part = 0) const;

  std::size_t step_count() const { return steps_.size(); }
  /// One entry per step, in order.
  std::vector<StepInfo> Describe() const;

 private:
  friend class PlanBuilder;

  struct PlannedStep {
    std::string name;  ///< of the node, or of all in a chain
    std::string op_type;
    std::shared_ptr<const NodeTypes> types;
    std::shared_ptr<const Step> step;
    std::vector<Location> inputs;
    std::vector<Location> outputs;
    Location scratch;
  };
  /// An output of the program that is not computed in place: a constant, an input, or a second name
  /// of a value.
  struct OutputCopy {
    Location from;
    std::size_t output = 0;
  };
  struct CallerInput {
    TensorType type;
    std::optional<Tensor> value;  ///< set if the plan is right for these elements only
  };

  Plan() = default;

  std::vector<PlannedStep> steps_;
  std::vector<OutputCopy> copies_;
  std::vector<CallerInput> inputs_;
  std::vector<TensorType> output_types_;
  std::vector<std::unique_ptr<const Tensor>> folded_;  // constants made while planning
  std::size_t arena_bytes_ = 0;
};

}  // namespace visavis
