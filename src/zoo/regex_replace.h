// Regular expressions of Open Model Zoo's postprocessing steps.
#pragma once

#include <string>
#include <string_view>

#include "visavis/result.h"

namespace visavis {

/// `text` with matches of `pattern` (Python's syntax, as far as PCRE2 shares it) replaced. The
/// replacement may hold \1..\99, \g<1>, \g<name>, \n, \t, \r and \\.
/// `count` 0 replaces all and wants at least one; otherwise exactly `count` must be found.
/// Matching is bounded: a pattern that would run for minutes is an error.
/// Errors: kCorruptData (pattern or replacement), kNotFound (too few matches), kLimitExceeded,
///         kUnsupported (PCRE2 not installed).
Result<std::string> RegexReplace(std::string_view text, const std::string& pattern,
                                 const std::string& replacement, int count);

}  // namespace visavis
