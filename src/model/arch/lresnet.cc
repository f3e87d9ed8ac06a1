#include "model/arch/lresnet.h"

#include <string>

#include "model/arch/mxnet_layers.h"

namespace visavis {
namespace {

constexpr int kStemChannels = 64;
constexpr std::array<int, 4> kStageChannels = {64, 128, 256, 512};
constexpr int kEmbedding = 512;

// Halves what each unit adds, so that the sum over thirty units stays near the scale of one.
constexpr BatchNormLayer kResidualBatchNorm{.gain = 0.5};

// BN - Conv - BN - PReLU - Conv - BN, plus the unit's own input. The first unit of a stage halves
// the map in its second convolution and matches the input by a strided 1x1 convolution.
Feature ResidualUnit(MxnetLayers& net, const std::string& name, const Feature& x, int channels,
                     bool first) {
  const int stride = first ? 2 : 1;
  Feature y = net.BatchNorm(name + "_bn1", x, {});
  y = net.Conv(name + "_conv1", y, {.out_channels = channels, .kernel = 3, .pad = 1});
  y = net.BatchNorm(name + "_bn2", y, {});
  y = net.PRelu(name + "_relu1", y);
  y = net.Conv(name + "_conv2", y,
               {.out_channels = channels, .kernel = 3, .stride = stride, .pad = 1});
  y = net.BatchNorm(name + "_bn3", y, kResidualBatchNorm);
  if (!first) return net.Add(y, x);
  Feature shortcut =
      net.Conv(name + "_conv1sc", x, {.out_channels = channels, .kernel = 1, .stride = stride});
  shortcut = net.BatchNorm(name + "_sc", shortcut, {});
  return net.Add(y, shortcut);
}

// Output block E: BN - Dropout - FC - BN without a trained scale.
Feature OutputBlockE(MxnetLayers& net, const Feature& x) {
  Feature y = net.BatchNorm("bn1", x, {});
  y = net.Dropout("dropout0", y, 0.4f);
  y = net.FullyConnected("pre_fc1", "pre_fc1_weight", y, kEmbedding);
  return net.BatchNorm("fc1", y, {.fix_gamma = true});
}

}  // namespace

Graph BuildLResNetEIr(std::string_view graph_name, const std::array<int, 4>& units,
                      std::uint64_t seed) {
  MxnetLayers net(graph_name, seed);
  Feature x = net.Input("data", 3, 112);
  x = net.Identity("id", x);
  x = net.SubtractScalar("_minusscalar0", x, 127.5f);
  x = net.MultiplyScalar("_mulscalar0", x, 0.0078125f);
  x = net.Conv("conv0", x, {.out_channels = kStemChannels, .kernel = 3, .pad = 1});
  x = net.BatchNorm("bn0", x, {});
  x = net.PRelu("relu0", x);
  for (std::size_t stage = 0; stage < units.size(); ++stage) {
    for (int unit = 1; unit <= units[stage]; ++unit) {
      const std::string name = "stage" + std::to_string(stage + 1) + "_unit" + std::to_string(unit);
      x = ResidualUnit(net, name, x, kStageChannels[stage], unit == 1);
    }
  }
  return net.Finish(OutputBlockE(net, x));
}

}  // namespace visavis
