#include "report/page.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/error.h"
#include "evaluate/report_json.h"
#include "report/page_text.h"

namespace visavis {
namespace {

constexpr std::string_view kMarker = "@DATA@";

/// JSON that may stand inside a script element: < > & only occur inside its strings, where they can
/// be written as escapes, and so do the two line separators that JavaScript once took for ends.
std::string ForScriptElement(std::string_view json) {
  std::string safe;
  safe.reserve(json.size() + json.size() / 64);
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '<') {
      safe += "\\u003c";
    } else if (c == '>') {
      safe += "\\u003e";
    } else if (c == '&') {
      safe += "\\u0026";
    } else if (json.substr(i, 3) == "\u2028" || json.substr(i, 3) == "\u2029") {
      safe += json[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string CropsAsJson(std::span<const ReportCrop> crops) {
  nlohmann::json json = nlohmann::json::object();
  for (const ReportCrop& crop : crops) {
    json[std::to_string(crop.image)] = "data:image/jpeg;base64," + EncodeBase64(crop.jpeg);
  }
  return json.dump();
}

}  // namespace

bool HasReportPage() { return !ReportPageText().empty(); }

Result<std::string> ReportPage(const EvaluationReport& report, std::span<const ReportCrop> crops) {
  const std::string_view page = ReportPageText();
  if (page.empty()) {
    return MakeError(ErrorCode::kUnsupported,
                     "--report: this build has no report page; build visavis where Node.js 18 or "
                     "later and npm are installed (Debian: nodejs npm), or use --plots and --json");
  }
  const std::size_t at = page.find(kMarker);
  std::string data = R"({"report":)" + ForScriptElement(ReportToJson(report)) + R"(,"crops":)" +
                     CropsAsJson(crops) + "}";
  std::string text;
  text.reserve(page.size() + data.size());
  text.append(page.substr(0, at)).append(data).append(page.substr(at + kMarker.size()));
  return text;
}

}  // namespace visavis
