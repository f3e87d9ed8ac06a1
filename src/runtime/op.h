// Operator: one node of a program, ready for any input shapes. DenseOperator: one over dense
// tensors.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/graph.h"
#include "runtime/step.h"
#include "runtime/storage.h"
#include "visavis/limits.h"
#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis {

/// The highest rank the runtime handles.
inline constexpr int kMaxRank = 8;

/// One node while a plan is made: types, storage and known values of its inputs; the operator adds
/// those of its outputs.
class InferContext {
 public:
  struct Input {
    const TensorType* type = nullptr;  ///< null: optional input left out
    const Storage* storage = nullptr;
    const Tensor* value = nullptr;  ///< not null: known while planning
    bool* value_used = nullptr;     ///< set when `value` comes from the caller and was looked at
  };
  struct Output {
    TensorType type;
    Storage storage;
    bool set = false;
  };
  InferContext(std::span<const Input> inputs, std::span<Output> outputs, const Limits& limits,
               int threads)
      : inputs_(inputs), outputs_(outputs), limits_(limits), threads_(threads) {}

  int input_count() const { return static_cast<int>(inputs_.size()); }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  bool has(int i) const { return i < input_count() && At(i).type != nullptr; }
  /// The type of input `i`, which must be present.
  const TensorType& input(int i) const { return *At(i).type; }
  const Shape& shape(int i) const { return input(i).shape; }
  DType dtype(int i) const { return input(i).dtype; }
  const Storage& storage(int i) const { return *At(i).storage; }
  const Limits& limits() const { return limits_; }
  /// Threads a step may use at once, for scratch that is needed once per thread.
  int threads() const { return threads_; }

  /// The elements of input `i`, if they are known while planning (constants, shape arithmetic,
  /// small inputs of the session, whose values then belong to the plan's identity). Null otherwise.
  const Tensor* known(int i) const;
  /// The same as integers. kUnsupported if not known, kInvalidArgument if not int32 or int64.
  Result<std::vector<std::int64_t>> KnownInts(int i) const;
  /// The same as floats, from float32, float64 or float16.
  Result<std::vector<float>> KnownFloats(int i) const;

  /// Declares a dense output. kLimitExceeded or kInvalidArgument if the shape cannot be.
  Status SetOutput(int i, DType dtype, Shape shape);
  /// Declares an output in a layout of the operator's choice.
  Status SetOutput(int i, DType dtype, Shape shape, const Storage& storage);
  bool is_set(int i) const { return outputs_[static_cast<std::size_t>(i)].set; }
  /// What Infer worked out from known inputs, for Run (which must not allocate).
  void SetParameters(std::vector<std::int64_t> integers, std::vector<float> floats = {}) {
    integers_ = std::move(integers);
    floats_ = std::move(floats);
  }
  std::vector<std::int64_t> TakeIntegers() { return std::move(integers_); }
  std::vector<float> TakeFloats() { return std::move(floats_); }
  /// Working memory of one call, in bytes.
  void SetScratch(std::size_t bytes) { scratch_bytes_ = bytes; }
  std::size_t scratch_bytes() const { return scratch_bytes_; }

 private:
  const Input& At(int i) const { return inputs_[static_cast<std::size_t>(i)]; }

  std::span<const Input> inputs_;
  std::span<Output> outputs_;
  const Limits& limits_;
  int threads_;
  std::size_t scratch_bytes_ = 0;
  std::vector<std::int64_t> integers_;
  std::vector<float> floats_;
};

/// What a plan decided about a node, as its step may keep it by reference: it lives as long as the
/// plan.
struct NodeTypes {
  std::vector<TensorType> inputs;  ///< rank 1, extent 0 where left out
  std::vector<Storage> input_storage;
  std::vector<TensorType> outputs;
  std::vector<Storage> output_storage;
  std::vector<std::int64_t> integers;  ///< InferContext::SetParameters
  std::vector<float> floats;
};

/// One node of a program: attributes checked, weights packed, for any input shapes. A session owns
/// one per node and shares it among all plans.
/// Threads: const members are safe concurrently.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Checks the inputs' types and declares the outputs (every one of them) and scratch. Called once
  /// per plan. Errors: kInvalidArgument for types and shapes that do not fit, kUnsupported,
  /// kLimitExceeded; the caller adds the node's name.
  virtual Status Infer(InferContext& context) const = 0;

  /// Makes the step of one plan, after Infer. `types` outlives the step.
  virtual std::unique_ptr<Step> MakeStep(const NodeTypes& types) const = 0;

  /// Output 0 has the bytes of input 0 under another shape: no step is made.
  virtual bool is_view() const { return false; }
  /// Outputs depend only on the shapes of the inputs: computed while planning.
  virtual bool reads_only_shapes() const { return false; }
  /// Output 0 may be written over input `i` when they have the same number of bytes and element
  /// size (element k is read before it is written, no other element afterwards).
  virtual bool may_overwrite(int i) const { return static_cast<void>(i), false; }
};

/// op.Infer, and kUnsupported if the node names outputs the operator does not have.
Status InferOutputs(const Operator& op, InferContext& context);

/// The pointers and types of one dense operator in one run.
class DenseContext {
 public:
  DenseContext(const StepContext& step, const NodeTypes& types) : step_(step), types_(types) {}

  int input_count() const { return static_cast<int>(types_.inputs.size()); }
  int output_count() const { return static_cast<int>(types_.outputs.size()); }
  bool has(int i) const { return i < input_count() && step_.input(i) != nullptr; }
  const Shape& shape(int i) const { return types_.inputs[static_cast<std::size_t>(i)].shape; }
  DType dtype(int i) const { return types_.inputs[static_cast<std::size_t>(i)].dtype; }
  const Shape& out_shape(int i) const { return types_.outputs[static_cast<std::size_t>(i)].shape; }
  DType out_dtype(int i) const { return types_.outputs[static_cast<std::size_t>(i)].dtype; }

  template <typename T>
  const T* in(int i) const {
    return step_.in<T>(i);
  }
  template <typename T>
  T* out(int i) const {
    return step_.out<T>(i);
  }
  std::span<const std::int64_t> integers() const { return types_.integers; }
  std::span<const float> floats() const { return types_.floats; }
  template <typename T>
  T* scratch() const {
    return reinterpret_cast<T*>(step_.scratch());
  }
  ThreadPool* pool() const { return step_.pool(); }

 private:
  const StepContext& step_;
  const NodeTypes& types_;
};

/// An operator over dense row-major tensors.
class DenseOperator : public Operator {
 public:
  /// Computes the outputs declared by Infer. Errors are for values no plan can foresee (an index
  /// out of range).
  virtual Status Run(const DenseContext& context) const = 0;
  /// 2 per multiply-add; 0 when not worth counting.
  virtual double Flops(const NodeTypes& types) const { return static_cast<void>(types), 0; }
  virtual std::string_view algorithm() const { return "loops"; }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const final;
};

}  // namespace visavis
