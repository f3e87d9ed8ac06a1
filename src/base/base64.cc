#include "base/base64.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"

namespace visavis {
namespace {

// OpenSSL counts in int; whole groups in each piece, so that pieces can be joined.
constexpr std::size_t kBytesPerPiece = std::size_t{3} << 24;
constexpr std::size_t kCharsPerPiece = std::size_t{4} << 24;

// OpenSSL would skip white space around the text.
bool IsBase64Text(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  std::size_t end = text.size();
  for (int i = 0; i < 2 && end > 0 && text[end - 1] == '='; ++i) --end;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

}  // namespace

std::string EncodeBase64(std::span<const std::uint8_t> bytes) {
  std::string text;
  while (!bytes.empty()) {
    const std::span<const std::uint8_t> piece = bytes.first(std::min(bytes.size(), kBytesPerPiece));
    const std::size_t at = text.size();
    text.resize(at + (piece.size() + 2) / 3 * 4 + 1);  // it writes a terminating zero
    const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data() + at),
                                        piece.data(), static_cast<int>(piece.size()));
    VISAVIS_CHECK(written >= 0);
    text.resize(at + static_cast<std::size_t>(written));
    bytes = bytes.subspan(piece.size());
  }
  return text;
}

std::optional<std::vector<std::uint8_t>> DecodeBase64(std::string_view text) {
  if (!IsBase64Text(text)) return std::nullopt;
  const std::string_view all = text;
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() / 4 * 3);
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, std::min(text.size(), kCharsPerPiece));
    const std::size_t at = bytes.size();
    bytes.resize(at + piece.size() / 4 * 3);
    const int written =
        EVP_DecodeBlock(bytes.data() + at, reinterpret_cast<const unsigned char*>(piece.data()),
                        static_cast<int>(piece.size()));
    if (written < 0) return std::nullopt;
    text.remove_prefix(piece.size());
  }
  // Padding decodes to zero bytes.
  const std::size_t padding = all.ends_with("==") ? 2 : all.ends_with("=") ? 1 : 0;
  bytes.resize(bytes.size() - padding);
  // Bits that the padding leaves over must be zero: one text for the same bytes.
  const std::size_t tail = bytes.size() / 3 * 3;
  if (padding > 0 && EncodeBase64(std::span(bytes).subspan(tail)) != all.substr(all.size() - 4)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace visavis
