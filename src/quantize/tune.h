// The accuracy gate, and the search for a recipe that passes it.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quantize/faces.h"
#include "quantize/measure.h"
#include "quantize/quantizer.h"
#include "quantize/recipe.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

/// What a quantized network must keep.
struct Gate {
  FaceMetric metric = FaceMetric::kFlip;
  /// Largest drop of the metric: absolute (0.001 is 0.1 percentage points), or a share of the float
  /// network's value. Looked at only where there are pairs to measure with.
  double max_drop = 0.001;
  bool relative = false;
  double min_cosine = 0;    ///< mean cosine to the float network; 0: not looked at
  bool check_speed = true;  ///< must not be slower than the float network on this machine
};

/// "0.1pp" (percentage points) or "1%" (of the float network's value). Errors: kInvalidArgument.
Status ParseMaxDrop(std::string_view text, Gate& gate);

/// One recipe and what came of it.
struct Trial {
  Recipe recipe;
  Agreement nearness;                       ///< to the float network, on calibration samples
  std::optional<FaceAccuracy> accuracy;     ///< if measured on the pairs
  std::optional<Agreement> pairs_nearness;  ///< to the float network, on the pairs' crops
  bool passed = false;
};

/// Where finished trials are kept between runs. Both may be empty.
struct TrialJournal {
  /// What a recipe got before, with accuracy if it was measured on the pairs.
  std::function<std::optional<Trial>(const Recipe&)> find;
  std::function<Status(const Trial&)> add;
};

struct TuneOptions {
  Gate gate;
  bool search = true;  ///< look for other recipes if the first one fails
  TrialJournal journal;
  QuantizeHooks hooks;
  /// Told of every trial when it is done; may be empty.
  std::function<void(const Trial&)> on_trial;
};

struct TuneResult {
  Graph graph;                ///< of the best trial
  Trial best;                 ///< `passed` if the gate holds
  std::vector<Trial> trials;  ///< in the order made
  std::optional<FaceAccuracy> float_accuracy;
  Speeds speeds;
  bool slower = false;  ///< by more than the measurement's noise (2 %)
};

/// Tries `first`. If it fails the gate and a search is wanted: all range methods with and without
/// equalisation, adaptive rounding and a float residual stream, in order of nearness on calibration
/// samples, the best three measured; then the best of them with its most sensitive layers left
/// float, 1, 2, 4, ... of them (sensitivity: how far the network moves when that layer alone is
/// quantized). Ends with the first that passes. Without pairs only nearness is looked at.
/// Errors: those of the parts; kCancelled.
Result<TuneResult> Tune(const Model& float_model, Quantizer& quantizer, const Recipe& first,
                        std::span<const Sample> samples, const FaceSet* pairs,
                        const TuneOptions& options);

/// Whether a result may be written, and why not.
struct Verdict {
  bool accepted = false;
  std::vector<std::string> reasons;
};
Verdict Judge(const TuneResult& result, const Gate& gate);

}  // namespace visavis
