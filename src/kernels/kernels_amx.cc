// Convolutions on AMX tiles of bf16: sixteen positions by sixteen outputs by 32 channels in 16
// cycles.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/isa_macros.h"
#include "kernels/isa_tables.h"

namespace visavis {
namespace {

// In the order of their needs.
// clang-format off
#include "kernels/vec_avx512.inc"
#include "kernels/epilogue_impl.inc"
#include "kernels/amx_tiles.inc"
// clang-format on

/// Sums of up to two tiles of positions by two blocks: [position tile][block][row][16].
struct alignas(64) Sums {
  float tile[2][kTileVectors][kTileRows * kLanes];
};

struct Prefetch {
  const char* at;  ///< the next group's weights still to be fetched
  int lines;       ///< of those, per step; 0 for none
};

// The compiler cannot choose tile registers (their numbers are part of the instruction), so the
// shapes are written out. Tile 2 * t + b sums positions t by block b.

template <int kTiles>
VISAVIS_INLINE void LoadPositions(const std::uint16_t* x) {
  _tile_loadd(4, x, kLine);
  if constexpr (kTiles > 1) _tile_loadd(5, x + kTileRows * kTileDepth, kLine);
}

template <int kBlocks>
VISAVIS_INLINE void LoadWeights(const char* w) {
  _tile_loadd(6, w, kLine);
  if constexpr (kBlocks > 1) _tile_loadd(7, w + kTileBytes, kLine);
}

template <int kTiles, int kBlocks>
VISAVIS_INLINE void AddProducts() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (kTiles > 1) _tile_dpbf16ps(2, 5, 6);
  if constexpr (kBlocks > 1) _tile_dpbf16ps(1, 4, 7);
  if constexpr (kTiles > 1 && kBlocks > 1) _tile_dpbf16ps(3, 5, 7);
}

/// kTiles tiles of positions by kBlocks blocks, over the full depth.
template <int kTiles, int kBlocks, bool kSplit>
void Multiply(const TileConvArgs& a, const std::uint16_t* planes, const char* w, Prefetch ahead,
              Sums& sums) {
  constexpr std::ptrdiff_t kPart = kBlocks * kTileBytes;
  const int taps = a.geometry.kernel_h * a.geometry.kernel_w;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int pair = 0; pair < a.in_pairs; ++pair, planes += a.geometry.pair) {
    for (int tap = 0; tap < taps; ++tap, w += kPart) {
      for (int line = 0; line < ahead.lines; ++line, ahead.at += kLine) {
        _mm_prefetch(ahead.at, _MM_HINT_T1);
      }
      const std::uint16_t* x = planes + a.tap_offsets[tap];
      LoadWeights<kBlocks>(w);
      LoadPositions<kTiles>(x);
      AddProducts<kTiles, kBlocks>();
      if constexpr (kSplit) {
        LoadWeights<kBlocks>(w + kPart);
        AddProducts<kTiles, kBlocks>();
        LoadWeights<kBlocks>(w);
        LoadPositions<kTiles>(x + a.geometry.part);
        AddProducts<kTiles, kBlocks>();
        w += kPart;
      }
    }
  }
  _tile_stored(0, sums.tile[0][0], kLine);
  if constexpr (kBlocks > 1) _tile_stored(1, sums.tile[0][1], kLine);
  if constexpr (kTiles > 1) _tile_stored(2, sums.tile[1][0], kLine);
  if constexpr (kTiles > 1 && kBlocks > 1) _tile_stored(3, sums.tile[1][1], kLine);
  // GCC 12's intrinsics do not say that they write memory.
  __asm__ volatile("" : : : "memory");
}

using MultiplyFunction = void (*)(const TileConvArgs&, const std::uint16_t*, const char*, Prefetch,
                                  Sums&);

template <bool kSplit>
MultiplyFunction FindMultiply(int tiles, int blocks) {
  if (tiles == 1) return blocks == 1 ? &Multiply<1, 1, kSplit> : &Multiply<1, 2, kSplit>;
  return blocks == 1 ? &Multiply<2, 1, kSplit> : &Multiply<2, 2, kSplit>;
}

MultiplyFunction FindMultiply(bool split, int tiles, int blocks) {
  return split ? FindMultiply<true>(tiles, blocks) : FindMultiply<false>(tiles, blocks);
}

/// Where an output pixel lies, counted in elements of `out` and of the residual, for one block.
struct Run {
  const TileConvArgs& a;
  int block;
  std::ptrdiff_t y;
  std::ptrdiff_t x;
};

