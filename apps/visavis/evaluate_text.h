// An evaluation for people at a terminal.
#pragma once

#include <string>

#include "evaluate/report.h"

namespace visavis::cli {

/// Several lines, each ended.
std::string EvaluationText(const EvaluationReport& report);

}  // namespace visavis::cli
