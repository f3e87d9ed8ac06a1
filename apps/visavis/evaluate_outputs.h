// What `visavis evaluate` writes besides its terminal summary and JSON.
#pragma once

#include "command_line.h"
#include "evaluate/report.h"
#include "visavis/result.h"

namespace visavis::cli {

/// Pages and pictures of a report.
struct EvaluateOutputs {
  /// Declares their options.
  void AddTo(CLI::App& command);
  /// Writes those asked for. `crops` shows the faces of pairs.
  Status Write(const EvaluationReport& report, const CropSource& crops) const;
};

}  // namespace visavis::cli
