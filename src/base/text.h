// Text that must not break the file or terminal it is written to.
#pragma once

#include <string>
#include <string_view>

namespace visavis {

/// As a CSV field, quoted where RFC 4180 asks for it.
std::string CsvField(std::string_view text);
/// As a field of a tab-separated file: backslash, tab, line feed and carriage return become \\, \t,
/// \n and \r.
std::string TsvField(std::string_view text);
/// With control characters as \xNN, for messages: one line, and no power over a terminal.
std::string OneLine(std::string_view text);
/// With U+FFFD for every byte that is not part of well-formed UTF-8 (RFC 3629).
std::string ValidUtf8(std::string_view text);

}  // namespace visavis
