// Bytes as text that JSON can hold (RFC 4648, section 4: padded, no line breaks).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace visavis {

std::string EncodeBase64(std::span<const std::uint8_t> bytes);
/// Nothing unless `text` is exactly what EncodeBase64 gives for some bytes.
std::optional<std::vector<std::uint8_t>> DecodeBase64(std::string_view text);

}  // namespace visavis
