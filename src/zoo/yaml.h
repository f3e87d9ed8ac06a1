// YAML of untrusted files, as far as Open Model Zoo's model.yml needs it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "visavis/result.h"

namespace visavis {

/// Reads one YAML document. Every scalar becomes text, whatever it looks like; the reader of a key
/// knows what it wants. Aliases are copied and count against the limits, so that they cannot grow.
/// Errors: kCorruptData (with line and column), kLimitExceeded (1 MiB, 32 levels, 50,000 nodes,
///         4 MiB of text), kUnsupported (merge keys; libyaml not installed). Messages begin with
///         `where`.
Result<nlohmann::json> ParseYaml(std::string_view text, const std::string& where);

}  // namespace visavis
