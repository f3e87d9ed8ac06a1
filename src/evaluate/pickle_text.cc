#include "evaluate/pickle_text.h"

#include <cstdint>

namespace visavis {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendUtf8(std::uint32_t code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// `digits` hexadecimal digits of `text` at `at`.
std::optional<std::uint32_t> Hex(std::string_view text, std::size_t at, std::size_t digits) {
  if (text.size() < at + digits) return std::nullopt;
  std::uint32_t code = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    const int digit = HexDigit(text[i]);
    if (digit < 0) return std::nullopt;
    code = code << 4 | static_cast<std::uint32_t>(digit);
  }
  return code;
}

}  // namespace

// A quoted Python 2 string literal, as protocol 0 writes it.
std::optional<std::string> Unquote(std::string_view literal) {
  if (literal.size() < 2 || (literal.front() != '\'' && literal.front() != '"') ||
      literal.back() != literal.front()) {
    return std::nullopt;
  }
  literal = literal.substr(1, literal.size() - 2);
  std::string out;
  out.reserve(literal.size());
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\') {
      out += literal[i];
      continue;
    }
    if (++i == literal.size()) return std::nullopt;
    switch (literal[i]) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case '\\':
      case '\'':
      case '"':
        out += literal[i];
        break;
      case 'x': {
        const auto code = Hex(literal, i + 1, 2);
        if (!code) return std::nullopt;
        out += static_cast<char>(*code);
        i += 2;
        break;
      }
      default:
        return std::nullopt;
    }
  }
  return out;
}

// Raw-unicode-escape text (opcode UNICODE) as UTF-8: Latin-1 bytes, \uXXXX and \UXXXXXXXX.
std::optional<std::string> DecodeRawUnicode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'u' || text[i + 1] == 'U')) {
      const std::size_t digits = text[i + 1] == 'u' ? 4 : 8;
      const auto code = Hex(text, i + 2, digits);
      if (!code || *code > 0x10FFFF) return std::nullopt;
      AppendUtf8(*code, out);
      i += 1 + digits;
    } else {
      AppendUtf8(static_cast<unsigned char>(text[i]), out);
    }
  }
  return out;
}

// UTF-8 text whose characters are all below 256, as those bytes.
std::optional<std::string> Latin1FromUtf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      if ((c != 0xC2 && c != 0xC3) || i + 1 == text.size()) return std::nullopt;
      const auto next = static_cast<unsigned char>(text[++i]);
      if ((next & 0xC0) != 0x80) return std::nullopt;
      out += static_cast<char>((c & 0x03) << 6 | (next & 0x3F));
    }
  }
  return out;
}

}  // namespace visavis
