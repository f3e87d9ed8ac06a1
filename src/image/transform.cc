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

namespace {

void FillPlanes(ImageView image, const PlaneScale& pixels, int width, int height,
                std::span<float> planes) {
  const std::size_t plane = static_cast<std::size_t>(width) * height;
  VISAVIS_CHECK(image.width <= width && image.height <= height);
  VISAVIS_CHECK(planes.size() == plane * Image::kChannels);
  const auto black = [&](std::size_t c) { return (0.0f - pixels.mean[c]) * pixels.scale[c]; };
  for (int y = 0; y < image.height; ++y) {
    const std::size_t row = static_cast<std::size_t>(y) * width;
    // Channel after channel while the row is in the nearest cache.
    for (std::size_t c = 0; c < Image::kChannels; ++c) {
      const std::uint8_t* from =
          image.row(y) + (pixels.reverse_channels ? Image::kChannels - 1 - c : c);
      const float mean = pixels.mean[c];
      const float scale = pixels.scale[c];
      float* to = planes.data() + c * plane + row;
      for (int x = 0; x < image.width; ++x) {
        to[x] = (static_cast<float>(from[x * Image::kChannels]) - mean) * scale;
      }
      std::fill(to + image.width, to + width, black(c));
    }
  }
  for (std::size_t c = 0; c < Image::kChannels; ++c) {
    float* below = planes.data() + c * plane + static_cast<std::size_t>(image.height) * width;
    std::fill(below, planes.data() + (c + 1) * plane, black(c));
  }
}

}  // namespace

void ToPlanarFloat(ImageView image, const PixelScale& pixels, std::span<float> planes) {
  ToPlanarFloat(image, pixels, image.width, image.height, planes);
}

void ToPlanarFloat(ImageView image, const PixelScale& pixels, int width, int height,
                   std::span<float> planes) {
  const auto [mean, scale, reverse_channels] = pixels;
  FillPlanes(image, {{mean, mean, mean}, {scale, scale, scale}, reverse_channels}, width, height,
             planes);
}

void ToPlanarFloatByPlane(ImageView image, const PlaneScale& pixels, std::span<float> planes) {
  FillPlanes(image, pixels, image.width, image.height, planes);
}

}  // namespace visavis
