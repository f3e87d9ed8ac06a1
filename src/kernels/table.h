// The contract of the compute kernels: raw pointers in, raw pointers out. No allocation, no
// threads, no errors; the caller has checked every size.
//
// Per-ISA files include this header (and quant.h with it), <immintrin.h>, <cstddef> and <cstdint>
// and nothing else: a weak template instance compiled with AVX flags could otherwise replace the
// portable one for the whole program. For the same reason nothing here has an inline function body.
//
// Layouts
//  - "blocked" (c16): [channel block][row][pixel][16], a physical border around the pixels, missing
//    channels of the last block zero. Strides are counted in elements; a pixel is 16 elements.
//  - "planar": [channel][row][pixel], for inputs and networks of few channels.
//  - "c64": blocks of 64 channels as bytes, for int8 (quant.h).
// Both may hold a border of any width; views point wherever the kernel's comment says.
//
// Bits: a result depends only on its own inputs and weights. How the caller cuts the work into row
// ranges, group ranges, tile ranges, images and threads never changes it.
//
// Threads: every kernel is safe concurrently on disjoint outputs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/quant.h"

namespace visavis {

/// Channels in one block of the blocked layout.
inline constexpr int kLanes = 16;
/// Output channels in one group of a packed fully connected layer.
inline constexpr int kFcGroup = 64;
/// Output channels in one group of a packed planar convolution.
inline constexpr int kPlanarGroup = 4;

/// Positions (rows of A) of one matrix tile, and channels in one row of it: 64 bytes of bf16.
inline constexpr int kTileRows = 16;
inline constexpr int kTileDepth = 32;
/// Output blocks in one group of conv_tiles.
inline constexpr int kTileVectors = 2;

/// Input channels whose weights winograd_output_raw transforms at once: U stays in L2.
inline constexpr int kWinogradRawDepth = 64;

/// How one stored activation element looks.
enum class Store : std::uint8_t { kF32, kBf16 };

/// A blocked tensor that is read. `row` and `block` are strides in elements.
struct BlockedIn {
  const void* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t block = 0;
  Store store = Store::kF32;
};

/// A blocked tensor that is written.
struct BlockedOut {
  void* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t block = 0;
  Store store = Store::kF32;
};

/// A planar tensor that is read. `row` and `plane` are strides in floats.
struct PlanarIn {
  const float* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t plane = 0;
};

/// A planar tensor that is written.
struct PlanarOut {
  float* data = nullptr;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t plane = 0;
};

enum class Activation : std::uint8_t {
  kNone,
  kRelu,   ///< max(x, 0)
  kPrelu,  ///< x < 0 ? slope[c] * x : x; LeakyReLU is this with equal slopes
  kClip,   ///< min(max(x, lo), hi)
};

enum class Residual : std::uint8_t { kNone, kBeforeActivation, kAfterActivation };

/// What is fused behind a kernel's sum: bias, activation, residual addition.
/// `bias` and `slope` hold one float per output channel, padded with zeros to whole blocks
/// (planar and fully connected kernels read only the real channels). A null bias is zero.
struct Epilogue {
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  const float* slope = nullptr;  ///< kPrelu only
  float lo = 0;                  ///< kClip only
  float hi = 0;                  ///< kClip only
  Residual residual = Residual::kNone;
  BlockedIn addend;  ///< the residual, at output pixel (0, 0); blocked kernels only
};

/// Dense convolution, blocked to blocked, as implicit GEMM.
/// out[p][o] = epilogue(sum over block, tap, lane of in[p * stride + tap][i] * weights[o][i][tap]).
struct ConvArgs {
  BlockedIn in;    ///< at the pixel under tap 0 of output pixel (0, 0), i.e. (-pad_top, -pad_left)
  BlockedOut out;  ///< at output pixel (0, 0), block 0
  int in_blocks = 0;
  int last_lanes = kLanes;  ///< of the last input block, LastLanesOf: the others are skipped
  int out_blocks = 0;
  int out_width = 0;
  int stride = 1;  ///< 1 or 2, both directions
  int taps = 0;
  const std::ptrdiff_t* tap_offsets = nullptr;  ///< [taps] elements from in.data
  const void* weights = nullptr;                ///< PackConv (float) or PackConvBf16
  int vectors = 1;  ///< blocks per group, the value the weights were packed with
  Epilogue epilogue;
};

/// Dense convolution whose input is planar (image stems, small networks). Every (channel, tap) pair
/// is one of `depth` offsets. Output is blocked (`conv_stem`) or planar (`conv_planar`).
struct PlanarConvArgs {
  const float* in = nullptr;  ///< channel 0 under tap 0 of output pixel (0, 0)
  std::ptrdiff_t in_row = 0;
  int stride = 1;                           ///< 1 or 2, both directions
  int depth = 0;                            ///< in_channels * kernel_h * kernel_w
  const std::ptrdiff_t* offsets = nullptr;  ///< [depth] floats from `in`; order of the weights
  int out_width = 0;
  int out_channels = 0;
  const float* weights = nullptr;  ///< PackStem or PackPlanar
  int vectors = 1;                 ///< conv_stem: blocks per group
  BlockedOut blocked_out;          ///< conv_stem only
  PlanarOut planar_out;            ///< conv_planar only; no residual
  Epilogue epilogue;
};

/// Depthwise convolution, blocked to blocked. A stride other than 1 or 2 and any kernel are
/// allowed.
struct DepthwiseArgs {
  BlockedIn in;    ///< at the pixel under tap 0 of output pixel (0, 0)
  BlockedOut out;  ///< at output pixel (0, 0), block 0
  int out_width = 0;
  int stride = 1;
  int kernel_h = 0;
  int kernel_w = 0;
  const float* weights = nullptr;  ///< [blocks][kernel_h * kernel_w][16]
  Epilogue epilogue;
};

/// 3x3 stride-1 convolution by Winograd F(m x m, 3 x 3). Outputs are cut into m x m tiles, row by
/// row, image by image; tile ranges may span images. Partial tiles at the right and bottom edge are
/// clipped; nothing outside the (height + 2) x (width + 2) input is read.
struct WinogradArgs {
  int m = 4;                    ///< 2, 3 or 4
  BlockedIn in;                 ///< at input pixel (-1, -1) of image 0
  BlockedOut out;               ///< at output pixel (0, 0) of image 0, block 0
  std::ptrdiff_t in_image = 0;  ///< elements from one image to the next
  std::ptrdiff_t out_image = 0;
  std::ptrdiff_t addend_image = 0;
  int in_blocks = 0;
  int last_lanes = kLanes;  ///< of the last input block, LastLanesOf: the others are skipped
  int out_blocks = 0;
  int height = 0;
  int width = 0;
  const void* weights = nullptr;       ///< PackWinograd (float) or PackWinogradBf16
  const float* raw_weights = nullptr;  ///< PackConv; read instead of `weights` by the *_raw kernel
  int vectors = 1;                     ///< blocks per group, the value the weights were packed with
  Epilogue epilogue;
};

/// Tiles [begin, begin + count) of a WinogradArgs. `v` holds WinogradInputSize elements (float, or
/// uint16_t for bf16), `products` WinogradProductSize floats (one per thread), `u` (raw kernel
/// only, one per thread) WinogradRawSize floats. All 64-byte aligned.
struct WinogradTiles {
  int begin = 0;
  int count = 0;
  void* v = nullptr;
  float* products = nullptr;
  float* u = nullptr;
};

/// A dense convolution on matrix tiles of bf16, in positions instead of rows and pixels.
///
/// `split` multiplies fp32 numbers: each is the sum of two bf16 numbers, its high part (the number
/// rounded) and its low part (the rest rounded), and a product is high * high + high * low + low *
/// high. What is left out is below 2^-16 of the product.
///
/// The input is gathered into planes [pair of channel blocks][part][phase][position][32 channels]
/// of bf16 (one part, or high and low), position = row * width + column, a phase being the pixels
/// with equal remainders of row and column by the stride. Under every tap, neighbouring output
/// pixels then read neighbouring positions, whatever the stride, and a tile of 16 positions may run
/// over the ends of rows: sums at the `width - out_width` positions between two rows are computed
/// and dropped.
struct TileGeometry {
  int out_height = 0;
  int out_width = 0;
  int kernel_h = 1;
  int kernel_w = 1;
  int stride = 1;            ///< 1 or 2, both directions
  int width = 0;             ///< of the planes
  int positions = 0;         ///< that reach from the first to the last output pixel
  int tiles = 0;             ///< of kTileRows positions
  std::ptrdiff_t plane = 0;  ///< elements of one phase, those read by the last tile included
  std::ptrdiff_t part = 0;   ///< elements of all phases of one part
  std::ptrdiff_t pair = 0;   ///< elements of one pair of channel blocks: all its parts
  bool split = false;        ///< fp32 numbers as two bf16 parts each
};

/// From blocked bf16 (`split`: fp32) to planes. Where `in_blocks` is odd the missing channels are
/// written as zeros. Positions no output pixel needs are not written.
struct TileGatherArgs {
  BlockedIn in;  ///< at the pixel under tap 0 of output pixel (0, 0); store kBf16, split: kF32
  int in_blocks = 0;
  TileGeometry geometry;
  std::uint16_t* planes = nullptr;
};

struct TileConvArgs {
  const std::uint16_t* planes = nullptr;
  int in_pairs = 0;
  TileGeometry geometry;
  const std::ptrdiff_t* tap_offsets = nullptr;  ///< TileTapOffsets
  BlockedOut out;                               ///< at output pixel (0, 0), block 0
  int out_blocks = 0;
  const std::uint16_t* weights = nullptr;  ///< PackConvTiles, split: PackConvTilesSplit
  Epilogue epilogue;
};

/// Fully connected layer: out[b][o] = epilogue(sum over k of in[b][k] * weights[o][k]).
struct FcArgs {
  const void* in = nullptr;  ///< [batch][depth], float or bf16 by the kernel
  std::ptrdiff_t in_row = 0;
  int batch = 1;
  int depth = 0;                  ///< even for bf16
  const void* weights = nullptr;  ///< PackFc or PackFcBf16
  int out_channels = 0;
  float* out = nullptr;  ///< [batch][out_channels]
  std::ptrdiff_t out_row = 0;
  Epilogue epilogue;  ///< no residual
};

/// Window maximum or mean. The window of output y covers input rows [y * stride - pad_top, +
/// kernel), cut to [0, in_height); the same for x. Every window must hold at least one input pixel.
struct PoolArgs {
  int in_height = 0;
  int in_width = 0;
  int out_width = 0;
  int kernel_h = 0;
  int kernel_w = 0;
  int stride = 1;
  int pad_top = 0;
  int pad_left = 0;
  // Of the mean:
  int pad_bottom = 0;
  int pad_right = 0;
  bool count_padding = false;  ///< divide by positions in picture and padding, not picture alone
};

/// Widths around a rows x width interior.
struct Border {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
};

/// The kernels of one instruction set. Tables are built by copying the next lower one and replacing
/// what the set does better, so every pointer but the peak loops is always set.
struct KernelTable {
  const char* isa = nullptr;  ///< one of KnownIsas()
  bool fast_bf16 = false;     ///< bf16 products run at full speed (else the scalar emulation)
  bool fast_tiles = false;    ///< conv_tiles runs on matrix hardware (else it is the emulation)
  int vector_registers = 16;  ///< 32 lets groups be wider; see GroupVectors

