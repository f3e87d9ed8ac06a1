// Image (owns) and ImageView (borrows): 8-bit RGB pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace visavis {

/// Borrowed pixels: height x width x 3, u8, RGB, row-major, `stride_bytes` from one row to the
/// next. Threads: a value; the pixels must outlive it.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride_bytes = 0;

  const std::uint8_t* row(int y) const { return data + y * stride_bytes; }
  bool empty() const { return width <= 0 || height <= 0; }
};

/// Owned pixels: height x width x 3, u8, RGB, rows without gaps.
/// Threads: as std::vector.
class Image {
 public:
  static constexpr int kChannels = 3;

  Image() = default;
  /// A black image. Sizes must be positive and already checked against the Limits.
  Image(int width, int height)
      : pixels_(static_cast<std::size_t>(width) * height * kChannels),
        width_(width),
        height_(height) {}

  int width() const { return width_; }
  int height() const { return height_; }
  bool empty() const { return pixels_.empty(); }
  std::ptrdiff_t stride_bytes() const { return static_cast<std::ptrdiff_t>(width_) * kChannels; }
  std::uint8_t* row(int y) { return pixels_.data() + y * stride_bytes(); }
  const std::uint8_t* row(int y) const { return pixels_.data() + y * stride_bytes(); }
  std::uint8_t* data() { return pixels_.data(); }
  const std::uint8_t* data() const { return pixels_.data(); }
  std::size_t size_bytes() const { return pixels_.size(); }

  ImageView view() const { return {pixels_.data(), width_, height_, stride_bytes()}; }
  operator ImageView() const { return view(); }  // NOLINT: an Image is a view of itself

  friend bool operator==(const Image&, const Image&) = default;

 private:
  std::vector<std::uint8_t> pixels_;
  int width_ = 0;
  int height_ = 0;
};

}  // namespace visavis
