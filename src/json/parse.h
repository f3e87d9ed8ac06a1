// JSON text that may be hostile -> a JSON value.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "visavis/result.h"

namespace visavis {

struct JsonLimits {
  std::size_t bytes = std::size_t{1} << 20;
  int depth = 32;  ///< nested arrays and objects
};

/// Parses one document that has no key twice in one object. Json is nlohmann::json or
/// nlohmann::ordered_json.
/// Errors: kLimitExceeded before anything is parsed, kCorruptData; messages begin with `where`.
template <typename Json = nlohmann::json>
Result<Json> ParseJson(std::string_view text, std::string_view where,
                       const JsonLimits& limits = {});

extern template Result<nlohmann::json> ParseJson(std::string_view, std::string_view,
                                                 const JsonLimits&);
extern template Result<nlohmann::ordered_json> ParseJson(std::string_view, std::string_view,
                                                         const JsonLimits&);

}  // namespace visavis
