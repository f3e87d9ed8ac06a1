// What is kept of a quantization as JSON: in the file's metadata, in its contract, in the journal
// of trials, and on standard output. docs/quantization.md
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "quantize/tune.h"

namespace visavis {

nlohmann::ordered_json RecipeAsJson(const Recipe& recipe);
nlohmann::ordered_json AccuracyAsJson(const FaceAccuracy& accuracy);
nlohmann::ordered_json TrialAsJson(const Trial& trial);

/// Where everything came from.
struct QuantizationSource {
  std::string model_sha256;
  std::string calibration;  ///< FaceSet::description or TensorSet::description
  std::string calibration_sha256;
  std::size_t samples = 0;
  std::uint64_t seed = 1;
  std::string pairs;  ///< FaceSet::description; empty: nothing was measured
  std::string pairs_sha256;
};

/// The record of one quantization: source, recipe, nearness, accuracy before and after.
nlohmann::ordered_json RecordAsJson(const QuantizationSource& source, const TuneResult& result);

}  // namespace visavis
