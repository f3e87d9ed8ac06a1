#include "image/transform.h"

#include <algorithm>

#include "base/check.h"

namespace visavis {

Image Mirror(ImageView image) {
  if (image.empty()) return {};
  Image mirrored(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.row(y);
    std::uint8_t* to = mirrored.row(y) + mirrored.stride_bytes();
    for (int x = 0; x < image.width; ++x, from += Image::kChannels) {
      to -= Image::kChannels;
      std::copy_n(from, Image::kChannels, to);
    }
  }
  return mirrored;
}

Image Copy(ImageView image) {
  if (image.empty()) return {};
  Image copy(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.row(y), copy.stride_bytes(), copy.row(y));
  }
  return copy;
}

void ToPlanarFloat(ImageView image, std::span<float> planes) {
  ToPlanarFloat(image, PixelScale{}, planes);
}

void ToPlanarFloat(ImageView image, const PixelScale& pixels, std::span<float> planes) {
  const auto [mean, scale, reverse_channels] = pixels;
  ToPlanarFloatByPlane(
      image, PlaneScale{{mean, mean, mean}, {scale, scale, scale}, reverse_channels}, planes);
}

void ToPlanarFloatByPlane(ImageView image, const PlaneScale& pixels, std::span<float> planes) {
  const std::size_t plane = static_cast<std::size_t>(image.width) * image.height;
  VISAVIS_CHECK(planes.size() == plane * Image::kChannels);
  for (int c = 0; c < Image::kChannels; ++c) {
    const int channel = pixels.reverse_channels ? Image::kChannels - 1 - c : c;
    const float mean = pixels.mean[static_cast<std::size_t>(c)];
    const float scale = pixels.scale[static_cast<std::size_t>(c)];
    float* to = planes.data() + c * plane;
    for (int y = 0; y < image.height; ++y) {
      const std::uint8_t* from = image.row(y) + channel;
      for (int x = 0; x < image.width; ++x) {
        *to++ = (static_cast<float>(from[x * Image::kChannels]) - mean) * scale;
      }
    }
  }
}

}  // namespace visavis
