// Session: a model made ready to run on this machine.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/limits.h"
#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/tensor.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// The arithmetic a session may use.
///  - kFp32: 32-bit floats throughout.
///  - kFp32High: where it is faster (AMX), convolutions multiply each float as the sum of two
///  bfloat16
///    numbers, which keeps 16 of its 24 bits; storage and sums stay 32-bit. Elsewhere the same bits
///    as kFp32. What PyTorch calls float32 matmul precision "high".
///  - kBf16: products and stored activations in bfloat16, sums in 32 bits. Needs AVX512-BF16; gains
///    most with AMX.
///  - kFast: whichever is estimated faster on this machine by a rule that looks at shapes only
///    (docs/engine.md): quantized layers in int8 or bfloat16, others as kBf16; as kFp32 where
///    bfloat16 is not quick. Never refused.
enum class Precision { kFp32, kFp32High, kBf16, kFast };

struct SessionOptions {
  Limits limits;
  ThreadPool* pool =
      nullptr;  ///< borrowed, must outlive the session; null: the calling thread only
  Precision precision = Precision::kFp32;
  bool low_memory = false;  ///< keep raw weights only, transform them on the fly
  bool reference = false;   ///< operator by operator as the model says: slow, for comparison
  /// "" = $VISAVIS_ISA or the best of this machine; "scalar", "avx2", "avx_vnni", "avx512",
  /// "avx512_vnni", "avx512_bf16", "amx".
  std::string isa;
};

/// A compiled network: packed weights shared by all callers, working memory per call.
/// Threads: Run is safe concurrently; each concurrent call holds its own working memory, which is
/// kept for reuse. The same input gives the same bits on every run, batch size and thread count on
/// one ISA.
class Session {
 public:
  /// Packs the weights, and plans the run if the model fixes its input shapes (for batch 1).
  /// Errors: kUnsupported names node, operator and opset; kInvalidArgument for
  /// an ISA that is unknown or not on this machine.
  static Result<Session> Create(const Model& model, const SessionOptions& options = {});
  /// The same, letting go of the model's weights as they are packed: a large network then needs
  /// little more memory than the session itself.
  static Result<Session> Create(Model&& model, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  struct Port {
    std::string name;
    DType dtype = DType::kF32;
    std::vector<std::int64_t> shape;  ///< -1 for extents chosen at run time
  };
  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;
  /// The ISA group that runs: "scalar", "avx2", "avx512", "avx512_bf16" or "amx".
  std::string_view isa() const;
  /// True if layers of the model are quantized and run on int8 kernels.
  bool quantized() const;

  /// Runs once. `inputs` in the order of inputs(); extents that the model fixes must agree, except
  /// the first, which may be any batch size the network itself allows. Outputs must not share
  /// memory with inputs; they are allocated if their shape or dtype
  /// differs from what is needed, and reused otherwise; after the first call with given shapes
  /// nothing else is allocated. Errors: kInvalidArgument for wrong counts, types or shapes;
  /// kLimitExceeded.
  Status Run(std::span<const TensorView> inputs, std::span<Tensor> outputs) const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace visavis