  /// Rows [y_begin, y_end) of groups [group_begin, group_end). conv_f32 wants in.store and
  /// out.store kF32; conv_bf16 wants in.store kBf16 and any out.store. While a group is computed
  /// the next one in memory is prefetched, past the last group too: lay the weights of successive
  /// layers out one behind the other.
  void (*conv_f32)(const ConvArgs&, int group_begin, int group_end, int y_begin, int y_end);
  void (*conv_bf16)(const ConvArgs&, int group_begin, int group_end, int y_begin, int y_end);

  /// Planes of pairs [pair_begin, pair_end) of channel blocks.
  void (*gather_tiles)(const TileGatherArgs&, int pair_begin, int pair_end);
  /// Tiles [tile_begin, tile_end) of groups [group_begin, group_end) of two output blocks, from
  /// planes gathered in full. Any out.store.
  void (*conv_tiles)(const TileConvArgs&, int group_begin, int group_end, int tile_begin,
                     int tile_end);

  /// Rows of groups of `vectors` blocks; any blocked_out.store.
  void (*conv_stem)(const PlanarConvArgs&, int group_begin, int group_end, int y_begin, int y_end);
  /// Rows of groups of kPlanarGroup channels.
  void (*conv_planar)(const PlanarConvArgs&, int group_begin, int group_end, int y_begin,
                      int y_end);

