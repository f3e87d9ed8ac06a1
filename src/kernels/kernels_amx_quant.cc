// Convolutions on AMX tiles of bytes: sixteen positions by sixteen outputs by 64 channels in 16
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
#include "kernels/quant_vec_avx512.inc"
#include "kernels/quant_epilogue_impl.inc"
#include "kernels/amx_tiles.inc"
// clang-format on

constexpr int kRows = 16;  // positions of a tile

/// Sums of up to two tiles of positions by two blocks: [position][32].
struct alignas(64) Sums {
  std::int32_t row[2 * kRows][kGroupLanes];
};

struct Prefetch {
  const char* at;  ///< the next group's weights still to be fetched
  int lines;       ///< of those, per step; 0 for none
};

/// kTiles tiles of positions, `step` bytes apart, by kBlocks blocks, over the full depth. The
/// compiler cannot choose tile registers, so the shapes are written out.
template <int kTiles, int kBlocks>
void Multiply(const QuantConvArgs& a, const std::uint8_t* in, std::ptrdiff_t step,
              const std::int8_t* w, std::ptrdiff_t next, const std::int32_t* start, Prefetch ahead,
              Sums& sums) {
  // A stride of zero makes every position start alike.
  _tile_loadd(0, start, 0);
  if constexpr (kBlocks > 1) _tile_loadd(1, start + kLanes, 0);
  if constexpr (kTiles > 1) _tile_loadd(2, start, 0);
  if constexpr (kTiles > 1 && kBlocks > 1) _tile_loadd(3, start + kLanes, 0);
  for (int block = 0; block < a.in_blocks; ++block, in += a.in.block) {
    for (int tap = 0; tap < a.taps; ++tap, w += kTileBytes) {
      for (int line = 0; line < ahead.lines; ++line, ahead.at += kLine) {
        _mm_prefetch(ahead.at, _MM_HINT_T1);
      }
      const std::uint8_t* x = in + a.tap_offsets[tap];
      _tile_loadd(6, w, kLine);
      _tile_loadd(4, x, step);
      _tile_dpbusd(0, 4, 6);
      if constexpr (kTiles > 1) {
        _tile_loadd(5, x + kRows * step, step);
        _tile_dpbusd(2, 5, 6);
      }
      if constexpr (kBlocks > 1) {
        _tile_loadd(7, w + next, kLine);
        _tile_dpbusd(1, 4, 7);
        if constexpr (kTiles > 1) _tile_dpbusd(3, 5, 7);
      }
    }
  }
  constexpr std::ptrdiff_t kSumsRow = kGroupLanes * sizeof(std::int32_t);
  _tile_stored(0, sums.row[0], kSumsRow);
  if constexpr (kBlocks > 1) _tile_stored(1, sums.row[0] + kLanes, kSumsRow);
  if constexpr (kTiles > 1) _tile_stored(2, sums.row[kRows], kSumsRow);
  if constexpr (kTiles > 1 && kBlocks > 1) _tile_stored(3, sums.row[kRows] + kLanes, kSumsRow);
  // GCC 12's intrinsics do not say that they write memory.
  __asm__ volatile("" : : : "memory");
}

/// How rows of pixels become positions. Either every row starts with a tile of its own, or
/// positions run on over the border between two rows, whose sums are passed over.
struct Positions {
  int pitch;  ///< from one row to the next
  int count;
};

Positions CutRows(const QuantConvArgs& a, int rows) {
  const auto flat = static_cast<int>(a.in.row / kQuantLanes);
  const int own = (a.out_width + kRows - 1) / kRows * kRows;
  const int run_on = (rows - 1) * flat + a.out_width;
  if (flat >= own || (run_on + kRows - 1) / kRows >= rows * own / kRows) {
    return {own, (rows - 1) * own + a.out_width};
  }
  return {flat, run_on};
}

struct Cut {
  const QuantConvArgs& a;
  QuantFinish finish;
  Positions positions;
  std::ptrdiff_t step;  ///< bytes from one position to the next
  int y_begin;
  int block;

  /// Where position `p` reads. With rows of their own, positions behind a row's end read on.
  const std::uint8_t* At(int p) const {
    const int y = p / positions.pitch;
    const int x = p - y * positions.pitch;
    return a.in.data + (y_begin + y) * a.stride * a.in.row + x * step;
  }

