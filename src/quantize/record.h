// What is kept of a quantization as JSON: in the file's metadata, in its contract, in the journal
// of trials, and on standard output. docs/quantization.md
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file_system.h"
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

/// Trials in a file of one JSON object a line, so that a search that was stopped goes on where it
/// was. Lines of another network, calibration or set of pairs are not looked at. Created when the
/// first trial is added; Remove once the result is written.
class JournalFile {
 public:
  /// Reads what is there, unless `fresh`. Errors: those of reading; a broken line ends the journal.
  static Result<std::unique_ptr<JournalFile>> Open(FileSystem& fs, const std::string& path,
                                                   const QuantizationSource& source, bool fresh);
  TrialJournal Hooks();
  void Remove();
  std::size_t known() const { return known_.size(); }

 private:
  JournalFile(FileSystem& fs, std::string path, std::string key)
      : fs_(fs), path_(std::move(path)), key_(std::move(key)) {}
  Status Append(const Trial& trial);

  FileSystem& fs_;
  std::string path_;
  std::string key_;
  std::string text_;  // of the lines kept
  std::map<std::string, Trial> known_;
};

}  // namespace visavis
