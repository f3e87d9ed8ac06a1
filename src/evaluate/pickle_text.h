// The ways a pickle spells strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace visavis {

/// A quoted Python 2 string literal with its escapes, as protocol 0 writes it; nothing if
/// malformed.
std::optional<std::string> Unquote(std::string_view literal);

/// Raw-unicode-escape text (opcode UNICODE: Latin-1 bytes, \uXXXX and \UXXXXXXXX) as UTF-8; nothing
/// if malformed.
std::optional<std::string> DecodeRawUnicode(std::string_view text);

/// The bytes of UTF-8 text whose characters are all below 256; nothing otherwise.
std::optional<std::string> Latin1FromUtf8(std::string_view text);

}  // namespace visavis
