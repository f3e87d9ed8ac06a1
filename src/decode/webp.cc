// WebP (still pictures) by libwebp; alpha laid over black.
#include <webp/decode.h>

#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "decode/byte_reader.h"
#include "decode/codec.h"

namespace visavis {
namespace {

constexpr std::size_t kRiffHeaderBytes = 12;
constexpr std::size_t kChunkHeaderBytes = 8;

// The orientation in the RIFF container's "EXIF" chunk.
Orientation FindOrientation(EncodedBytes bytes) {
  const ByteReader riff(bytes, ByteOrder::kLittleEndian);
  std::size_t chunk = kRiffHeaderBytes;
  while (riff.Contains(chunk, kChunkHeaderBytes)) {
    const std::size_t size = riff.U32(chunk + 4);
    const std::size_t content = chunk + kChunkHeaderBytes;
    if (!riff.Contains(content, size)) break;
    if (HasText(bytes, chunk, "EXIF")) return ReadExifOrientation(bytes.subspan(content, size));
    chunk = content + size + size % 2;
  }
  return Orientation::kUpright;
}

ErrorCode CodeOf(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return ErrorCode::kUnsupported;
    case VP8_STATUS_OUT_OF_MEMORY:
      return ErrorCode::kLimitExceeded;
    default:
      return ErrorCode::kCorruptData;
  }
}

const char* Describe(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "unsupported feature";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "file ends early";
    default:
      return "broken data";
  }
}

Error MakeWebpError(VP8StatusCode status, const std::string& name) {
  return MakeError(CodeOf(status), "{}: WebP: {}", name, Describe(status));
}

}  // namespace

bool IsWebp(EncodedBytes bytes) { return HasText(bytes, 0, "RIFF") && HasText(bytes, 8, "WEBP"); }

Result<StoredImage> DecodeWebp(EncodedBytes bytes, const std::string& name,
                               const DecodeOptions& options) {
  WebPDecoderConfig config;
  WebPInitDecoderConfig(&config);
  const VP8StatusCode header = WebPGetFeatures(bytes.data(), bytes.size(), &config.input);
  if (header != VP8_STATUS_OK) return MakeWebpError(header, name);
  if (config.input.has_animation) {
    return MakeError(ErrorCode::kUnsupported, "{}: WebP: animation, want a still picture", name);
  }
  const int width = config.input.width;
  const int height = config.input.height;
  VISAVIS_RETURN_IF_ERROR(CheckSize(width, height, name, options.limits));

  StoredImage stored{Image(width, height), width, height, FindOrientation(bytes)};
  const bool has_alpha = config.input.has_alpha;
  const int channels = has_alpha ? 4 : 3;
  const std::size_t pixels = static_cast<std::size_t>(width) * height;
  std::vector<std::uint8_t> rgba(has_alpha ? pixels * 4 : 0);
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = has_alpha ? rgba.data() : stored.image.data();
  config.output.u.RGBA.stride = width * channels;
  config.output.u.RGBA.size = pixels * channels;
  const VP8StatusCode decoded = WebPDecode(bytes.data(), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (decoded != VP8_STATUS_OK) return MakeWebpError(decoded, name);
  if (has_alpha) CompositeOverBlack(rgba.data(), pixels, stored.image.data());
  return stored;
}

}  // namespace visavis
