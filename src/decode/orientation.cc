#include "decode/orientation.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "decode/byte_reader.h"

namespace visavis {
bool SwapsSides(Orientation orientation) {
  return orientation >= Orientation::kTranspose;  // 5..8
}

Orientation ReadExifOrientation(std::span<const std::uint8_t> exif) {
  using namespace std::string_view_literals;
  if (HasText(exif, 0, "Exif\0\0"sv)) exif = exif.subspan(6);
  const bool big_endian = HasText(exif, 0, "MM\0*"sv);
  if (!big_endian && !HasText(exif, 0, "II*\0"sv)) return Orientation::kUpright;

  constexpr std::uint32_t kOrientationTag = 0x0112;
  constexpr std::uint32_t kShort = 3;
  const ByteReader tiff(exif, big_endian ? ByteOrder::kBigEndian : ByteOrder::kLittleEndian);
  const std::size_t directory = tiff.U32(4);
  const std::size_t entries = tiff.U16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.U16(entry) != kOrientationTag) continue;
    const std::uint32_t value = tiff.U16(entry + 8);
    const bool valid =
        tiff.U16(entry + 2) == kShort && tiff.U32(entry + 4) == 1 && value >= 1 && value <= 8;
    return valid ? static_cast<Orientation>(value) : Orientation::kUpright;
  }
  return Orientation::kUpright;
}

Image TurnUpright(Image image, Orientation orientation) {
  if (orientation == Orientation::kUpright || image.empty()) return image;
  const int width = SwapsSides(orientation) ? image.height() : image.width();
  const int height = SwapsSides(orientation) ? image.width() : image.height();
  const std::ptrdiff_t right = Image::kChannels;     // one stored pixel to the right
  const std::ptrdiff_t down = image.stride_bytes();  // one stored pixel down
  const std::ptrdiff_t end_x = (image.width() - 1) * right;
  const std::ptrdiff_t end_y = (image.height() - 1) * down;

  // Where the upright top-left pixel is stored, and the stored steps of upright right and down.
  struct Walk {
    std::ptrdiff_t start, x_step, y_step;
  };
  const Walk walk = [&]() -> Walk {
    switch (orientation) {
      case Orientation::kMirror:
        return {end_x, -right, down};
      case Orientation::kRotate180:
        return {end_x + end_y, -right, -down};
      case Orientation::kFlip:
        return {end_y, right, -down};
      case Orientation::kTranspose:
        return {0, down, right};
      case Orientation::kRotate90:
        return {end_y, -down, right};
      case Orientation::kAntiTranspose:
        return {end_x + end_y, -down, -right};
      case Orientation::kRotate270:
        return {end_x, down, -right};
      case Orientation::kUpright:
        break;
    }
    return {0, right, down};
  }();

  Image upright(width, height);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* from = image.data() + walk.start + y * walk.y_step;
    std::uint8_t* to = upright.row(y);
    for (int x = 0; x < width; ++x, from += walk.x_step, to += Image::kChannels) {
      std::copy_n(from, Image::kChannels, to);
    }
  }
  return upright;
}

}  // namespace visavis
