// AVX2 kernels with int8 products (VPDPBUSD on 256 bits), for processors without AVX-512.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/isa_macros.h"
#include "kernels/isa_tables.h"

namespace visavis {
namespace {

// In the order of their needs.
// clang-format off
#include "kernels/vec_avx2.inc"
#include "kernels/epilogue_impl.inc"
#include "kernels/quant_vec_avx2.inc"
#include "kernels/quant_epilogue_impl.inc"
#include "kernels/quant_conv_impl.inc"
// clang-format on

constexpr int kLine = 64;
// 6 pixels by one block: 12 sums, 2 weights and a broadcast fit 16 registers.
constexpr int kQuantTile = 6;

/// sum[i] += u[4 i .. 4 i + 3] * s[4 i .. 4 i + 3].
VISAVIS_INLINE void AddFours(__m256i& sum, __m256i u, __m256i s) {
  // From the intrinsic GCC 12 keeps some of the sums in memory.
  __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(u), "x"(s));
}

VISAVIS_INLINE __m256i Load256(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}

/// M pixels of one block.
template <int M, int kStep>
VISAVIS_INLINE void AddPixels(const QuantConvArgs& a, const QuantTile& t, const std::int8_t* w,
                              const std::int32_t* start, int lines, std::int32_t* to) {
  constexpr int kQuads = kStep < kQuantLanes ? 1 : kQuantLanes / kQuantQuad;
  __m256i sum[M][2];
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) {
    sum[m][0] = Load256(start);
    sum[m][1] = Load256(start + 8);
  }
  const char* ahead = t.ahead;
  const std::uint8_t* block = t.in;
  for (int i = 0; i < a.in_blocks; ++i, block += a.in.block) {
    const int quads = i + 1 < a.in_blocks ? kQuads : a.last_quads;
    for (int tap = 0; tap < a.taps; ++tap, w += kQuads * kLine) {
      for (int line = 0; line < lines; ++line, ahead += kLine) _mm_prefetch(ahead, _MM_HINT_T1);
      const std::uint8_t* x = block + a.tap_offsets[tap];
      for (int quad = 0; quad < quads; ++quad) {
        const __m256i weights[2] = {Load256(w + quad * kLine), Load256(w + quad * kLine + 32)};
        VISAVIS_UNROLL
        for (int m = 0; m < M; ++m) {
          __m256i four;
          __asm__ volatile(
              "vpbroadcastd %1, %0"
              : "=x"(four)
              : "m"(*reinterpret_cast<const std::int32_t*>(x + m * kStep + quad * kQuantQuad)));
          AddFours(sum[m][0], four, weights[0]);
          AddFours(sum[m][1], four, weights[1]);
        }
      }
    }
  }
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) {
    auto* row = reinterpret_cast<__m256i*>(to + m * kGroupLanes);
    _mm256_store_si256(row, sum[m][0]);
    _mm256_store_si256(row + 1, sum[m][1]);
  }
}

template <int M, int N, int kStep>
void AddQuantTile(const QuantConvArgs& a, const QuantTile& t, std::int32_t* sums) {
  for (int n = 0; n < N; ++n) {
    AddPixels<M, kStep>(a, t, t.weights + n * t.next, t.start + n * kLanes, n == 0 ? t.lines : 0,
                        sums + n * kLanes);
  }
}

// clang-format off
#include "kernels/quant_conv_driver.inc"
// clang-format on

// Depthwise as quant_depthwise_impl.inc, of two blocks of 16: four rows of one column are
// interleaved so that every 32-bit lane holds the four rows of one channel.

struct QuantColumn {
  __m256i part[4];  // channels 4 j + i of both blocks in part j
};

VISAVIS_INLINE QuantColumn Interleave(const std::uint8_t* const (&rows)[4], std::ptrdiff_t at) {
  const __m256i a = Load256(rows[0] + at);
  const __m256i b = Load256(rows[1] + at);
  const __m256i c = Load256(rows[2] + at);
  const __m256i d = Load256(rows[3] + at);
  const __m256i ab_low = _mm256_unpacklo_epi8(a, b);
  const __m256i ab_high = _mm256_unpackhi_epi8(a, b);
  const __m256i cd_low = _mm256_unpacklo_epi8(c, d);
  const __m256i cd_high = _mm256_unpackhi_epi8(c, d);
  return {{_mm256_unpacklo_epi16(ab_low, cd_low), _mm256_unpackhi_epi16(ab_low, cd_low),
           _mm256_unpacklo_epi16(ab_high, cd_high), _mm256_unpackhi_epi16(ab_high, cd_high)}};
}