  /// Rows of channel blocks. Any stores; sums are float.
  void (*depthwise)(const DepthwiseArgs&, int block_begin, int block_end, int y_begin, int y_end);

  /// Input transform of channel blocks [block_begin, block_end) into tiles.v (float / bf16). Any
  /// in.store.
  void (*winograd_input_f32)(const WinogradArgs&, const WinogradTiles&, int block_begin,
                             int block_end);
  void (*winograd_input_bf16)(const WinogradArgs&, const WinogradTiles&, int block_begin,
                              int block_end);
  /// Products, output transform and epilogue of groups [group_begin, group_end), after the input
  /// transform of ALL input blocks of these tiles. Any out.store.
  void (*winograd_output_f32)(const WinogradArgs&, const WinogradTiles&, int group_begin,
                              int group_end);
  void (*winograd_output_bf16)(const WinogradArgs&, const WinogradTiles&, int group_begin,
                               int group_end);
  /// The same as winograd_output_f32 from raw_weights, transformed on the fly: 4 to 2.8 times less
  /// weight memory for 15-20 % more time. Results differ from it in the last bits.
  void (*winograd_output_raw)(const WinogradArgs&, const WinogradTiles&, int group_begin,
                              int group_end);

  /// Groups of kFcGroup output channels.
  void (*fc_f32)(const FcArgs&, int group_begin, int group_end);
  void (*fc_bf16)(const FcArgs&, int group_begin, int group_end);