  /// Finishes the pixels among `tiles` tiles from position `p` on.
  void Emit(int p, int tiles, const Sums& sums) const {
    const int end = p + tiles * kRows < positions.count ? p + tiles * kRows : positions.count;
    int y = p / positions.pitch;
    int x = p - y * positions.pitch;
    for (int row = 0; p < end; x = 0, ++y) {
      const int row_left = positions.pitch - x;
      const int taken = row_left < end - p ? row_left : end - p;
      const int wanted = a.out_width - x;
      const int pixels = wanted < taken ? wanted : taken;
      if (pixels > 0) {
        finish(a.epilogue,
               SumsOf(sums.row[row], kGroupLanes, pixels, block, a.out_blocks, y_begin + y, x));
      }
      p += taken;
      row += taken;
    }
  }
};

void ConvGroup(const QuantConvArgs& a, QuantFinish finish, int group, int y_begin, int y_end,
               bool prefetch_next) {
  static constexpr decltype(&Multiply<1, 1>) kMultiply[2][2] = {{Multiply<1, 1>, Multiply<1, 2>},
                                                                {Multiply<2, 1>, Multiply<2, 2>}};
  const int block = group * kQuantGroup;
  const int blocks = BlocksInGroup(group, kQuantGroup, a.out_blocks);
  const Cut cut{
      a,       finish, CutRows(a, y_end - y_begin), std::ptrdiff_t{a.stride} * kQuantLanes,
      y_begin, block};
  const std::ptrdiff_t steps = static_cast<std::ptrdiff_t>(a.in_blocks) * a.taps;
  const std::ptrdiff_t next = steps * kTileBytes;
  const std::int8_t* weights = a.weights + block * next;
  const int tiles = (cut.positions.count + kRows - 1) / kRows;
  // Two tiles in a row are neighbours unless rows start anew between them.
  const bool own_rows = cut.positions.pitch != static_cast<int>(a.in.row / kQuantLanes);
  const int row_tiles = own_rows ? cut.positions.pitch / kRows : tiles;
  // Every pair of tiles prefetches its share of the next group.
  std::ptrdiff_t left = prefetch_next ? blocks * next / kLine : 0;
  const std::ptrdiff_t all_steps = steps * ((tiles + 1) / 2);
  const auto lines = static_cast<int>((left + all_steps - 1) / all_steps);
  const char* ahead = reinterpret_cast<const char*>(weights) + blocks * next;
  Sums sums[2];
  int before = -1;  // the tiles whose sums wait to be finished
  int before_tiles = 0;
  int turn = 0;
  for (int tile = 0; tile < tiles;) {
    const bool pair = tile + 1 < tiles && tile % row_tiles + 1 < row_tiles;
    const Prefetch prefetch = {ahead, left > 0 ? lines : 0};
    kMultiply[pair ? 1 : 0][blocks - 1](a, cut.At(tile * kRows), cut.step, weights, next,
                                        a.start + block * kLanes, prefetch, sums[turn]);
    ahead += prefetch.lines * steps * kLine;
    left -= prefetch.lines * steps;
    if (before >= 0) cut.Emit(before * kRows, before_tiles, sums[turn ^ 1]);
    before = tile;
    before_tiles = pair ? 2 : 1;
    tile += before_tiles;
    turn ^= 1;
  }
  cut.Emit(before * kRows, before_tiles, sums[turn ^ 1]);
}

void Conv(const QuantConvArgs& a, int group_begin, int group_end, int y_begin, int y_end) {
  if (y_begin >= y_end) return;
  const QuantFinish finish = FindQuantFinish<false>(a.epilogue);
  const int groups = (a.out_blocks + kQuantGroup - 1) / kQuantGroup;
  OpenTiles();
  for (int group = group_begin; group < group_end; ++group) {
    // The group behind a range's end belongs to another thread, unless it is the next layer's.
    const bool prefetch_next = group + 1 < group_end || group_end == groups;
    ConvGroup(a, finish, group, y_begin, y_end, prefetch_next);
  }
  CloseTiles();
}

std::int64_t PeakInt8(std::int64_t iterations) {
  OpenTiles();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(6);
  for (std::int64_t n = 0; n < iterations; ++n) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 6);
    _tile_dpbusd(2, 4, 6);
    _tile_dpbusd(3, 4, 6);
  }
  CloseTiles();
  return iterations * 4 * kRows * kLanes * kQuantLanes * 2;
}

}  // namespace

void AddAmxQuant(KernelTable& table) {
  table.peak_int8 = PeakInt8;
  table.quant.conv = Conv;
  table.quant.map = QuantMap;
  table.quant.picture = QuantPicture;
}

}  // namespace visavis
