// FusedConv and FusedGemm nodes, read into what kernels want.
#pragma once

#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "model/graph/graph.h"
#include "model/graph/passes/fused_ops.h"
#include "runtime/fast/blocked.h"

namespace visavis {

/// What follows the sum of a fused node; owns what an Epilogue points to.
struct FusedEpilogue {
  PerChannel bias;
  PerChannel slope;  ///< kPrelu only
  Activation activation = Activation::kNone;
  float lo = 0;
  float hi = 0;

  /// Without residual.
  Epilogue Kernel() const;
};

/// The float weights of a fused node as its file has them, and the scales passes folded.
class ScaledWeights {
 public:
  ScaledWeights() = default;
  /// `in_scale` has `in` elements, or a divisor of it, or none; `out_scale` has `out` or none.
  ScaledWeights(std::shared_ptr<const Tensor> weights, int out, int in,
                std::vector<double> in_scale, std::vector<double> out_scale);

  /// Rows [begin, end) of [out][in][taps], scaled in double and rounded once.
  std::vector<float> Rows(int begin, int end) const;
  int out() const { return out_; }
  int in() const { return in_; }
  double bytes() const { return weights_ == nullptr ? 0 : double{4} * out_ * in_ * taps_; }
  /// Rows [begin, end) are not needed any more: where nobody else holds the weights, their memory
  /// goes back to the system at once. Threads: safe concurrently with Rows and itself for others.
  void DiscardRows(int begin, int end) const;
  /// Lets go of the file's weights; Rows must not be called any more.
  void Release() { weights_ = nullptr; }

 private:
  std::shared_ptr<const Tensor> weights_;
  int out_ = 0;
  int in_ = 0;
  int taps_ = 0;
  std::vector<double> in_scale_;
  std::vector<double> out_scale_;
};

/// A FusedConv.
struct FusedConvNode {
  ConvGeometry geometry;
  ConvShape shape;  ///< in_channels: per group
  bool depthwise = false;
  ScaledWeights weights;
  FusedEpilogue epilogue;
  bool has_residual = false;
  bool residual_first = false;

  /// The spatial result for an input of h x w pixels. kInvalidArgument if it would be empty.
  Result<Nchw> OutputOf(const Nchw& input) const;
};
/// kInvalidArgument unless the node's residual, input 1, if it has one, is shaped like `out`.
Status CheckResidual(const FusedConvNode& node, const InferContext& context, const Nchw& out);
/// The activation of a fused node, slopes at input `slope_input`; bias empty.
FusedEpilogue ReadActivation(const Graph& graph, const Node& node, std::size_t slope_input,
                             int channels);
FusedConvNode ReadFusedConv(const Graph& graph, const Node& node);

/// A FusedGemm.
struct FusedGemmNode {
  ScaledWeights weights;
  FusedEpilogue epilogue;
};
FusedGemmNode ReadFusedGemm(const Graph& graph, const Node& node);

}  // namespace visavis
