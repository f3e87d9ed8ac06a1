// The door for pixels: recognises the format, keeps the limits, turns pictures upright.
#include "visavis/decode.h"

#include "base/error.h"
#include "base/file_system.h"
#include "base/try.h"
#include "decode/codec.h"

namespace visavis {
namespace {

struct Codec {
  const char* format;
  bool (*recognises)(EncodedBytes);
  Result<StoredImage> (*decode)(EncodedBytes, const std::string&, const DecodeOptions&);
};

constexpr Codec kCodecs[] = {
    {"jpeg", IsJpeg, DecodeJpeg}, {"png", IsPng, DecodePng}, {"webp", IsWebp, DecodeWebp},
    {"bmp", IsBmp, DecodeBmp},    {"ppm", IsPnm, DecodePnm},
};

const Codec* FindCodec(EncodedBytes bytes) {
  for (const Codec& codec : kCodecs) {
    if (codec.recognises(bytes)) return &codec;
  }
  return nullptr;
}

}  // namespace

Status CheckSize(std::int64_t width, std::int64_t height, const std::string& name,
                 const Limits& limits) {
  if (width <= 0 || height <= 0) {
    return MakeError(ErrorCode::kCorruptData, "{}: size is {}x{}, want positive sides", name, width,
                     height);
  }
  if (width > limits.image_side_px || height > limits.image_side_px) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: size is {}x{}, want sides up to {} px", name,
                     width, height, limits.image_side_px);
  }
  if (width * height > limits.image_pixels) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: size is {}x{}, want up to {} pixels", name,
                     width, height, limits.image_pixels);
  }
  return {};
}

void CompositeOverBlack(const std::uint8_t* rgba, std::size_t count, std::uint8_t* rgb) {
  for (std::size_t i = 0; i < count; ++i, rgba += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) rgb[c] = OverBlack(rgba[c], rgba[3]);
  }
}

Result<DecodedImage> DecodeImage(std::span<const std::uint8_t> bytes, const std::string& name,
                                 const DecodeOptions& options) {
  if (std::int64_t(bytes.size()) > options.limits.image_file_bytes) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: file is {} bytes, want up to {}", name,
                     bytes.size(), options.limits.image_file_bytes);
  }
  const Codec* codec = FindCodec(bytes);
  if (codec == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "{}: not a picture we know, want JPEG, PNG, WebP, BMP, PGM or PPM", name);
  }
  VISAVIS_ASSIGN_OR_RETURN(StoredImage stored, codec->decode(bytes, name, options));
  if (SwapsSides(stored.orientation)) std::swap(stored.full_width, stored.full_height);
  return DecodedImage{TurnUpright(std::move(stored.image), stored.orientation), stored.full_width,
                      stored.full_height, codec->format};
}

Result<DecodedImage> ReadImage(const std::string& path, const DecodeOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(auto bytes,
                           FileSystem::Real().ReadFile(path, options.limits.image_file_bytes));
  return DecodeImage(bytes, path, options);
}

}  // namespace visavis
