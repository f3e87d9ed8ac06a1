// Where and how a value of a plan lies in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "visavis/tensor.h"

namespace visavis {

/// What a plan knows of a value before any data exist.
struct TensorType {
  DType dtype = DType::kF32;
  Shape shape{0};
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

enum class Layout : std::uint8_t {
  kDense,   ///< row-major, no gaps: what every DenseOperator and every caller sees
  kC16,     ///< [n][C/16][rows][row_pixels][16], channels padded with zeros to a multiple of 16
  kC64,     ///< bytes [n][C/64][rows][row_pixels][64], unsigned: signed values have 128 added
  kPlanar,  ///< [n][C][rows][row_pixels]
};

/// How one NCHW value is stored. For kDense only `bytes` and `dtype` count.
/// Units: pixels, border and rounding included; one image is `rows * row_pixels` pixels per channel
/// (block), and the real pixel (0,0) is at (top,left) of that plane.
struct Storage {
  Layout layout = Layout::kDense;
  DType dtype = DType::kF32;  ///< of the stored elements; may be narrower than the value's own
  std::int64_t rows = 0;
  std::int64_t row_pixels = 0;
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t plane_stride = 0;  ///< elements from one channel (block) to the next
  std::int64_t image_stride = 0;  ///< elements from one image to the next
  std::size_t bytes = 0;
};

}  // namespace visavis
