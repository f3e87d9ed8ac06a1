// Geometry of a window that slides over the spatial axes: convolution and pooling.
#pragma once

#include <array>
#include <cstdint>

#include "model/graph/graph.h"
#include "runtime/op.h"
#include "visavis/tensor.h"

namespace visavis {

/// One spatial axis of a window over inputs of a known extent.
struct WindowAxis {
  std::int64_t in = 1;
  std::int64_t out = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_begin = 0;
  std::int64_t pad_end = 0;

  /// First input index under output index `o`; may be outside.
  std::int64_t Start(std::int64_t o) const { return o * stride - pad_begin; }
};

/// Three axes, depth, height, width; missing ones have extent 1.
using Window = std::array<WindowAxis, 3>;

/// The attributes kernel_shape, strides, dilations, pads, auto_pad and ceil_mode of a node.
class WindowAttributes {
 public:
  /// kCorruptData or kUnsupported for values that are no window.
  static Result<WindowAttributes> Make(const Node& node);

  /// The window over the spatial axes of an NC... shape. `kernel` (from the weights) is used when
  /// the node names none, and must agree with it otherwise. kInvalidArgument if they do not fit.
  Result<Window> Resolve(const Shape& input, std::span<const std::int64_t> kernel = {}) const;

 private:
  enum class AutoPad { kNotSet, kValid, kSameUpper, kSameLower };

  Status ResolveAxis(std::size_t i, std::size_t axes, WindowAxis& axis) const;

  std::vector<std::int64_t> kernel_;
  std::vector<std::int64_t> strides_;
  std::vector<std::int64_t> dilations_;
  std::vector<std::int64_t> pads_;
  AutoPad auto_pad_ = AutoPad::kNotSet;
  bool ceil_mode_ = false;
};

/// The shape [n, channels, spatial...] of a window's output, with the rank of `input`.
Shape WindowOutputShape(const Shape& input, std::int64_t channels, const Window& window);

}  // namespace visavis
