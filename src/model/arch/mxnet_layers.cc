#include "model/arch/mxnet_layers.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/check.h"
#include "model/arch/weight_random.h"

namespace visavis {
namespace {

// Pixels 0..255, as uniform noise: the scale matters, the exact law does not.
constexpr double kPixelMean = 127.5;
constexpr double kPixelVariance = 255.0 * 255.0 / 12.0;

// MXNet's training default, kept in the exported attribute.
constexpr float kBatchNormMomentum = 0.9f;

constexpr double kInverseSqrtTwoPi = 0.3989422804014327;

// Mean and variance of PReLU(x) for normal x, by the series of the normal integral around 0 to
// second order in mean/deviation: BatchNorm in front keeps that ratio small, and plain arithmetic
// gives the same bits everywhere.
void MomentsOfPRelu(double slope, double& mean, double& variance) {
  const double deviation = std::sqrt(variance);
  const double positive_mean =
      deviation * kInverseSqrtTwoPi + mean / 2 + mean * mean * kInverseSqrtTwoPi / (2 * deviation);
  const double positive_square =
      (variance + mean * mean) / 2 + 2 * mean * deviation * kInverseSqrtTwoPi;
  const double square = variance + mean * mean;
  const double out_mean = slope * mean + (1 - slope) * positive_mean;
  const double out_square = slope * slope * square + (1 - slope * slope) * positive_square;
  mean = out_mean;
  variance = out_square - out_mean * out_mean;
}

// Moments of sums of independent inputs: each output of a convolution or a fully connected layer.
// `weights` is outputs x (inputs per group) x taps.
Moments MomentsOfLinear(std::span<const float> weights, int outputs, int groups,
                        const Moments& in) {
  const std::size_t group_in = in.mean.size() / static_cast<std::size_t>(groups);
  const std::size_t group_out = static_cast<std::size_t>(outputs / groups);
  const std::size_t taps = weights.size() / static_cast<std::size_t>(outputs) / group_in;
  Moments out;
  const float* w = weights.data();
  for (std::size_t o = 0; o < static_cast<std::size_t>(outputs); ++o) {
    double mean = 0;
    double variance = 0;
    const std::size_t first_in = o / group_out * group_in;
    for (std::size_t i = first_in; i < first_in + group_in; ++i) {
      double sum = 0;
      double sum_squares = 0;
      for (std::size_t t = 0; t < taps; ++t, ++w) {
        const double weight = *w;
        sum += weight;
        sum_squares += weight * weight;
      }
      mean += sum * in.mean[i];
      variance += sum_squares * in.variance[i];
    }
    out.mean.push_back(mean);
    out.variance.push_back(variance);
  }
  return out;
}

std::vector<std::int64_t> Pair(int value) { return {value, value}; }

}  // namespace

MxnetLayers::MxnetLayers(std::string_view graph_name, std::uint64_t seed) : seed_(seed) {
  graph_.name = graph_name;
  graph_.opset = 8;
  graph_.producer = "visavis";
}

Feature MxnetLayers::Input(const std::string& name, int channels, int side) {
  const ValueId id = graph_.AddValue(name);
  graph_.value(id).shape =
      std::vector<Dim>{Dim{-1, "N"}, Dim{channels, ""}, Dim{side, ""}, Dim{side, ""}};
  graph_.inputs.push_back(id);
  ++index_;
  const auto n = static_cast<std::size_t>(channels);
  return {id, side, {std::vector<double>(n, kPixelMean), std::vector<double>(n, kPixelVariance)}};
}

Feature MxnetLayers::Identity(const std::string& name, const Feature& x) {
  return {Append("Identity", name, {x.id}).outputs[0], x.side, x.moments};
}

Feature MxnetLayers::SubtractScalar(const std::string& name, const Feature& x, float scalar) {
  Feature y = ScalarOp("Sub", name, x, scalar);
  for (double& mean : y.moments.mean) mean -= scalar;
  return y;
}

Feature MxnetLayers::MultiplyScalar(const std::string& name, const Feature& x, float scalar) {
  Feature y = ScalarOp("Mul", name, x, scalar);
  for (double& mean : y.moments.mean) mean *= scalar;
  for (double& variance : y.moments.variance) variance *= scalar * scalar;
  return y;
}

Feature MxnetLayers::ScalarOp(std::string op_type, const std::string& name, const Feature& x,
                              float scalar) {
  const ValueId constant = graph_.AddConstant("scalar_op" + std::to_string(index_),
                                              Tensor::From<float>({1}, std::span(&scalar, 1)));
  return {Append(std::move(op_type), name, {x.id, constant}).outputs[0], x.side, x.moments};
}

Feature MxnetLayers::Conv(const std::string& name, const Feature& x, const ConvLayer& shape) {
  const int group_in = x.channels() / shape.groups;
  const int fan_in = group_in * shape.kernel * shape.kernel;
  const ValueId weight =
      Parameter(name + "_weight", {shape.out_channels, group_in, shape.kernel, shape.kernel}, 0,
                std::sqrt(2.0 / fan_in));
  Node& node = Append("Conv", name, {x.id, weight});
  node.attributes = {{"kernel_shape", Pair(shape.kernel)},
                     {"strides", Pair(shape.stride)},
                     {"dilations", Pair(1)},
                     {"pads", std::vector<std::int64_t>(4, shape.pad)},
                     {"group", std::int64_t{shape.groups}}};
  const int side = (x.side + 2 * shape.pad - shape.kernel) / shape.stride + 1;
  return {
      node.outputs[0], side,
      MomentsOfLinear(TensorOf(weight).data<float>(), shape.out_channels, shape.groups, x.moments)};
}

Feature MxnetLayers::BatchNorm(const std::string& name, const Feature& x,
                               const BatchNormLayer& shape) {
  const std::int64_t channels = x.channels();
  const ValueId gamma =
      Parameter(name + "_gamma", {channels}, shape.gain, shape.fix_gamma ? 0 : 0.1 * shape.gain);
  const ValueId beta = Parameter(name + "_beta", {channels}, 0, 0.1 * shape.gain);
  const ValueId mean = Parameter(name + "_moving_mean", x.moments.mean);
  const ValueId variance = Parameter(name + "_moving_var", x.moments.variance);
  Node& node = Append("BatchNormalization", name, {x.id, gamma, beta, mean, variance});
  node.attributes = {
      {"epsilon", shape.epsilon}, {"momentum", kBatchNormMomentum}, {"spatial", std::int64_t{1}}};
  Feature y{node.outputs[0], x.side, x.moments};
  const auto gammas = TensorOf(gamma).data<float>();
  const auto betas = TensorOf(beta).data<float>();
  for (std::size_t c = 0; c < gammas.size(); ++c) {
    double& v = y.moments.variance[c];
    y.moments.mean[c] = betas[c];
    v = static_cast<double>(gammas[c]) * gammas[c] * v / (v + shape.epsilon);
  }
  return y;
}

Feature MxnetLayers::PRelu(const std::string& name, const Feature& x) {
  const ValueId slope = Parameter(name + "_gamma", {x.channels()}, 0.25, 0.05);
  const std::string index = std::to_string(index_);
  const std::int64_t per_channel[] = {1, -1, 1, 1};
  const ValueId shape =
      graph_.AddConstant("reshape" + index, Tensor::From<std::int64_t>({4}, per_channel));
  const ValueId reshaped = Append("Reshape", "slope" + index, {slope, shape}).outputs[0];
  --index_;  // the exporter's own node, not in MXNet's list
  Feature y{Append("PRelu", name, {x.id, reshaped}).outputs[0], x.side, x.moments};
  const auto slopes = TensorOf(slope).data<float>();
  for (std::size_t c = 0; c < slopes.size(); ++c) {
    MomentsOfPRelu(slopes[c], y.moments.mean[c], y.moments.variance[c]);
  }
  return y;
}

Feature MxnetLayers::Add(const Feature& a, const Feature& b) {
  VISAVIS_CHECK(a.channels() == b.channels() && a.side == b.side);
  const std::string name = "_plus" + std::to_string(sums_++);
  Feature y{Append("Add", name, {a.id, b.id}).outputs[0], a.side, a.moments};
  for (std::size_t c = 0; c < y.moments.mean.size(); ++c) {
    y.moments.mean[c] += b.moments.mean[c];
    y.moments.variance[c] += b.moments.variance[c];
  }
  return y;
}

Feature MxnetLayers::Dropout(const std::string& name, const Feature& x, float ratio) {
  Node& node = Append("Dropout", name, {x.id});
  node.attributes = {{"ratio", ratio}};
  return {node.outputs[0], x.side, x.moments};
}

Feature MxnetLayers::FullyConnected(const std::string& name, const std::string& weight_name,
                                    const Feature& x, int outputs) {
  const std::int64_t inputs = static_cast<std::int64_t>(x.channels()) * x.side * x.side;
  const ValueId weight =
      Parameter(weight_name, {outputs, inputs}, 0, std::sqrt(1.0 / static_cast<double>(inputs)));
  const ValueId bias = Parameter(name + "_bias", {outputs}, 0, 0.1);
  const ValueId flat = Append("Flatten", "flatten_" + std::to_string(index_), {x.id}).outputs[0];
  --index_;  // the exporter's own node, not in MXNet's list
  Node& node = Append("Gemm", name, {flat, weight, bias});
  node.attributes = {
      {"alpha", 1.0f}, {"beta", 1.0f}, {"transA", std::int64_t{0}}, {"transB", std::int64_t{1}}};
  Feature y{node.outputs[0], 0,
            MomentsOfLinear(TensorOf(weight).data<float>(), outputs, 1, x.moments)};
  const auto biases = TensorOf(bias).data<float>();
  for (std::size_t c = 0; c < biases.size(); ++c) y.moments.mean[c] += biases[c];
  return y;
}

Graph MxnetLayers::Finish(const Feature& x) {
  graph_.value(x.id).shape = std::vector<Dim>{Dim{-1, "N"}, Dim{x.channels(), ""}};
  graph_.outputs.push_back(x.id);
  return std::move(graph_);
}

ValueId MxnetLayers::Parameter(const std::string& name, Shape shape, double mean,
                               double deviation) {
  Tensor tensor(DType::kF32, std::move(shape));
  WeightRandom(seed_, name).FillNormal(tensor.data<float>(), mean, deviation);
  ++index_;
  return graph_.AddConstant(name, std::move(tensor));
}

ValueId MxnetLayers::Parameter(const std::string& name, const std::vector<double>& values) {
  Tensor tensor(DType::kF32, {static_cast<std::int64_t>(values.size())});
  std::transform(values.begin(), values.end(), tensor.data<float>().begin(),
                 [](double value) { return static_cast<float>(value); });
  ++index_;
  return graph_.AddConstant(name, std::move(tensor));
}

Node& MxnetLayers::Append(std::string op_type, const std::string& name,
                          std::vector<ValueId> inputs) {
  Node node;
  node.name = name;
  node.op_type = std::move(op_type);
  node.inputs = std::move(inputs);
  node.outputs = {graph_.AddValue(name)};
  graph_.nodes.push_back(std::move(node));
  ++index_;
  return graph_.nodes.back();
}

}  // namespace visavis