  /// in: input pixel (0, 0); out: output pixel (0, 0). Rows [y_begin, y_end) of `blocks` channel
  /// blocks (equal stores) or `planes` channels.
  void (*max_pool_blocked)(const PoolArgs&, const BlockedIn& in, const BlockedOut& out, int blocks,
                           int y_begin, int y_end);
  void (*average_pool_blocked)(const PoolArgs&, const BlockedIn& in, const BlockedOut& out,
                               int blocks, int y_begin, int y_end);
  void (*max_pool_planar)(const PoolArgs&, const PlanarIn& in, const PlanarOut& out, int planes,
                          int y_begin, int y_end);

  /// out = epilogue(scale[c] * in) over a blocks x rows x width region; null scale is 1; any
  /// stores. In place is allowed. This is Add, PReLU, ReLU, Clip and BatchNorm that found no
  /// producer.
  void (*affine)(const BlockedIn& in, const BlockedOut& out, int blocks, int rows, int width,
                 const float* scale, const Epilogue& epilogue);
  /// out[y][x] = epilogue(in[y / 2][x / 2]) over rows x width OUTPUT pixels (feature pyramids:
  /// nearest upsampling fused with its addition).
  void (*upsample2)(const BlockedIn& in, const BlockedOut& out, int blocks, int rows, int width,
                    const Epilogue& epilogue);
  /// out[i] = 1 / (1 + exp(-in[i])). In place is allowed.
  void (*sigmoid)(const float* in, float* out, std::size_t count);

  /// Layout changes of a channels x rows x width region; the missing lanes of the last block are
  /// written as zero / not read. Any stores.
  void (*planar_to_blocked)(const PlanarIn& in, const BlockedOut& out, int channels, int rows,
                            int width);
  void (*blocked_to_planar)(const BlockedIn& in, const PlanarOut& out, int channels, int rows,
                            int width);
  /// out[c] = (rgb[order[c]] - mean[c]) * scale[c], 3 channels, from interleaved bytes. order
  /// {0, 1, 2} keeps RGB, {2, 1, 0} makes BGR.
  void (*rgb_to_planar)(const std::uint8_t* rgb, std::ptrdiff_t row_bytes, const PlanarOut& out,
                        int rows, int width, const int* order, const float* mean,
                        const float* scale);
  /// Writes values[c] (null: zero) around the rows x width interior whose pixel (0, 0) is at
  /// `inside`.
  void (*fill_border_blocked)(const BlockedOut& inside, int blocks, int rows, int width,
                              const Border& border, const float* values);
  void (*fill_border_planar)(const PlanarOut& inside, int planes, int rows, int width,
                             const Border& border, const float* values);
  /// Round to nearest even; subnormal results become zero where the hardware does so.
  void (*f32_to_bf16)(const float* in, std::uint16_t* out, std::size_t count);
  void (*bf16_to_f32)(const std::uint16_t* in, float* out, std::size_t count);

  QuantKernels quant{};  ///< the int8 kernels

  /// Register-only multiply-add loops for measuring a core's peak: run `iterations` and return the
  /// operations done (a multiply-add counts 2). Null when the set has no such instruction.
  std::int64_t (*peak_f32)(std::int64_t iterations);
  std::int64_t (*peak_bf16)(std::int64_t iterations);
  std::int64_t (*peak_int8)(std::int64_t iterations);
  /// Reads `bytes` (a multiple of 1024, 64-byte aligned) and returns a value that depends on all.
  std::uint64_t (*read_memory)(const void* data, std::size_t bytes);
};

}  // namespace visavis
