// Portable convolution on matrix tiles, and the geometry that all its users share.
#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/scalar.h"

namespace visavis {
namespace {

// A phase of remainder `remainder` has as many rows (or columns) as its own taps need.
int PhaseExtent(int out_extent, int kernel, int stride, int remainder) {
  return out_extent + (kernel - 1 - remainder) / stride;
}

int PhasesOf(int kernel, int stride) { return std::min(kernel, stride); }

void GatherBlock(const TileGatherArgs& a, int block, std::uint16_t* to) {
  const TileGeometry& g = a.geometry;
  const auto* in = static_cast<const std::uint16_t*>(a.in.data);
  const bool exists = block < a.in_blocks;
  for (int py = 0; py < PhasesOf(g.kernel_h, g.stride); ++py) {
    for (int px = 0; px < PhasesOf(g.kernel_w, g.stride); ++px, to += g.plane) {
      for (int y = 0; y < PhaseExtent(g.out_height, g.kernel_h, g.stride, py); ++y) {
        for (int x = 0; x < PhaseExtent(g.out_width, g.kernel_w, g.stride, px); ++x) {
          const std::ptrdiff_t at = block * a.in.block + (y * g.stride + py) * a.in.row +
                                    std::ptrdiff_t{x * g.stride + px} * kLanes;
          std::uint16_t* pixel = to + (std::ptrdiff_t{y} * g.width + x) * kTileDepth;
          for (int i = 0; i < kLanes; ++i) pixel[i] = exists ? in[at + i] : std::uint16_t{0};
        }
      }
    }
  }
}

void GatherTiles(const TileGatherArgs& a, int pair_begin, int pair_end) {
  for (int pair = pair_begin; pair < pair_end; ++pair) {
    GatherBlock(a, 2 * pair, a.planes + pair * a.geometry.pair);
    GatherBlock(a, 2 * pair + 1, a.planes + pair * a.geometry.pair + kLanes);
  }
}

// As TDPBF16PS does it: the even and the odd channels of a row are summed apart, then both added.
void AddTileRow(const std::uint16_t* x, const std::uint16_t* w, Pixel& sum) {
  for (int o = 0; o < kLanes; ++o) {
    float even = 0;
    float odd = 0;
    for (int k = 0; k < kTileDepth; k += 2) {
      const std::uint16_t* pair = w + std::ptrdiff_t{k} * kLanes + 2 * o;
      even += Bf16ToFloat(x[k]) * Bf16ToFloat(pair[0]);
      odd += Bf16ToFloat(x[k + 1]) * Bf16ToFloat(pair[1]);
    }
    sum.lane[o] += even + odd;
  }
}

void ConvTiles(const TileConvArgs& a, int group_begin, int group_end, int tile_begin,
               int tile_end) {
  const TileGeometry& g = a.geometry;
  constexpr std::ptrdiff_t kTileElements = kTileDepth * kLanes;
  const int taps = g.kernel_h * g.kernel_w;
  const int end = std::min(tile_end * kTileRows, g.positions);
  for (int block = group_begin * kTileVectors;
       block < std::min(group_end * kTileVectors, a.out_blocks); ++block) {
    const int group = block / kTileVectors;
    const int vectors = BlocksInGroup(group, kTileVectors, a.out_blocks);
    const std::uint16_t* weights = a.weights +
                                   group * kTileVectors * (a.in_pairs * taps * kTileElements) +
                                   block % kTileVectors * kTileElements;
    for (int position = tile_begin * kTileRows; position < end; ++position) {
      const int y = position / g.width;
      const int x = position % g.width;
      if (x >= g.out_width) continue;
      Pixel sum;
      const std::uint16_t* w = weights;
      for (int pair = 0; pair < a.in_pairs; ++pair) {
        for (int tap = 0; tap < taps; ++tap, w += vectors * kTileElements) {
          AddTileRow(
              a.planes + pair * g.pair + a.tap_offsets[tap] + std::ptrdiff_t{position} * kTileDepth,
              w, sum);
        }
      }
      Emit(a.epilogue, a.out, block, y, x, sum);
    }
  }
}

}  // namespace

void AddScalarTiles(KernelTable& table) {
  table.gather_tiles = GatherTiles;
  table.conv_tiles = ConvTiles;
}

TileGeometry MakeTileGeometry(const ConvShape& shape, int stride, int out_height, int out_width) {
  TileGeometry g;
  g.out_height = out_height;
  g.out_width = out_width;
  g.kernel_h = shape.kernel_h;
  g.kernel_w = shape.kernel_w;
  g.stride = stride;
  g.width = out_width + (shape.kernel_w - 1) / stride;
  g.positions = (out_height - 1) * g.width + out_width;
  g.tiles = (g.positions + kTileRows - 1) / kTileRows;
  const std::ptrdiff_t farthest =
      std::ptrdiff_t{(shape.kernel_h - 1) / stride} * g.width + (shape.kernel_w - 1) / stride;
  g.plane = (std::ptrdiff_t{g.tiles} * kTileRows + farthest) * kTileDepth;
  g.pair = g.plane * PhasesOf(shape.kernel_h, stride) * PhasesOf(shape.kernel_w, stride);
  return g;
}

std::vector<std::ptrdiff_t> TileTapOffsets(const TileGeometry& g) {
  std::vector<std::ptrdiff_t> offsets;
  for (int y = 0; y < g.kernel_h; ++y) {
    for (int x = 0; x < g.kernel_w; ++x) {
      const int phase = y % g.stride * PhasesOf(g.kernel_w, g.stride) + x % g.stride;
      offsets.push_back(phase * g.plane +
                        (std::ptrdiff_t{y / g.stride} * g.width + x / g.stride) * kTileDepth);
    }
  }
  return offsets;
}

}  // namespace visavis
