#include "evaluate_outputs.h"

#include <span>

#include "base/file_system.h"
#include "base/try.h"
#include "report/page.h"
#include "report/plots.h"

namespace visavis::cli {

void EvaluateOutputs::AddTo(CLI::App& command) {
  command.add_option("--report", page, "Interactive page (.html) that needs no network");
  command.add_option("--plots", plots, "Folder for each plot as SVG and PNG");
}

Status EvaluateOutputs::Check() const {
  if (page.empty() || HasReportPage()) return {};
  return ReportPage({}, {}).error();
}

Status EvaluateOutputs::Write(const EvaluationReport& report, const CropSource& crops) const {
  FileSystem& fs = FileSystem::Real();
  if (!plots.empty()) VISAVIS_RETURN_IF_ERROR(WritePlots(fs, plots, PlotsOf(report)));
  if (page.empty()) return {};
  VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReportPage(report, CropsOf(report, crops)));
  return WriteFileAtomically(fs, page,
                             {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace visavis::cli
