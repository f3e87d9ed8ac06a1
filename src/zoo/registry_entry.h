// One entry of the registry as a file: docs/formats/registry.md.
#pragma once

#include <string>
#include <string_view>

#include "visavis/zoo.h"

namespace visavis {

/// Reads a JSON entry. Errors: kCorruptData, kLimitExceeded; messages begin with `where`.
Result<Asset> ParseRegistryEntry(std::string_view json, const std::string& where);

/// True for names that are safe as file names: letters, digits, '.', '_', '-', not beginning with a
/// dot.
bool IsPlainName(std::string_view name);
/// True for relative paths of plain components separated by '/', none of them "." or "..".
bool IsPlainPath(std::string_view path);
/// True for `digits` lower-case hex digits.
bool IsHex(std::string_view text, std::size_t digits);

/// "permissive", "non-commercial", "disputed" or "unknown".
std::string_view TermsName(LicenceTerms terms);

/// What every entry must fulfil, wherever it came from: names, checksums, archives, formats.
/// Errors: kCorruptData.
Status CheckAsset(const Asset& asset, const std::string& where);

}  // namespace visavis
