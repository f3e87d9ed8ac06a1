// One entry of the registry as a file: docs/formats/registry.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/fields.h"
#include "visavis/zoo.h"

namespace visavis {

/// Reads a JSON entry. Errors: kCorruptData, kLimitExceeded; messages begin with `where`.
Result<Asset> ParseRegistryEntry(std::string_view json, const std::string& where);

/// Bounds of what an entry's fields may hold; the file is small as a whole.
inline constexpr std::size_t kMaxEntryText = std::size_t{1} << 20;
inline constexpr std::size_t kMaxEntryItems = 10'000;
inline constexpr std::int64_t kMaxFileBytes = 1LL << 40;

/// Extents of a shape, open ones by name. Empty if the key is missing.
std::vector<std::string> ReadDimensions(Fields& fields, const char* key);

/// True for names that are safe as file names: letters, digits, '.', '_', '-', not beginning with a
/// dot.
bool IsPlainName(std::string_view name);
/// True for relative paths of plain components separated by '/', none of them "." or "..".
bool IsPlainPath(std::string_view path);

/// "permissive", "non-commercial", "disputed" or "unknown".
std::string_view TermsName(LicenceTerms terms);

/// What every entry must fulfil, wherever it came from: names, checksums, archives, formats.
/// Errors: kCorruptData.
Status CheckAsset(const Asset& asset, const std::string& where);

}  // namespace visavis
