// BMP: 1 to 32 bits per pixel, palettes, bit masks, run lengths. Alpha is ignored: most writers
// leave it 0 and mean opaque.
#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "decode/bmp_header.h"
#include "decode/byte_reader.h"

namespace visavis {
namespace {

Error EndsEarly(const std::string& name) {
  return MakeError(ErrorCode::kCorruptData, "{}: BMP: file ends early", name);
}

// The stored row that is shown at `y`, rows counted from the top.
int StoredRow(const BmpHeader& header, int y) {
  return header.top_down ? y : static_cast<int>(header.height) - 1 - y;
}

// Palette indices of one plain row.
void UnpackIndices(const std::uint8_t* row, int bits, std::vector<std::uint8_t>& indices) {
  const int mask = (1 << bits) - 1;
  for (std::size_t x = 0; x < indices.size(); ++x) {
    const std::size_t bit = x * static_cast<std::size_t>(bits);
    indices[x] = static_cast<std::uint8_t>(row[bit / 8] >> (8 - bits - bit % 8) & mask);
  }
}

Status StoreIndices(const std::uint8_t* indices, const BmpHeader& header, const std::string& name,
                    std::uint8_t* to) {
  for (int x = 0; x < header.width; ++x, to += Image::kChannels) {
    if (indices[x] >= header.palette.size()) {
      return MakeError(ErrorCode::kCorruptData, "{}: BMP: colour {} of a palette of {}", name,
                       indices[x], header.palette.size());
    }
    std::copy_n(header.palette[indices[x]].data(), Image::kChannels, to);
  }
  return {};
}

void StoreDirect(const std::uint8_t* row, const BmpHeader& header, std::uint8_t* to) {
  const std::size_t pixel_bytes = static_cast<std::size_t>(header.bits) / 8;
  for (int x = 0; x < header.width; ++x, row += pixel_bytes) {
    if (header.bits == 24) {
      *to++ = row[2];
      *to++ = row[1];
      *to++ = row[0];
      continue;
    }
    std::uint32_t pixel = 0;
    for (std::size_t i = 0; i < pixel_bytes; ++i) pixel |= std::uint32_t{row[i]} << 8 * i;
    for (const BmpMask& mask : header.masks) *to++ = mask.Extract(pixel);
  }
}

Result<Image> DecodePlain(const BmpHeader& header, const std::string& name) {
  const std::int64_t stride = (header.width * header.bits + 31) / 32 * 4;
  if (stride * header.height > std::int64_t(header.pixels.size())) return EndsEarly(name);
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  std::vector<std::uint8_t> indices(static_cast<std::size_t>(header.width));
  for (int y = 0; y < image.height(); ++y) {
    const std::uint8_t* row = header.pixels.data() + StoredRow(header, y) * stride;
    if (header.bits > 8) {
      StoreDirect(row, header, image.row(y));
      continue;
    }
    UnpackIndices(row, header.bits, indices);
    VISAVIS_RETURN_IF_ERROR(StoreIndices(indices.data(), header, name, image.row(y)));
  }
  return image;
}

// Fills a width x height plane of palette indices from run-length codes. What no code covers keeps
// index 0.
class RleDecoder {
 public:
  explicit RleDecoder(const BmpHeader& header)
      : rest_(header.pixels),
        nibbles_(header.coding == BmpCoding::kRle4),
        width_(static_cast<std::size_t>(header.width)),
        height_(static_cast<std::size_t>(header.height)),
        indices_(width_ * height_) {}

  // False if codes leave the picture or the file ends before it is whole.
  bool Run() {
    while (y_ < height_) {
      if (rest_.size() < 2) return x_ == width_ && y_ + 1 == height_;
      const std::uint8_t count = Take();
      const std::uint8_t value = Take();
      if (count > 0) {
        if (!Repeat(count, value)) return false;
        continue;
      }
      switch (value) {
        case 0:  // end of line
          x_ = 0;
          ++y_;
          break;
        case 1:  // end of picture
          return true;
        case 2:
          if (!Move()) return false;
          break;
        default:
          if (!Literal(value)) return false;
      }
    }
    return true;
  }

  const std::uint8_t* row(int y) const {
    return indices_.data() + static_cast<std::size_t>(y) * width_;
  }

 private:
  std::uint8_t Take() {
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }
  void Put(std::uint8_t index) { indices_[y_ * width_ + x_++] = index; }
  static std::uint8_t Nibble(std::uint8_t byte, std::size_t i) {
    return i % 2 == 0 ? byte >> 4 : byte & 15;
  }

  bool Repeat(std::size_t count, std::uint8_t value) {
    if (count > width_ - x_) return false;
    for (std::size_t i = 0; i < count; ++i) Put(nibbles_ ? Nibble(value, i) : value);
    return true;
  }
  bool Move() {
    if (rest_.size() < 2) return false;
    x_ += Take();
    y_ += Take();
    return x_ <= width_ && y_ < height_;
  }
  // Pixels as they are, padded to an even number of bytes.
  bool Literal(std::size_t count) {
    const std::size_t bytes = nibbles_ ? (count + 1) / 2 : count;
    if (count > width_ - x_ || rest_.size() < bytes) return false;
    for (std::size_t i = 0; i < count; ++i) {
      Put(nibbles_ ? Nibble(rest_[i / 2], i) : rest_[i]);
    }
    rest_ = rest_.subspan(std::min(rest_.size(), bytes + bytes % 2));
    return true;
  }

  EncodedBytes rest_;
  bool nibbles_;
  std::size_t width_;
  std::size_t height_;
  std::vector<std::uint8_t> indices_;
  std::size_t x_ = 0;
  std::size_t y_ = 0;
};

Result<Image> DecodeRunLengths(const BmpHeader& header, const std::string& name) {
  RleDecoder runs(header);
  if (!runs.Run()) {
    return MakeError(ErrorCode::kCorruptData, "{}: BMP: run lengths end early or leave the picture",
                     name);
  }
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  for (int y = 0; y < image.height(); ++y) {
    VISAVIS_RETURN_IF_ERROR(
        StoreIndices(runs.row(StoredRow(header, y)), header, name, image.row(y)));
  }
  return image;
}

}  // namespace

bool IsBmp(EncodedBytes bytes) { return bytes.size() >= 2 && bytes[0] == 'B' && bytes[1] == 'M'; }

Result<StoredImage> DecodeBmp(EncodedBytes bytes, const std::string& name,
                              const DecodeOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(const BmpHeader header, ReadBmpHeader(bytes, name, options.limits));
  VISAVIS_ASSIGN_OR_RETURN(Image image, header.coding == BmpCoding::kPlain
                                            ? DecodePlain(header, name)
                                            : DecodeRunLengths(header, name));
  return StoredImage{std::move(image), static_cast<int>(header.width),
                     static_cast<int>(header.height)};
}

}  // namespace visavis