template <int N>
VISAVIS_INLINE void EmitPixels(const Run& run, const float* sums) {
  Vec pixels[N];
  VISAVIS_UNROLL
  for (int i = 0; i < N; ++i) pixels[i] = Load(sums + i * kLanes);
  const BlockedIn& addend = run.a.epilogue.addend;
  const BlockedOut& out = run.a.out;
  const std::ptrdiff_t pixel = run.x * kLanes;
  Emit(pixels, run.a.epilogue, run.block, run.block * addend.block + run.y * addend.row + pixel,
       out.data, run.block * out.block + run.y * out.row + pixel, out.store);
}

/// `count` neighbouring pixels of one row.
VISAVIS_INLINE void EmitRun(Run run, const float* sums, int count) {
  for (; count >= 8; count -= 8, sums += 8 * kLanes, run.x += 8) EmitPixels<8>(run, sums);
  if (count >= 4) {
    EmitPixels<4>(run, sums);
    count -= 4, sums += 4 * kLanes, run.x += 4;
  }
  if (count >= 2) {
    EmitPixels<2>(run, sums);
    count -= 2, sums += 2 * kLanes, run.x += 2;
  }
  if (count > 0) EmitPixels<1>(run, sums);
}

/// The output pixels among the positions of one tile; those between two rows are passed over.
VISAVIS_INLINE void EmitTile(const TileConvArgs& a, int block, int tile, const float* sums) {
  const TileGeometry& g = a.geometry;
  const int begin = tile * kTileRows;
  const int end = begin + kTileRows < g.positions ? begin + kTileRows : g.positions;
  int y = begin / g.width;
  int x = begin % g.width;
  for (int position = begin; position < end; x = 0, ++y) {
    const int row_left = g.width - x;
    const int left = end - position;
    const int taken = row_left < left ? row_left : left;
    const int wanted = g.out_width - x;
    const int pixels = wanted < taken ? wanted : taken;
    if (pixels > 0) {
      EmitRun({a, block, y, x}, sums + static_cast<std::ptrdiff_t>(position - begin) * kLanes,
              pixels);
    }
    position += taken;
  }
}

VISAVIS_INLINE void EmitTiles(const TileConvArgs& a, int group, int vectors, int tile, int tiles,
                              const Sums& sums) {
  for (int t = 0; t < tiles; ++t) {
    for (int v = 0; v < vectors; ++v) {
      EmitTile(a, group * kTileVectors + v, tile + t, sums.tile[t][v]);
    }
  }
}

void ConvTilesOfGroup(const TileConvArgs& a, int group, int tile_begin, int tile_end,
                      bool prefetch_next) {
  const int taps = a.geometry.kernel_h * a.geometry.kernel_w;
  const std::ptrdiff_t steps = static_cast<std::ptrdiff_t>(a.in_pairs) * taps;
  const int vectors = BlocksInGroup(group, kTileVectors, a.out_blocks);
  const std::ptrdiff_t step_bytes = (a.geometry.split ? 2 : 1) * kTileBytes;  // of one block
  const char* weights =
      reinterpret_cast<const char*>(a.weights) + group * kTileVectors * steps * step_bytes;
  // Every pair of tiles prefetches its share of the next group.
  const std::ptrdiff_t group_lines = vectors * steps * step_bytes / kLine;
  std::ptrdiff_t left = prefetch_next ? group_lines : 0;
  const std::ptrdiff_t all_steps = steps * ((tile_end - tile_begin + 1) / 2);
  const auto lines = static_cast<int>((left + all_steps - 1) / all_steps);
  const char* ahead = weights + vectors * steps * step_bytes;
  Sums sums[2];
  int before = -1;  // the tiles whose sums wait to be finished
  int turn = 0;
  for (int tile = tile_begin; tile < tile_end; before = tile, tile += 2, turn ^= 1) {
    const Prefetch prefetch = {ahead, left > 0 ? lines : 0};
    FindMultiply(a.geometry.split, tile_end - tile < 2 ? 1 : 2, vectors)(
        a, a.planes + static_cast<std::ptrdiff_t>(tile) * kTileRows * kTileDepth, weights, prefetch,
        sums[turn]);
    ahead += prefetch.lines * steps * kLine;
    left -= prefetch.lines * steps;
    if (before >= 0) EmitTiles(a, group, vectors, before, 2, sums[turn ^ 1]);
  }
  EmitTiles(a, group, vectors, before, tile_end - before, sums[turn ^ 1]);
}

void ConvTiles(const TileConvArgs& a, int group_begin, int group_end, int tile_begin,
               int tile_end) {
  if (tile_begin >= tile_end) return;
  OpenTiles();
  const int groups = (a.out_blocks + kTileVectors - 1) / kTileVectors;
  for (int group = group_begin; group < group_end; ++group) {
    // The group behind a range's end belongs to another thread, unless it is the next layer's.
    const bool prefetch_next = group + 1 < group_end || group_end == groups;
    ConvTilesOfGroup(a, group, tile_begin, tile_end, prefetch_next);
  }
  CloseTiles();
}

