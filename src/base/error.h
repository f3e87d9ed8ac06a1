// MakeError: an Error with a formatted message.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "visavis/result.h"

namespace visavis {

/// An Error whose message is fmt::format(format, args...). Say where, what was found, what was
/// wanted.
template <typename... Args>
Error MakeError(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace visavis
