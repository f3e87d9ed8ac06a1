// Finding the kernels of this machine, and laying out weights for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/table.h"

namespace visavis {

/// Names of all instruction sets this build knows, slowest first, runnable here or not.
std::span<const std::string_view> KnownIsas();

/// The kernels of `isa` (one of KnownIsas()), or null if the name is
/// unknown or this CPU or operating system cannot run it. Looking at "amx" asks Linux, once and for
/// the whole process, to save the tile registers too; signal frames then grow by 8 KB. Threads:
/// safe concurrently; the table is immutable and lives for the whole program.
const KernelTable* FindKernels(std::string_view isa);

/// The fastest instruction set this CPU and operating system can run.
std::string_view BestIsa();

/// A dense convolution's weights: [out_channels][in_channels][kernel_h][kernel_w] floats.
struct ConvShape {
  int out_channels = 0;
  int in_channels = 0;
  int kernel_h = 1;
  int kernel_w = 1;
};

/// Blocks of 16 that hold `channels`.
constexpr int BlocksOf(int channels) { return (channels + kLanes - 1) / kLanes; }
/// Lanes of the last of those blocks that products run over: a multiple of two steps (of one
/// channel in fp32, two in bf16).
constexpr int LastLanesOf(int channels) {
  return (channels - (BlocksOf(channels) - 1) * kLanes + 3) / 4 * 4;
}
/// Groups of `vectors` blocks that hold `blocks`.
constexpr int GroupsOf(int blocks, int vectors) { return (blocks + vectors - 1) / vectors; }
/// Groups of a packed fully connected layer.
constexpr int FcGroupsOf(int channels) { return (channels + kFcGroup - 1) / kFcGroup; }
/// Groups of a packed planar convolution.
constexpr int PlanarGroupsOf(int channels) { return (channels + kPlanarGroup - 1) / kPlanarGroup; }

/// What a group's width is chosen for.
enum class GroupUse : std::uint8_t { kConv, kStem, kWinograd2, kWinograd3, kWinograd4 };

/// The `vectors` (blocks per group) that suit the table's registers. Depends on nothing else, so
/// packed weights serve every input size.
int GroupVectors(const KernelTable& kernels, GroupUse use, int out_blocks);

/// Elements of packed weights, and the packing. `weights` is [out][in][kernel_h][kernel_w];
/// `packed` is 64-byte aligned for speed. Missing channels become zeros.
std::size_t PackedConvSize(const ConvShape& shape, int vectors);
/// [group][in block][tap][16 in][16 * vectors out]; also the `raw_weights` of Winograd.
void PackConv(const float* weights, const ConvShape& shape, int vectors, float* packed);
/// [group][in block][tap][8 pairs of in][16 * vectors out][2], rounded to nearest even.
void PackConvBf16(const float* weights, const ConvShape& shape, int vectors, std::uint16_t* packed);

/// Pairs of channel blocks that hold `channels`.
constexpr int TilePairsOf(int channels) { return (channels + kTileDepth - 1) / kTileDepth; }
/// The geometry of a convolution that makes out_height x out_width pixels.
TileGeometry MakeTileGeometry(const ConvShape& shape, int stride, int out_height, int out_width,
                              bool split);
/// Elements from an output pixel's position to the position under tap (y, x), y the slower.
std::vector<std::ptrdiff_t> TileTapOffsets(const TileGeometry& geometry);
/// [group][pair of in blocks][tap][block of the group][16 pairs of in][16 out][2].
std::size_t PackedConvTilesSize(const ConvShape& shape);
void PackConvTiles(const float* weights, const ConvShape& shape, std::uint16_t* packed);
/// The same with [part], high then low, in front of [block of the group]; twice the size.
void PackConvTilesSplit(const float* weights, const ConvShape& shape, std::uint16_t* packed);

/// [group][depth][16 * vectors]: depth order is (in, kernel_h, kernel_w).
std::size_t PackedStemSize(const ConvShape& shape, int vectors);
void PackStem(const float* weights, const ConvShape& shape, int vectors, float* packed);

/// [group][depth][kPlanarGroup].
std::size_t PackedPlanarSize(const ConvShape& shape);
void PackPlanar(const float* weights, const ConvShape& shape, float* packed);

/// [block][tap][16] from [channels][kernel_h][kernel_w].
std::size_t PackedDepthwiseSize(int channels, int taps);
void PackDepthwise(const float* weights, int channels, int taps, float* packed);

/// [group][point][in][16 * vectors]: G g G^T in double, rounded once. shape must be 3x3.
std::size_t PackedWinogradSize(const ConvShape& shape, int m, int vectors);
void PackWinograd(const float* weights, const ConvShape& shape, int m, int vectors, float* packed);
/// [group][point][pair of in][16 * vectors][2].
void PackWinogradBf16(const float* weights, const ConvShape& shape, int m, int vectors,
                      std::uint16_t* packed);

/// [group][in][64] from [out][in] (`depth` = in).
std::size_t PackedFcSize(int out_channels, int depth);
void PackFc(const float* weights, int out_channels, int depth, float* packed);
/// [group][pair of in][64][2]; an odd depth gets a zero.
void PackFcBf16(const float* weights, int out_channels, int depth, std::uint16_t* packed);

/// Blocks of 64 that hold `channels`.
constexpr int QuantBlocksOf(int channels) { return (channels + kQuantLanes - 1) / kQuantLanes; }
/// Quads of the last of those blocks that exist.
constexpr int QuantLastQuads(int channels) {
  return (channels - (QuantBlocksOf(channels) - 1) * kQuantLanes + kQuantQuad - 1) / kQuantQuad;
}
/// Quads of rows that hold a depthwise kernel of `kernel_h` rows.
constexpr int QuadRowsOf(int kernel_h) { return (kernel_h + kQuantQuad - 1) / kQuantQuad; }

/// Bytes of packed int8 weights, and the packing from [out][in][kernel_h][kernel_w]. Missing
/// channels become zeros.
std::size_t PackedQuantConvSize(const ConvShape& shape);
/// [out / 16][in / 64][tap][16 quads of in][16 out][4 in].
void PackQuantConv(const std::int8_t* weights, const ConvShape& shape, std::int8_t* packed);
/// [out / 16][tap][16 out][4 in], for up to four input channels.
std::size_t PackedQuantPictureSize(const ConvShape& shape);
void PackQuantPicture(const std::int8_t* weights, const ConvShape& shape, std::int8_t* packed);
/// [channels / 64][kernel_w][quad of rows][64 channels in the order of QuantDepthwiseLane][4 rows],
/// from [channels][kernel_h][kernel_w].
std::size_t PackedQuantDepthwiseSize(int channels, int kernel_h, int kernel_w);
void PackQuantDepthwise(const std::int8_t* weights, int channels, int kernel_h, int kernel_w,
                        std::int8_t* packed);
/// The place of a channel in the sums of a depthwise kernel: bytes of rows are interleaved within
/// 128-bit lanes, which puts channel 16 L + 4 j + i at 16 j + 4 L + i.
int QuantDepthwiseLane(int channel);

/// Tiles of one height x width image under F(m x m).
int WinogradTileCount(int m, int height, int width);
/// How many tiles to transform at once out of `tiles`: keeps V and the products in cache, and cuts
/// evenly; where there is a pass for each thread, so that all threads get as many.
int WinogradTilesPerPass(int tiles, int threads = 1);
/// Elements of WinogradTiles::v, ::products and ::u for passes of `tiles` tiles.
std::size_t WinogradInputSize(int m, int in_blocks, int tiles);
std::size_t WinogradProductSize(int m, int vectors, int tiles);
std::size_t WinogradRawSize(int m, int vectors);

}  // namespace visavis
