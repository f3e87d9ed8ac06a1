// An evaluation as one self-contained HTML page.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "evaluate/report.h"
#include "report/crops.h"
#include "visavis/result.h"

namespace visavis {

/// Whether this build holds the page; it needs Node.js and npm at build time.
bool HasReportPage();

/// The page: scripts, styles, figures and crops in one file that loads nothing. Texts of the report
/// are data, never markup, whatever file names hold, and the page's content security policy permits
/// no script but its own. Errors: kUnsupported, saying how to get it, if the page was not built in.
Result<std::string> ReportPage(const EvaluationReport& report, std::span<const ReportCrop> crops);

}  // namespace visavis
