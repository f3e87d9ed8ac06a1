// Running a recognition network while looking inside: what it gives, and whether the signals before
// its BatchNormalization layers are those that its training saw.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/image.h"
#include "visavis/result.h"
#include "visavis/session.h"
#include "visavis/types.h"

namespace visavis {

/// What is done to a crop before the network sees it.
struct Preparation {
  bool bgr = false;
  bool transposed = false;  ///< rows and columns exchanged
  std::array<float, 3> mean{};
  std::array<float, 3> scale{1, 1, 1};  ///< (pixel - mean) x scale, in plane order
  friend bool operator==(const Preparation&, const Preparation&) = default;
};

/// One BatchNormalization: how far its input's statistics are from those stored in training.
struct LayerFit {
  std::string name;
  /// Mean over channels of the divergence (Kullback-Leibler, in nats) of two normal distributions:
  /// the one seen from the one stored. 0 = the same; a healthy network stays below about 0.1.
  double divergence = 0;
};

/// How far the layers' inputs are from training, taken together.
struct NetworkFit {
  double divergence = 0;  ///< mean over layers; 0 without layers
  double early = 0;       ///< of the first three: nearest to the pixels
};

struct ProbeResult {
  std::vector<Embedding> embeddings;
  std::vector<LayerFit> layers;  ///< in the order of the graph; empty if it has none
  NetworkFit fit;
  std::vector<NetworkFit> without;  ///< the same leaving out each group of crops in turn
};

/// Threads: Run is safe concurrently.
class ModelProbe {
 public:
  /// Errors: those of Session::Create; kInvalidArgument unless the graph takes one N x 3 x S x S
  /// input.
  static Result<ModelProbe> Create(const Graph& graph, const SessionOptions& options = {});

  bool has_statistics() const { return !layers_.empty(); }
  int crop_size_px() const { return side_px_; }

  /// `crops` must be square and of the network's size. `group_of`, if not empty, says to which of
  /// the groups 0, 1, ... each belongs.
  Result<ProbeResult> Run(std::span<const Image> crops, const Preparation& preparation,
                          std::span<const int> group_of = {}) const;

 private:
  struct Layer {
    std::string name;
    std::size_t output = 0;  // of the session: the layer's input
    std::vector<float> mean;
    std::vector<float> variance;
  };
  ModelProbe(Session session, std::vector<Layer> layers, int side_px, int fixed_batch)
      : session_(std::move(session)),
        layers_(std::move(layers)),
        side_px_(side_px),
        fixed_batch_(fixed_batch) {}

  Session session_;
  std::vector<Layer> layers_;
  int side_px_ = 112;
  int fixed_batch_ = 0;
};

}  // namespace visavis
