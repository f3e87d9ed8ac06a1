// What `visavis quantize` writes and prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json_output.h"
#include "quantize/record.h"
#include "quantize/tune.h"
#include "visavis/model.h"

namespace visavis::cli {

/// The trials as a table, line by line; nothing if not `enabled`.
class TrialTable {
 public:
  explicit TrialTable(bool enabled) : enabled_(enabled) {}
  void Print(const Trial& trial);

 private:
  bool enabled_;
  bool has_head_ = false;
};

struct WrittenFile {
  ModelInfo info;
  std::int64_t float_bytes = 0;
  std::string contract;  ///< path
};
/// Writes the network with its record in the metadata, and the contract beside it: that of the
/// float model, if it has one, or a new one.
Result<WrittenFile> WriteQuantized(const std::string& model_path, const std::string& path,
                                   const QuantizationSource& source, TuneResult& result);

struct QuantizeReport {
  const QuantizationSource& source;
  const TuneResult& result;
  const Verdict& verdict;
  std::optional<WrittenFile> file;
};
Json ReportAsJson(const QuantizeReport& report);
void PrintReport(const QuantizeReport& report, const std::string& path);

}  // namespace visavis::cli
