// Step: one thing a plan executes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

class RowStep;

/// Where one value of one plan is found while running: a fixed address (constants), or an offset
/// into one of the run's bases (arena, caller's inputs, caller's outputs).
struct Location {
  const std::byte* fixed = nullptr;  ///< not null: the address itself
  int base = -1;                     ///< else an index into StepContext::bases; -1: absent
  std::size_t offset = 0;
};

/// The pointers of one step in one run. Lives on the runner's stack; nothing here owns.
class StepContext {
 public:
  StepContext(std::byte* const* bases, const Location* inputs, const Location* outputs,
              const Location& scratch, ThreadPool* pool)
      : bases_(bases), inputs_(inputs), outputs_(outputs), scratch_(scratch), pool_(pool) {}

  /// The bytes of input `i`; null for an optional input left out.
  const std::byte* input(int i) const { return Find(inputs_[i]); }
  /// The bytes of output `i`, 64-byte aligned unless the caller's own tensor; null when unused.
  std::byte* output(int i) const { return const_cast<std::byte*>(Find(outputs_[i])); }
  /// The scratch bytes asked for while planning, 64-byte aligned; contents are arbitrary.
  std::byte* scratch() const { return const_cast<std::byte*>(Find(scratch_)); }
  /// Threads lent by the caller; null: this thread only.
  ThreadPool* pool() const { return pool_; }

  template <typename T>
  const T* in(int i) const {
    return reinterpret_cast<const T*>(input(i));
  }
  template <typename T>
  T* out(int i) const {
    return reinterpret_cast<T*>(output(i));
  }

 private:
  const std::byte* Find(const Location& l) const {
    if (l.fixed != nullptr || l.base < 0) return l.fixed;
    return bases_[l.base] + l.offset;
  }

  std::byte* const* bases_;
  const Location* inputs_;
  const Location* outputs_;
  const Location& scratch_;
  ThreadPool* pool_;
};

/// What `visavis model plan` prints of a step.
struct StepInfo {
  std::string node;                 ///< the graph node it came from
  std::string op_type;              ///< "Conv", "FusedConv", ...
  std::string kernel;               ///< "dense", "avx512 c16", ...
  std::string algorithm;            ///< "winograd F(4x4)", "direct", "im2col", ...
  std::vector<std::string> inputs;  ///< shapes
  std::vector<std::string> outputs;
  std::int64_t weight_bytes = 0;
  std::int64_t read_bytes = 0;   ///< activations read
  std::int64_t write_bytes = 0;  ///< activations written
  double flops = 0;              ///< useful ones: 2 per multiply-add of the plain definition
};

/// One thing a plan executes, for fixed shapes. Owned by its plan, which lives no longer than the
/// operator that made the step.
/// Threads: Run is const and concurrent; what it writes is behind the StepContext. It allocates
/// nothing.
class Step {
 public:
  virtual ~Step() = default;
  virtual Status Run(const StepContext& context) const = 0;
  /// The parts only the step knows (kernel, algorithm, weight_bytes, flops); the plan fills in the
  /// rest.
  virtual StepInfo Describe() const = 0;
  /// The same step by rows, if it can; as long-lived as the step.
  virtual const RowStep* rows() const { return nullptr; }
};

}  // namespace visavis
