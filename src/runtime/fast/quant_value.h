// The c64 layout of bytes as plans see it: where pixels lie, and the border around them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/fast/blocked.h"

namespace visavis {

/// The storage of `dims` as bytes in blocks of 64 channels, with `border` around the pixels.
Storage QuantStorage(const Nchw& dims, const Border& border, DType dtype);

/// Pointers into one c64 value. Row and column are counted from the pixel (0, 0) and may be
/// negative inside the border.
class QuantValue {
 public:
  QuantValue() = default;
  QuantValue(const TensorType& type, const Storage& storage);

  const Nchw& dims() const { return dims_; }
  std::ptrdiff_t row_stride() const { return storage_.row_pixels * kQuantLanes; }
  /// True if no border separates its rows.
  bool gapless() const { return storage_.row_pixels == dims_.w; }

  QuantIn In(const std::byte* base, int image, int row = 0, int column = 0) const;
  QuantOut Out(std::byte* base, int image, int row = 0, int column = 0) const;
  /// Writes `zero` around every image.
  void FillBorder(std::byte* base, int zero) const;

 private:
  std::ptrdiff_t Offset(int image, int row, int column) const;

  Nchw dims_;
  Storage storage_;
};

}  // namespace visavis
