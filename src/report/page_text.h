// The page as web/report/build.mjs bundles it.
#pragma once

#include <string_view>

namespace visavis {

/// HTML with the marker @DATA@ where the report's JSON goes; empty if the page was not built in.
std::string_view ReportPageText();

}  // namespace visavis
