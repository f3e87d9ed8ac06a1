// What `visavis evaluate` writes besides its terminal summary and JSON.
#pragma once

#include <string>

#include "command_line.h"
#include "evaluate/report.h"
#include "visavis/result.h"

namespace visavis::cli {

/// Pages and pictures of a report.
struct EvaluateOutputs {
  std::string page;   ///< --report FILE
  std::string plots;  ///< --plots DIR

  /// Declares their options.
  void AddTo(CLI::App& command);
  /// Errors: kUnsupported if a page is asked for and this build has none; to be known before the
  /// work is done.
  Status Check() const;
  /// Writes those asked for. `crops` shows the faces of pairs.
  Status Write(const EvaluationReport& report, const CropSource& crops) const;
};

}  // namespace visavis::cli
