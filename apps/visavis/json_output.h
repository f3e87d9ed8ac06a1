// JSON as the subcommands print it.
#pragma once

#include <nlohmann/json.hpp>

namespace visavis::cli {

/// Keys stay in the order in which they were added.
using Json = nlohmann::ordered_json;

/// Prints the document and a newline on standard output. Bytes that are no UTF-8 (file names may
/// hold any) become U+FFFD.
void PrintJson(const Json& document);

}  // namespace visavis::cli
