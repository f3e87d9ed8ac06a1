// Published networks known by their weights, so that a changed file can be told from another
// network and the change named.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/image.h"
#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

/// One layer with weights: a convolution, BatchNormalization, PReLU or fully connected layer.
struct LayerPrint {
  std::string op;     ///< ONNX's name
  std::string name;   ///< of the node; plays no part in comparisons
  float epsilon = 0;  ///< BatchNormalization
  struct Weights {
    std::string role;  ///< "weight", "bias", "gamma", "beta", "mean", "variance", "slope"
    std::int64_t elements = 0;
    std::string sha256;  ///< of the float32 values, little-endian; first 16 digits
    double rms = 0;      ///< root of the mean square: survives rounding to half precision
  };
  std::vector<Weights> weights;
};

/// A published network as it must be.
struct KnownNetwork {
  std::string name;         ///< in the registry
  std::string description;  ///< one line
  std::string channel_order;
  std::array<double, 3> mean{};  ///< inside the graph
  std::array<double, 3> scale{1, 1, 1};
  std::string face_template;
  std::vector<LayerPrint> layers;
  Embedding pattern_embedding;  ///< of TestPattern(112)
};

/// The networks built into the library.
const std::vector<KnownNetwork>& KnownNetworks();

/// A colourful picture without symmetry, the same on every machine: for golden vectors that need no
/// face.
Image TestPattern(int side_px);

/// The layers of a graph in their order.
std::vector<LayerPrint> PrintLayers(const Graph& graph);
/// JSON of a KnownNetwork, for models/known/NAME.json.
Result<std::string> KnownNetworkText(const Graph& graph, const std::string& name);
Result<KnownNetwork> ParseKnownNetwork(std::string_view json, std::string_view where);

/// One difference between a graph and the network it is known to be.
struct WeightDifference {
  enum class Kind {
    kChannelsReversed,  ///< input channels of the first convolution in reverse order
    kTransposed,        ///< rows and columns of kernels exchanged
    kEpsilon,           ///< of BatchNormalization
    kGamma,             ///< scale of BatchNormalization
    kRounded,           ///< values stored with less precision
    kOther
  };
  Kind kind = Kind::kOther;
  std::string layers;  ///< "conv_1_conv2d", or the first of them and how many
  std::string found;
  std::string wanted;
  int count = 0;  ///< layers
};

struct WeightMatch {
  const KnownNetwork* network = nullptr;
  int tensors = 0;  ///< compared
  int equal = 0;    ///< the same bits
  std::vector<WeightDifference> differences;
};
/// The known network whose layers these are: same sequence, and most weights the same, perhaps
/// transposed, reversed or rounded. Nothing if there is none.
std::optional<WeightMatch> FindKnownNetwork(const Graph& graph);

}  // namespace visavis
