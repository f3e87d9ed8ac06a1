// Source: Microsoft's documentation of BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV4HEADER and
// BITMAPV5HEADER; the OS/2 2.x header as BITMAPINFOHEADER cut or lengthened to 16..64 bytes.
#include "decode/bmp_header.h"

#include <bit>

#include "base/error.h"
#include "base/try.h"
#include "decode/byte_reader.h"

namespace visavis {
namespace {

constexpr std::size_t kFileHeaderBytes = 14;
constexpr std::size_t kCoreHeaderBytes = 12;
constexpr std::size_t kOs2HeaderBytes = 64;
constexpr std::size_t kInfoHeaderBytes = 40;  // masks follow here, in the header or behind it
constexpr std::size_t kMaxHeaderBytes = 124;

enum Compression : std::uint32_t { kRgb = 0, kRle8 = 1, kRle4 = 2, kBitfields = 3, kAlphaBits = 6 };

// What the fixed part of the header says, before it is checked.
struct Fields {
  std::size_t header_bytes = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::uint32_t bits = 0;
  std::uint32_t compression = kRgb;
  std::uint32_t colours = 0;
  std::size_t pixels_at = 0;

  bool is_core() const { return header_bytes == kCoreHeaderBytes; }
  std::size_t end() const { return kFileHeaderBytes + header_bytes; }
};

Fields ReadFields(const ByteReader& file) {
  Fields fields;
  fields.pixels_at = file.U32(10);
  fields.header_bytes = file.U32(14);
  if (fields.is_core()) {
    fields.width = file.U16(18);
    fields.height = file.U16(20);
    fields.bits = file.U16(24);
    return fields;
  }
  fields.width = file.I32(18);
  fields.height = file.I32(22);
  fields.bits = file.U16(28);
  if (fields.header_bytes >= 20) fields.compression = file.U32(30);
  if (fields.header_bytes >= 36) fields.colours = file.U32(46);
  return fields;
}

Status CheckFields(const Fields& fields, const ByteReader& file, const std::string& name) {
  const bool known_size =
      fields.is_core() || (fields.header_bytes >= 16 && fields.header_bytes <= kMaxHeaderBytes);
  if (!known_size || !file.Contains(kFileHeaderBytes, fields.header_bytes)) {
    return MakeError(ErrorCode::kCorruptData, "{}: BMP: header of {} bytes, want 12 or 16..{}",
                     name, fields.header_bytes, kMaxHeaderBytes);
  }
  const std::uint32_t bits = fields.bits;
  const bool indexed = bits == 1 || bits == 2 || bits == 4 || bits == 8;
  if (!indexed && bits != 16 && bits != 24 && bits != 32) {
    return MakeError(ErrorCode::kCorruptData,
                     "{}: BMP: {} bits per pixel, want 1, 2, 4, 8, 16, 24 or 32", name, bits);
  }
  const std::uint32_t compression = fields.compression;
  const bool with_masks = compression == kBitfields || compression == kAlphaBits;
  const bool fits =
      compression == kRgb || (compression == kRle8 && bits == 8) ||
      (compression == kRle4 && bits == 4) ||
      (with_masks && (bits == 16 || bits == 32) && fields.header_bytes != kOs2HeaderBytes);
  if (!fits) {
    return MakeError(ErrorCode::kUnsupported, "{}: BMP: compression {} with {} bits per pixel",
                     name, compression, bits);
  }
  return {};
}

Result<BmpMask> MakeMask(std::uint32_t bits, const std::string& name) {
  if (bits == 0) return BmpMask{};
  const int shift = std::countr_zero(bits);
  const std::uint32_t max_value = bits >> shift;
  if ((max_value & (max_value + 1)) != 0) {
    return MakeError(ErrorCode::kCorruptData, "{}: BMP: colour mask {:#x} has gaps", name, bits);
  }
  return BmpMask{shift, max_value};
}

Result<std::array<BmpMask, 3>> ReadMasks(const Fields& fields, const ByteReader& file,
                                         const std::string& name) {
  std::array<std::uint32_t, 3> bits = {0xFF0000, 0xFF00, 0xFF};
  if (fields.bits == 16) bits = {0x7C00, 0x3E0, 0x1F};
  if (fields.compression != kRgb) {
    for (std::size_t c = 0; c < 3; ++c) {
      bits[c] = file.U32(kFileHeaderBytes + kInfoHeaderBytes + 4 * c);
    }
  }
  std::array<BmpMask, 3> masks;
  for (std::size_t c = 0; c < 3; ++c) {
    VISAVIS_ASSIGN_OR_RETURN(masks[c], MakeMask(bits[c], name));
  }
  return masks;
}

// As many entries as the header claims, the depth can use, and the file has room for.
std::vector<Rgb> ReadPalette(const Fields& fields, EncodedBytes bytes) {
  const std::size_t entry_bytes = fields.is_core() ? 3 : 4;
  const std::size_t most = std::size_t{1} << fields.bits;
  std::size_t entries = fields.colours == 0 ? most : std::min<std::size_t>(fields.colours, most);
  const std::size_t room = std::min(bytes.size(), std::max(fields.pixels_at, fields.end()));
  entries = std::min(entries, (room - fields.end()) / entry_bytes);
  std::vector<Rgb> palette(entries);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::uint8_t* bgr = bytes.data() + fields.end() + i * entry_bytes;
    palette[i] = {bgr[2], bgr[1], bgr[0]};
  }
  return palette;
}

}  // namespace

std::uint8_t BmpMask::Extract(std::uint32_t pixel) const {
  if (max_value == 0) return 0;
  const std::uint64_t value = pixel >> shift & max_value;
  return static_cast<std::uint8_t>((value * 255 + max_value / 2) / max_value);
}

Result<BmpHeader> ReadBmpHeader(EncodedBytes bytes, const std::string& name, const Limits& limits) {
  const ByteReader file(bytes, ByteOrder::kLittleEndian);
  const Fields fields = ReadFields(file);
  VISAVIS_RETURN_IF_ERROR(CheckFields(fields, file, name));

  BmpHeader header;
  header.top_down = fields.height < 0;
  header.width = fields.width;
  header.height = header.top_down ? -fields.height : fields.height;
  VISAVIS_RETURN_IF_ERROR(CheckSize(header.width, header.height, name, limits));
  header.bits = static_cast<int>(fields.bits);
  if (fields.compression == kRle4) header.coding = BmpCoding::kRle4;
  if (fields.compression == kRle8) header.coding = BmpCoding::kRle8;
  if (header.bits <= 8) header.palette = ReadPalette(fields, bytes);
  if (header.bits == 16 || header.bits == 32) {
    VISAVIS_ASSIGN_OR_RETURN(header.masks, ReadMasks(fields, file, name));
  }
  if (fields.pixels_at < fields.end() || fields.pixels_at > bytes.size()) {
    return MakeError(ErrorCode::kCorruptData, "{}: BMP: pixels at byte {}, want {}..{}", name,
                     fields.pixels_at, fields.end(), bytes.size());
  }
  header.pixels = bytes.subspan(fields.pixels_at);
  return header;
}

}  // namespace visavis
