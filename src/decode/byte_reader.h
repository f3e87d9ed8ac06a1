// Bounded reads of integers in a given byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace visavis {

enum class ByteOrder { kLittleEndian, kBigEndian };

/// Integers at any offset of borrowed bytes. What lies outside reads as 0, so a caller checks only
/// where a 0 would mislead it.
class ByteReader {
 public:
  ByteReader(std::span<const std::uint8_t> bytes, ByteOrder order) : bytes_(bytes), order_(order) {}

  bool Contains(std::size_t offset, std::size_t size) const {
    return offset <= bytes_.size() && bytes_.size() - offset >= size;
  }
  std::uint32_t U16(std::size_t offset) const { return Read(offset, 2); }
  std::uint32_t U32(std::size_t offset) const { return Read(offset, 4); }
  std::int32_t I32(std::size_t offset) const { return static_cast<std::int32_t>(U32(offset)); }

 private:
  std::uint32_t Read(std::size_t offset, std::size_t size) const {
    if (!Contains(offset, size)) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t place = order_ == ByteOrder::kBigEndian ? i : size - 1 - i;
      value = value << 8 | bytes_[offset + place];
    }
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  ByteOrder order_;
};

/// Whether `bytes` has `text` at `offset`.
inline bool HasText(std::span<const std::uint8_t> bytes, std::size_t offset,
                    std::string_view text) {
  if (offset > bytes.size() || bytes.size() - offset < text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (bytes[offset + i] != static_cast<std::uint8_t>(text[i])) return false;
  }
  return true;
}

}  // namespace visavis
