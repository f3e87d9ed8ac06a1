// Any bytes as a picture: an error or a picture within the limits, at full and reduced scale.
#include <cstdint>
#include <cstdlib>

#include "visavis/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  visavis::DecodeOptions options;
  options.limits.image_pixels = 1 << 20;
  for (const int downscale : {1, 4}) {
    options.max_downscale = downscale;
    const auto decoded = visavis::DecodeImage({data, size}, "fuzz", options);
    if (!decoded) {
      if (decoded.error().message.empty()) std::abort();
      continue;
    }
    const visavis::Image& image = decoded->image;
    const std::size_t bytes = std::size_t{3} * image.width() * image.height();
    if (image.empty() || image.size_bytes() != bytes) std::abort();
    if (std::int64_t{decoded->full_width} * decoded->full_height > options.limits.image_pixels) {
      std::abort();
    }
  }
  return 0;
}
