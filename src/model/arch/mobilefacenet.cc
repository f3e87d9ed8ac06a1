#include "model/arch/mobilefacenet.h"

#include <string>

#include "model/arch/mxnet_layers.h"

namespace visavis {
namespace {

constexpr int kEmbedding = 128;
// The published symbol leaves epsilon out, and MXNet's default is 1e-3.
constexpr float kEpsilon = 1e-3f;

Feature LinearConv(MxnetLayers& net, const std::string& name, const Feature& x,
                   const ConvLayer& shape, double gain = 1) {
  const Feature y = net.Conv(name + "_conv2d", x, shape);
  return net.BatchNorm(name + "_batchnorm", y, {.epsilon = kEpsilon, .gain = gain});
}

Feature ConvPRelu(MxnetLayers& net, const std::string& name, const Feature& x,
                  const ConvLayer& shape) {
  return net.PRelu(name + "_relu", LinearConv(net, name, x, shape));
}

// Expand by 1x1 to `width`, filter each channel by 3x3, project by 1x1 without activation.
Feature Bottleneck(MxnetLayers& net, const std::string& name, const Feature& x, int channels,
                   int stride, int width, double gain = 1) {
  Feature y = ConvPRelu(net, name + "_conv_sep", x, {.out_channels = width});
  y = ConvPRelu(net, name + "_conv_dw", y,
                {.out_channels = width, .kernel = 3, .stride = stride, .pad = 1, .groups = width});
  return LinearConv(net, name + "_conv_proj", y, {.out_channels = channels}, gain);
}

Feature ResidualBlocks(MxnetLayers& net, const std::string& name, Feature x, int blocks,
                       int width) {
  for (int i = 0; i < blocks; ++i) {
    // Half gain: the sum over the blocks stays near the scale of one.
    const Feature y =
        Bottleneck(net, name + "_block" + std::to_string(i), x, x.channels(), 1, width, 0.5);
    x = net.Add(y, x);
  }
  return x;
}

}  // namespace

Graph BuildMobileFaceNet(std::string_view graph_name, std::uint64_t seed) {
  MxnetLayers net(graph_name, seed);
  Feature x = net.Input("data", 3, 112);
  x = net.SubtractScalar("_minusscalar0", x, 127.5f);
  x = net.MultiplyScalar("_mulscalar0", x, 0.0078125f);
  x = ConvPRelu(net, "conv_1", x, {.out_channels = 64, .kernel = 3, .stride = 2, .pad = 1});
  x = ConvPRelu(net, "conv_2_dw", x, {.out_channels = 64, .kernel = 3, .pad = 1, .groups = 64});
  x = Bottleneck(net, "dconv_23", x, 64, 2, 128);
  x = ResidualBlocks(net, "res_3", x, 4, 128);
  x = Bottleneck(net, "dconv_34", x, 128, 2, 256);
  x = ResidualBlocks(net, "res_4", x, 6, 256);
  x = Bottleneck(net, "dconv_45", x, 128, 2, 512);
  x = ResidualBlocks(net, "res_5", x, 2, 256);
  x = ConvPRelu(net, "conv_6sep", x, {.out_channels = 512});
  x = LinearConv(net, "conv_6dw7_7", x, {.out_channels = 512, .kernel = 7, .groups = 512});
  x = net.FullyConnected("pre_fc1", "fc1_weight", x, kEmbedding);
  return net.Finish(net.BatchNorm("fc1", x, {.fix_gamma = true}));
}

}  // namespace visavis
