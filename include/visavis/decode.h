// File bytes -> Image, and Image -> file bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "visavis/image.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

struct DecodeOptions {
  Limits limits;
  /// Decode a JPEG at 1/1, 1/2, 1/4 or 1/8 of its size, the largest divisor <= this. Other formats
  /// ignore it.
  int max_downscale = 1;
};

/// A decoded picture, upright (EXIF orientation applied), RGB (alpha laid over black, 16 bits
/// rounded to 8, CMYK and grey converted).
struct DecodedImage {
  Image image;
  int full_width = 0;  ///< upright size at full scale, in pixels
  int full_height = 0;
  std::string format;  ///< "jpeg", "png", "webp", "bmp" or "ppm"
};

/// Decodes JPEG, PNG, WebP, BMP, PGM or PPM, recognised by content. `name` stands in error
/// messages.
///
/// Errors:  kCorruptData (truncated or broken), kUnsupported (not an image format we know,
///          animation), kLimitExceeded (sizes, checked before allocation).
/// Threads: pure; safe concurrently.
/// Source:  docs/formats/images.md says what of each format is read.
Result<DecodedImage> DecodeImage(std::span<const std::uint8_t> bytes, const std::string& name,
                                 const DecodeOptions& options = {});

/// Reads and decodes a file. Errors: also kNotFound, kIo.
Result<DecodedImage> ReadImage(const std::string& path, const DecodeOptions& options = {});

/// Encodes as PNG (lossless). Threads: pure.
Result<std::vector<std::uint8_t>> EncodePng(ImageView image);
/// Encodes as JPEG, quality 1..100. Threads: pure.
Result<std::vector<std::uint8_t>> EncodeJpeg(ImageView image, int quality);
/// Writes `path` atomically, by its extension (.png, .jpg, .jpeg, .ppm).
Status WriteImage(const std::string& path, ImageView image);

}  // namespace visavis
