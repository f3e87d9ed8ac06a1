// Layers as MXNet's ONNX exporter wrote them, with weights that keep activations in scale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// Mean and variance that each channel of a value is expected to have.
struct Moments {
  std::vector<double> mean;
  std::vector<double> variance;
};

/// A value of the network under construction: N x channels x side x side, or N x channels (side 0).
struct Feature {
  ValueId id = kNoValue;
  int side = 0;
  Moments moments;
  int channels() const { return static_cast<int>(moments.mean.size()); }
};

/// A square convolution without bias.
struct ConvLayer {
  int out_channels = 0;
  int kernel = 1;
  int stride = 1;
  int pad = 0;
  int groups = 1;
};

struct BatchNormLayer {
  float epsilon = 2e-5f;
  double gain = 1;         ///< what gamma is drawn around
  bool fix_gamma = false;  ///< MXNet's name: gamma is exactly 1
};

/// Appends layers to a graph. A layer's node and its output value bear the layer's name, its
/// tensors the name and MXNet's suffixes.
class MxnetLayers {
 public:
  MxnetLayers(std::string_view graph_name, std::uint64_t seed);

  /// The run-time input, N x channels x side x side float32.
  Feature Input(const std::string& name, int channels, int side);
  Feature Identity(const std::string& name, const Feature& x);
  Feature SubtractScalar(const std::string& name, const Feature& x, float scalar);
  Feature MultiplyScalar(const std::string& name, const Feature& x, float scalar);
  Feature Conv(const std::string& name, const Feature& x, const ConvLayer& shape);
  Feature BatchNorm(const std::string& name, const Feature& x, const BatchNormLayer& shape);
  /// PReLU, one slope per channel.
  Feature PRelu(const std::string& name, const Feature& x);
  /// a + b, named `_plus0`, `_plus1`, ... as MXNet names sums that have no name.
  Feature Add(const Feature& a, const Feature& b);
  Feature Dropout(const std::string& name, const Feature& x, float ratio);
  /// Flatten and Gemm. MXNet lets the weights have any name.
  Feature FullyConnected(const std::string& name, const std::string& weight_name, const Feature& x,
                         int outputs);

  /// The finished graph with `x` as its output. Ends the builder's life.
  Graph Finish(const Feature& x);

 private:
  /// A constant drawn around `mean`, and its place in MXNet's node list.
  ValueId Parameter(const std::string& name, Shape shape, double mean, double deviation);
  ValueId Parameter(const std::string& name, const std::vector<double>& values);
  const Tensor& TensorOf(ValueId id) const { return *graph_.constant(id); }
  Node& Append(std::string op_type, const std::string& name, std::vector<ValueId> inputs);
  Feature ScalarOp(std::string op_type, const std::string& name, const Feature& x, float scalar);

  Graph graph_;
  std::uint64_t seed_;
  int index_ = 0;  // of the next node in MXNet's list, which counts parameters too
  int sums_ = 0;
};

}  // namespace visavis
