// Built where Node.js or npm could not be had (cmake/report_page.cmake).
#include "report/page_text.h"

namespace visavis {

std::string_view ReportPageText() { return {}; }

}  // namespace visavis
