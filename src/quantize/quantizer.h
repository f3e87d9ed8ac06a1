// Quantizer: calibration once, then one quantized graph per recipe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "model/graph/graph.h"
#include "quantize/insert.h"
#include "quantize/observe.h"
#include "quantize/prepare.h"
#include "quantize/recipe.h"
#include "visavis/result.h"

namespace visavis {

struct CalibrationData {
  std::span<const Sample> samples;
  /// How pixels became the samples, if they did.
  std::optional<PixelGrid> pixels;
};

/// Quantizes one network by any number of recipes. What calibration saw is kept, so that a second
/// recipe costs little. The samples must outlive it.
/// Threads: one at a time.
class Quantizer {
 public:
  /// Errors: those of PrepareForQuantization; kInvalidArgument without samples.
  static Result<Quantizer> Create(const Graph& graph, CalibrationData data, bool for_qoperator,
                                  QuantizeHooks hooks);

  /// The quantized network. Errors: those of running the float network on the samples; kCancelled.
  Result<Graph> Quantize(const Recipe& recipe);

  /// The names of all layers, in order.
  std::vector<std::string> LayerNames() const;

 private:
  /// The float network as it is, or with its channels equalised, and what was seen of it.
  struct Calibrated {
    Graph graph;
    std::optional<PixelGrid> grid;
    std::map<ValueId, ChannelStatistics> statistics;
    std::map<ValueId, ValueHistogram> histograms;
    std::map<int, std::vector<Moments>> moments;  ///< by node of a layer
    /// Scales chosen before, by what the choice depends on: a search asks for them again and again.
    std::map<std::tuple<ValueId, RangeMethod, double, bool, bool>, ActivationScale> scales;
  };

  Quantizer(Graph prepared, CalibrationData data, bool for_qoperator, QuantizeHooks hooks)
      : prepared_(std::move(prepared)),
        data_(data),
        for_qoperator_(for_qoperator),
        hooks_(std::move(hooks)) {}

  Result<Calibrated*> Calibrate(const Recipe& recipe);
  Status EqualizeChannels(Graph& graph) const;
  Status ObserveMoments(Calibrated& calibrated) const;
  std::map<ValueId, ActivationScale> Scales(Calibrated& calibrated, const QuantizedValues& chosen,
                                            const Recipe& recipe) const;

  Graph prepared_;
  CalibrationData data_;
  bool for_qoperator_;
  QuantizeHooks hooks_;
  std::map<bool, Calibrated> calibrated_;  // by Recipe::equalize
};

}  // namespace visavis
