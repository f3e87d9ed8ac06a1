// The contract of the int8 kernels: part of table.h, and bound by its rules.
//
// Layout "c64": bytes [channel block of 64][row][pixel][64], a physical border around the pixels.
// Strides are counted in bytes. A byte is an unsigned 8-bit value; signed tensors are stored with
// 128 added to value and zero point alike. Kernels read and write channels in sixteens; the bytes
// of channels beyond the last sixteen are arbitrary and meet zero weights.
//
// Bits: sums are exact 32-bit integers, and every step behind them is one named float32 operation
// (fused multiply-add where said so), so every instruction set gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace visavis {

struct BlockedIn;
struct BlockedOut;
enum class Activation : std::uint8_t;
enum class Residual : std::uint8_t;

/// Channels in one block of the c64 layout.
inline constexpr int kQuantLanes = 64;
/// Blocks of 16 output channels that a kernel computes together: the unit of work division.
inline constexpr int kQuantGroup = 2;
/// Input channels whose products are summed by one instruction.
inline constexpr int kQuantQuad = 4;
/// Bytes of one pixel of a picture (up to four channels, zero padded).
inline constexpr int kQuantPicturePixel = 4;

/// Bytes behind the last pixel of a c64 tensor that must be readable: fifteen positions two apart.
inline constexpr int kQuantOverread = 2048;

/// A c64 tensor that is read.
struct QuantIn {
  const std::uint8_t* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t block = 0;
};

/// A c64 tensor that is written.
struct QuantOut {
  std::uint8_t* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t block = 0;
};

/// What is fused behind an integer sum:
///
///   v = fma(float(sum), scale[c], shift[c])
///   residual before or after the activation:
///     v = fma(float(r - addend_zero), addend_scale, v)  of bytes,  v = fma(r, addend_scale, v)
///   bytes out:   q = clamp(round(v) + zero, 0, 255)                 floats out: v as it is
///   copy:        w = fma(u, copy_scale[c], copy_shift[c]),  u = float(q - zero) or v
///                copy = clamp(round(w) + copy_zero, 0, 255)
///
/// Rounding is to nearest, ties to even, before the zero point is added, as QuantizeLinear has it;
/// not-a-number becomes 0.
/// All vectors hold one element per channel, padded to whole blocks of 64.
struct QuantEpilogue {
  const float* scale = nullptr;
  const float* shift = nullptr;
  Activation activation{};
  const float* slope = nullptr;  ///< kPrelu; kRelu wants zeros
  float lo = 0;                  ///< kClip only
  float hi = 0;                  ///< kClip only

  Residual residual{};
  QuantIn addend;  ///< bytes at output pixel (0, 0), block 0; null data: `float_addend`
  float addend_scale = 1;
  int addend_zero = 0;
  const BlockedIn* float_addend = nullptr;  ///< at output pixel (0, 0), block 0

  QuantOut out;  ///< at output pixel (0, 0), block 0; null data: `float_out`
  int zero = 0;
  const BlockedOut* float_out = nullptr;  ///< at output pixel (0, 0), block 0

  QuantOut copy;  ///< a second result; null data: none
  const float* copy_scale = nullptr;
  const float* copy_shift = nullptr;
  int copy_zero = 0;
};

/// Dense convolution as implicit GEMM:
/// sum[p][o] = start[o] + sum over block, tap, lane of in[p * stride + tap][i] *
/// weights[o][i][tap]. `start` holds the bias and -zero * sum(weights), so that zero points cost
/// nothing; the border holds the input's zero point.
struct QuantConvArgs {
  QuantIn in;            ///< at the pixel under tap 0 of output pixel (0, 0)
  bool picture = false;  ///< pixels of kQuantPicturePixel bytes instead of 64
  int in_blocks = 0;     ///< of 64; 1 for a picture
  int last_quads = 16;   ///< quads of the last input block that exist; 1 for a picture
  int out_blocks = 0;    ///< of 16
  int out_width = 0;
  int stride = 1;  ///< 1 or 2, both directions
  int taps = 0;
  const std::ptrdiff_t* tap_offsets = nullptr;  ///< [taps] bytes from in.data
  const std::int8_t* weights = nullptr;         ///< PackQuantConv or PackQuantPicture
  const std::int32_t* start = nullptr;          ///< padded to whole blocks of 64
  QuantEpilogue epilogue;
};

/// Depthwise convolution, any kernel and stride.
struct QuantDepthwiseArgs {
  QuantIn in;          ///< at the pixel under tap 0 of output pixel (0, 0)
  int out_blocks = 0;  ///< of 16
  int out_width = 0;
  int stride = 1;
  int kernel_h = 0;
  int kernel_w = 0;
  const std::int8_t* weights = nullptr;  ///< PackQuantDepthwise
  const std::int32_t* start = nullptr;   ///< padded to whole blocks of 64
  QuantEpilogue epilogue;
};

/// A map of single values: `sum` of the epilogue is in - zero (bytes), or the float itself.
struct QuantMapArgs {
  QuantIn in;  ///< null data: `float_in`
  int zero = 0;
  const BlockedIn* float_in = nullptr;
  int blocks = 0;  ///< of 16
  int width = 0;
  QuantEpilogue epilogue;
};

/// The int8 kernels of one instruction set.
struct QuantKernels {
  /// Rows [y_begin, y_end) of groups [group_begin, group_end) of kQuantGroup blocks of 16.
  void (*conv)(const QuantConvArgs&, int group_begin, int group_end, int y_begin, int y_end);
  /// The same of a picture.
  void (*conv_picture)(const QuantConvArgs&, int group_begin, int group_end, int y_begin,
                       int y_end);
  /// Rows of blocks of 64.
  void (*depthwise)(const QuantDepthwiseArgs&, int block_begin, int block_end, int y_begin,
                    int y_end);
  /// Rows of groups of kQuantGroup blocks of 16.
  void (*map)(const QuantMapArgs&, int group_begin, int group_end, int y_begin, int y_end);
  /// One row of a picture of up to four channels, pixels interleaved, absent channels `zero`:
  /// clamp(round(fma(x, factor[c], term[c]) / scale) + zero, 0, 255). `plane` counts floats.
  void (*picture)(const float* in, std::ptrdiff_t plane, int channels, int width,
                  const float* factor, const float* term, float scale, int zero, std::uint8_t* out);
};

}  // namespace visavis
