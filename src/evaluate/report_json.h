// An evaluation as JSON, and back. docs/formats/evaluation-report.md
#pragma once

#include <string>
#include <string_view>

#include "evaluate/report.h"
#include "visavis/result.h"

namespace visavis {

/// The document, indented by two. Text that is no UTF-8 gets U+FFFD.
std::string ReportToJson(const EvaluationReport& report);

/// What a baseline is compared by: labels, protocols, points, rates. Lists of pairs, curves and
/// images are left empty. Errors: kCorruptData (no JSON, or not a report), kUnsupported (a version
/// above ours).
Result<EvaluationReport> ParseReport(std::string_view text, const std::string& name);

}  // namespace visavis
