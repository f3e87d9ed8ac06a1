// The headers of a BMP file, of all versions, as one struct.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "decode/codec.h"

namespace visavis {

using Rgb = std::array<std::uint8_t, 3>;

enum class BmpCoding { kPlain, kRle4, kRle8 };

/// The bits of one colour in a 16- or 32-bit pixel.
struct BmpMask {
  int shift = 0;
  std::uint32_t max_value = 0;  ///< all its bits set; 0 if the colour has no bits
  /// The colour of a pixel, scaled to 0..255.
  std::uint8_t Extract(std::uint32_t pixel) const;
};

struct BmpHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  int bits = 0;  ///< per pixel: 1, 2, 4, 8, 16, 24 or 32
  BmpCoding coding = BmpCoding::kPlain;
  std::array<BmpMask, 3> masks{};  ///< red, green, blue of 16 and 32 bits
  std::vector<Rgb> palette;        ///< of 1 to 8 bits
  EncodedBytes pixels;             ///< from the first pixel byte to the end of the file
};

/// Errors: kCorruptData, kUnsupported, kLimitExceeded (size).
Result<BmpHeader> ReadBmpHeader(EncodedBytes bytes, const std::string& name, const Limits& limits);

}  // namespace visavis
