// What the facade asks of a codec. One file per format implements its Decode function.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "decode/orientation.h"
#include "visavis/decode.h"

namespace visavis {

/// Pixels as the file stores them, before they are turned upright.
struct StoredImage {
  Image image;
  int full_width = 0;  ///< as stored, at full scale
  int full_height = 0;
  Orientation orientation = Orientation::kUpright;
};

using EncodedBytes = std::span<const std::uint8_t>;

/// Whether `bytes` start like a file of the format.
bool IsJpeg(EncodedBytes bytes);
bool IsPng(EncodedBytes bytes);
bool IsWebp(EncodedBytes bytes);
bool IsBmp(EncodedBytes bytes);
bool IsPnm(EncodedBytes bytes);

/// Each decodes one format. Errors and limits as DecodeImage; messages start with `name`.
Result<StoredImage> DecodeJpeg(EncodedBytes bytes, const std::string& name,
                               const DecodeOptions& options);
Result<StoredImage> DecodePng(EncodedBytes bytes, const std::string& name,
                              const DecodeOptions& options);
Result<StoredImage> DecodeWebp(EncodedBytes bytes, const std::string& name,
                               const DecodeOptions& options);
Result<StoredImage> DecodeBmp(EncodedBytes bytes, const std::string& name,
                              const DecodeOptions& options);
Result<StoredImage> DecodePnm(EncodedBytes bytes, const std::string& name,
                              const DecodeOptions& options);

/// What every codec checks between reading a header and allocating for it.
/// Errors: kCorruptData if a side is not positive, kLimitExceeded.
Status CheckSize(std::int64_t width, std::int64_t height, const std::string& name,
                 const Limits& limits);

/// round(colour x alpha / 255): one channel of a pixel laid over black.
constexpr std::uint8_t OverBlack(int colour, int alpha) {
  return static_cast<std::uint8_t>((colour * alpha + 127) / 255);
}

/// Writes `count` RGB pixels laid over black from RGBA ones.
void CompositeOverBlack(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb);

}  // namespace visavis