/// Sums of M pixels, 32 each. kStride and kWidth are 0 where only known at run time.
template <int M, int kStride, int kWidth>
void AddQuantColumns(const QuantDepthwiseArgs& a, const std::uint8_t* in,
                     const std::int8_t* weights, const std::int32_t* start, std::int32_t* sums) {
  const int stride = kStride > 0 ? kStride : a.stride;
  const int width = kWidth > 0 ? kWidth : a.kernel_w;
  __m256i sum[M][4];
  VISAVIS_UNROLL
  for (int j = 0; j < 4; ++j) {
    const __m256i first =
        _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(start + kLanes + 4 * j),
                            reinterpret_cast<const __m128i*>(start + 4 * j));
    VISAVIS_UNROLL
    for (int m = 0; m < M; ++m) sum[m][j] = first;
  }
  const int quads = (a.kernel_h + kQuantQuad - 1) / kQuantQuad;
  for (int quad = 0; quad < quads; ++quad) {
    const int left = a.kernel_h - quad * kQuantQuad;
    const std::uint8_t* rows[4];
    for (int i = 0; i < 4; ++i) {
      // Rows that do not exist meet zero weights; any readable row will do.
      rows[i] = in + (quad * kQuantQuad + (i < left ? i : 0)) * a.in.row;
    }
    const std::int8_t* w = weights + std::ptrdiff_t{quad} * kQuantLanes * kQuantQuad;
    const std::ptrdiff_t tap = std::ptrdiff_t{quads} * kQuantLanes * kQuantQuad;
    const auto add = [&](const QuantColumn& column, int m, int kx) VISAVIS_INLINE_LAMBDA {
      VISAVIS_UNROLL
      for (int j = 0; j < 4; ++j) {
        AddFours(sum[m][j], column.part[j], Load256(w + kx * tap + j * kQuantLanes));
      }
    };
    if constexpr (kStride > 0 && kWidth > 0) {
      VISAVIS_UNROLL
      for (int x = 0; x < (M - 1) * kStride + kWidth; ++x) {
        const QuantColumn column = Interleave(rows, std::ptrdiff_t{x} * kQuantLanes);
        VISAVIS_UNROLL
        for (int m = 0; m < M; ++m) {
          const int kx = x - m * kStride;
          if (kx >= 0 && kx < kWidth) add(column, m, kx);
        }
      }
    } else {
      VISAVIS_UNROLL
      for (int m = 0; m < M; ++m) {
        for (int kx = 0; kx < width; ++kx) {
          add(Interleave(rows, std::ptrdiff_t{m * stride + kx} * kQuantLanes), m, kx);
        }
      }
    }
  }
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) {
    VISAVIS_UNROLL
    for (int j = 0; j < 4; ++j) {
      std::int32_t* to = sums + m * kGroupLanes + 4 * j;
      _mm256_storeu2_m128i(reinterpret_cast<__m128i*>(to + kLanes), reinterpret_cast<__m128i*>(to),
                           sum[m][j]);
    }
  }
}

using QuantColumnsFunction = void (*)(const QuantDepthwiseArgs&, const std::uint8_t*,
                                      const std::int8_t*, const std::int32_t*, std::int32_t*);

template <int M>
QuantColumnsFunction FindQuantColumns(const QuantDepthwiseArgs& a) {
  if (a.kernel_w == 3 && a.stride == 1) return &AddQuantColumns<M, 1, 3>;
  if (a.kernel_w == 3 && a.stride == 2) return &AddQuantColumns<M, 2, 3>;
  return &AddQuantColumns<M, 0, 0>;
}

void QuantDepthwise(const QuantDepthwiseArgs& a, int block_begin, int block_end, int y_begin,
                    int y_end) {
  const QuantFinish finish = FindQuantFinish<false>(a.epilogue);
  const QuantColumnsFunction pair = FindQuantColumns<2>(a);
  const QuantColumnsFunction single = FindQuantColumns<1>(a);
  const std::ptrdiff_t block_bytes = std::ptrdiff_t{a.kernel_w} *
                                     ((a.kernel_h + kQuantQuad - 1) / kQuantQuad) * kQuantLanes *
                                     kQuantQuad;
  constexpr int kRun = 16;  // pixels that are finished together
  alignas(64) std::int32_t sums[kRun * kGroupLanes];
  const int last = block_end * 4 < a.out_blocks ? block_end * 4 : a.out_blocks;
  for (int block = block_begin * 4; block < last; block += kQuantGroup) {
    // The sixteens of a block of 64 are its 128-bit lanes.
    const int lane = block % 4 * kLanes;
    const std::int8_t* weights = a.weights + block / 4 * block_bytes + lane;
    const std::int32_t* start = a.start + block * kLanes;
    for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
      const std::uint8_t* row = a.in.data + block / 4 * a.in.block + y * a.stride * a.in.row + lane;
      for (std::ptrdiff_t x = 0; x < a.out_width; x += kRun) {
        const int count = static_cast<int>(a.out_width - x < kRun ? a.out_width - x : kRun);
        for (int m = 0; m < count;) {
          const bool two = count - m >= 2;
          (two ? pair : single)(a, row + (x + m) * a.stride * kQuantLanes, weights, start,
                                sums + m * kGroupLanes);
          m += two ? 2 : 1;
        }
        finish(a.epilogue, SumsOf(sums, kGroupLanes, count, block, a.out_blocks, y, x));
      }
    }
  }
}

std::int64_t PeakInt8(std::int64_t iterations) {
  constexpr int kChains = 12;
  __m256i sum[kChains];
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) sum[i] = _mm256_set1_epi32(i);
  const __m256i ones = _mm256_set1_epi8(1);
  for (std::int64_t n = 0; n < iterations; ++n) {
    VISAVIS_UNROLL
    for (int i = 0; i < kChains; ++i) AddFours(sum[i], ones, ones);
  }
  volatile int sink = 0;
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) sink = sink + _mm256_cvtsi256_si32(sum[i]);
  return iterations * kChains * 8 * 8;
}

}  // namespace

void AddAvxVnni(KernelTable& table) {
  table.quant = {QuantConv, QuantConv, QuantDepthwise, QuantMap, QuantPicture};
  table.peak_int8 = PeakInt8;
}

}  // namespace visavis
