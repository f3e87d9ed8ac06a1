// What follows the integer sum of a quantized node, as a plan binds it to memory.
#pragma once

#include <optional>
#include <vector>

#include "model/graph/graph.h"
#include "model/graph/passes/quantization.h"
#include "runtime/fast/fused_node.h"
#include "runtime/fast/quant_value.h"
#include "runtime/step.h"

namespace visavis {

/// Where the results go.
struct QuantSpecs {
  BlockedSpec out;     ///< store kU8 where the result is quantized
  Border copy_border;  ///< of the second output, if there is one
};

/// The real numbers behind a quantized node, before they are divided by scales.
struct QuantTailParts {
  int channels = 0;
  std::vector<double> scale;  ///< of one unit of the sum, by channel
  std::vector<double> shift;
  FusedEpilogue activation;  ///< bias unused
  bool has_residual = false;
  bool residual_first = false;
  std::optional<Quantization> residual;
  std::optional<Quantization> out;
  std::optional<Quantization> copy;
  std::vector<double> copy_scale;
  std::vector<double> copy_shift;
  /// Bytes and their residual are added as ONNX Runtime's QLinearAdd does it: stored values, all
  /// zero points in one term. `x` is what the sum stands for.
  std::optional<Quantization> added_to;
};

/// Vectors of the epilogue, and how it is bound. Bytes out: all are in units of the result's scale.
class QuantTail {
 public:
  QuantTail() = default;
  QuantTail(const QuantTailParts& parts, QuantSpecs specs);

  /// Declares outputs 0 and, if there is a copy, 1, of dimensions `out`.
  Status SetOutputs(InferContext& context, const Nchw& out) const;
  bool has_residual() const { return has_residual_; }
  bool has_copy() const { return copy_.has_value(); }
  bool quantizes() const { return out_.has_value(); }

 private:
  friend class BoundTail;
  void AddAsStored(const Quantization& x);

  bool has_residual_ = false;
  bool residual_first_ = false;
  std::optional<Quantization> residual_;
  std::optional<Quantization> out_;
  std::optional<Quantization> copy_;
  QuantSpecs specs_;
  Activation activation_ = Activation::kNone;
  float lo_ = 0;
  float hi_ = 0;
  float addend_scale_ = 1;
  int addend_zero_ = 0;
  int out_zero_ = 0;
  std::vector<float> scale_, shift_, slope_, copy_scale_, copy_shift_;
};

/// A tail with the values of one plan.
class BoundTail {
 public:
  /// `residual_input`: which input of the node it is. `tail` must outlive this.
  BoundTail(const QuantTail& tail, const KernelTable& kernels, const NodeTypes& types,
            int residual_input);

  const Nchw& dims() const { return dims_; }
  /// True if no border separates the rows of any value.
  bool gapless() const;
  void FillBorders(const StepContext& context) const;

  /// One image's epilogue; points into itself.
  struct Image {
    QuantEpilogue epilogue;
    BlockedIn addend;
    BlockedOut out;
    Image() = default;
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
  };
  /// From row `row` on.
  void Bind(const StepContext& context, int image, int row, Image& bound) const;

 private:
  const QuantTail& tail_;
  const KernelTable& kernels_;
  int residual_input_;
  Nchw dims_;
  BlockedValue float_residual_, float_out_;
  bool float_gapless_ = true;
  QuantValue residual_, out_, copy_;
};

/// "avx512_vnni c64 int8".
std::string QuantKernelName(const KernelTable& kernels);

/// The operands of an integer sum: where it starts, and what its unit and the rest of the bias are.
struct QuantSumParts {
  std::vector<std::int32_t> start;  ///< padded to whole blocks of 64
  std::vector<double> shift;
};
/// `weights` is [out][depth]. The bias goes into the start in whole units, so that integer biases
/// stay integers; `shift` is what is left of it.
QuantSumParts StartsOf(const Tensor& weights, const std::vector<double>& unit,
                       const std::vector<double>& bias, int x_zero);

/// The parts of a quantized FusedConv.
QuantTailParts TailOf(const Graph& graph, const Node& conv, const FusedConvNode& read);

}  // namespace visavis