/// One row of one phase: 16 channels of either block side by side; a missing second one is zeros.
VISAVIS_INLINE void GatherRow(const std::uint16_t* low, const std::uint16_t* high, bool both,
                              std::ptrdiff_t step, int width, std::uint16_t* to) {
  for (int x = 0; x < width; ++x, low += step, high += step, to += kTileDepth) {
    __m512i pixel =
        _mm512_zextsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(low)));
    if (both) {
      pixel =
          _mm512_inserti64x4(pixel, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(high)), 1);
    }
    _mm512_storeu_si512(to, pixel);
  }
}

/// The same of floats, split into high and low parts.
VISAVIS_INLINE void GatherSplitRow(const float* low, const float* high, bool both,
                                   std::ptrdiff_t step, int width, std::uint16_t* to,
                                   std::ptrdiff_t part) {
  for (int x = 0; x < width; ++x, low += step, high += step, to += kTileDepth) {
    const Vec first = Load(low);
    const Vec second = both ? Load(high) : Zero();
    const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(second, first);
    _mm512_storeu_si512(to, rounded);
    const __m512i first_bits =
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(rounded)), 16);
    const __m512i second_bits =
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(rounded, 1)), 16);
    // Nothing is left of numbers that are not finite as bf16.
    constexpr int kNotFinite = 0x01 | 0x08 | 0x10 | 0x80;
    const Vec first_high = _mm512_castsi512_ps(first_bits);
    const Vec second_high = _mm512_castsi512_ps(second_bits);
    const Vec first_low = _mm512_maskz_sub_ps(
        static_cast<__mmask16>(~_mm512_fpclass_ps_mask(first_high, kNotFinite)), first, first_high);
    const Vec second_low = _mm512_maskz_sub_ps(
        static_cast<__mmask16>(~_mm512_fpclass_ps_mask(second_high, kNotFinite)), second,
        second_high);
    _mm512_storeu_si512(to + part, (__m512i)_mm512_cvtne2ps_pbh(second_low, first_low));
  }
}

template <typename Element>
void GatherPhase(const TileGatherArgs& a, int pair, int py, int px, std::uint16_t* to) {
  const TileGeometry& g = a.geometry;
  const int rows = g.out_height + (g.kernel_h - 1 - py) / g.stride;
  const int width = g.out_width + (g.kernel_w - 1 - px) / g.stride;
  const auto* in = static_cast<const Element*>(a.in.data) + 2 * pair * a.in.block + py * a.in.row +
                   static_cast<std::ptrdiff_t>(px) * kLanes;
  const bool both = 2 * pair + 1 < a.in_blocks;
  const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(g.stride) * kLanes;
  for (int y = 0; y < rows; ++y, in += g.stride * a.in.row) {
    std::uint16_t* row = to + static_cast<std::ptrdiff_t>(y) * g.width * kTileDepth;
    if constexpr (sizeof(Element) == sizeof(float)) {
      GatherSplitRow(in, in + a.in.block, both, step, width, row, g.part);
    } else {
      GatherRow(in, in + a.in.block, both, step, width, row);
    }
  }
}

template <typename Element>
void GatherPair(const TileGatherArgs& a, int pair) {
  const TileGeometry& g = a.geometry;
  std::uint16_t* to = a.planes + pair * g.pair;
  for (int py = 0; py < g.stride && py < g.kernel_h; ++py) {
    for (int px = 0; px < g.stride && px < g.kernel_w; ++px, to += g.plane) {
      GatherPhase<Element>(a, pair, py, px, to);
    }
  }
}

void GatherTiles(const TileGatherArgs& a, int pair_begin, int pair_end) {
  for (int pair = pair_begin; pair < pair_end; ++pair) {
    a.geometry.split ? GatherPair<float>(a, pair) : GatherPair<std::uint16_t>(a, pair);
  }
}

std::int64_t PeakBf16(std::int64_t iterations) {
  OpenTiles();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(6);
  for (std::int64_t n = 0; n < iterations; ++n) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 6);
    _tile_dpbf16ps(2, 4, 6);
    _tile_dpbf16ps(3, 4, 6);
  }
  CloseTiles();
  return iterations * 4 * kTileRows * kLanes * kTileDepth * 2;
}

}  // namespace

void AddAmx(KernelTable& table) {
  table.gather_tiles = GatherTiles;
  table.conv_tiles = ConvTiles;
  table.peak_bf16 = PeakBf16;
}

}  // namespace visavis
