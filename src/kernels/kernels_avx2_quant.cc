// AVX2 kernels with int8 products. VPMADDUBSW saturates, so bytes are widened and multiplied as
// sixteen-bit integers, which is exact.
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
// Pixels are taken in pairs; more of them share one call of the epilogue.
constexpr int kQuantTile = 14;

/// Sums of four outputs, as pairs that are still to be added.
struct Quads {
  __m256i pairs[4];
};

VISAVIS_INLINE __m256i FourWords(const std::uint8_t* x) {
  std::int32_t four;
  __builtin_memcpy(&four, x, sizeof(four));
  return _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
}

VISAVIS_INLINE __m256i Words(const std::int8_t* w) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)));
}

/// Adds pairs of eight outputs.
VISAVIS_INLINE __m256i AddPairs(__m256i first, __m256i second) {
  return _mm256_permute4x64_epi64(_mm256_hadd_epi32(first, second), _MM_SHUFFLE(3, 1, 2, 0));
}

VISAVIS_INLINE void SaveSums(std::int32_t* to, const Quads& q, const std::int32_t* start) {
  VISAVIS_UNROLL
  for (int half = 0; half < 2; ++half) {
    const __m256i sum = AddPairs(q.pairs[2 * half], q.pairs[2 * half + 1]);
    const __m256i from = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start + 8 * half));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 8 * half), _mm256_add_epi32(sum, from));
  }
}

/// M pixels of one block.
template <int M, int kStep>
VISAVIS_INLINE void AddPixels(const QuantConvArgs& a, const std::uint8_t* in, const std::int8_t* w,
                              const std::int32_t* start, std::int32_t* to) {
  constexpr int kQuads = kStep < kQuantLanes ? 1 : kQuantLanes / kQuantQuad;
  Quads sum[M];
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) {
    VISAVIS_UNROLL
    for (int j = 0; j < 4; ++j) sum[m].pairs[j] = _mm256_setzero_si256();
  }
  for (int i = 0; i < a.in_blocks; ++i, in += a.in.block) {
    const int quads = i + 1 < a.in_blocks ? kQuads : a.last_quads;
    for (int tap = 0; tap < a.taps; ++tap, w += kQuads * kLine) {
      const std::uint8_t* x = in + a.tap_offsets[tap];
      for (int quad = 0; quad < quads; ++quad) {
        __m256i pixel[M];
        VISAVIS_UNROLL
        for (int m = 0; m < M; ++m) pixel[m] = FourWords(x + m * kStep + quad * kQuantQuad);
        VISAVIS_UNROLL
        for (int j = 0; j < 4; ++j) {
          const __m256i weights = Words(w + quad * kLine + j * 16);
          VISAVIS_UNROLL
          for (int m = 0; m < M; ++m) {
            sum[m].pairs[j] =
                _mm256_add_epi32(sum[m].pairs[j], _mm256_madd_epi16(pixel[m], weights));
          }
        }
      }
    }
  }
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) SaveSums(to + m * kGroupLanes, sum[m], start);
}

template <int M, int N, int kStep>
void AddQuantTile(const QuantConvArgs& a, const QuantTile& t, std::int32_t* sums) {
  for (int n = 0; n < N; ++n) {
    const std::int8_t* w = t.weights + n * t.next;
    const std::int32_t* start = t.start + n * kLanes;
    std::int32_t* to = sums + n * kLanes;
    for (int m = 0; m + 1 < M; m += 2) {
      AddPixels<2, kStep>(a, t.in + m * kStep, w, start, to + m * kGroupLanes);
    }
    if constexpr (M % 2 == 1) {
      AddPixels<1, kStep>(a, t.in + (M - 1) * kStep, w, start, to + (M - 1) * kGroupLanes);
    }
  }
}

// clang-format off
#include "kernels/quant_conv_driver.inc"
// clang-format on

/// One pixel of a block of 16: four rows of a column are interleaved, as the weights are.
VISAVIS_INLINE void AddColumns(const QuantDepthwiseArgs& a, const std::uint8_t* in,
                               const std::int8_t* weights, const std::int32_t* start,
                               std::int32_t* to) {
  const int quads = (a.kernel_h + kQuantQuad - 1) / kQuantQuad;
  Quads sum;
  VISAVIS_UNROLL
  for (int j = 0; j < 4; ++j) sum.pairs[j] = _mm256_setzero_si256();
  for (int kx = 0; kx < a.kernel_w; ++kx) {
    for (int quad = 0; quad < quads; ++quad, weights += kQuantLanes * kQuantQuad) {
      const int left = a.kernel_h - quad * kQuantQuad;
      __m128i row[4];
      for (int i = 0; i < 4; ++i) {
        // Rows that do not exist meet zero weights; any readable row will do.
        const std::ptrdiff_t y = quad * kQuantQuad + (i < left ? i : 0);
        row[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(
            in + y * a.in.row + static_cast<std::ptrdiff_t>(kx) * kQuantLanes));
      }
      const __m128i ab[2] = {_mm_unpacklo_epi8(row[0], row[1]), _mm_unpackhi_epi8(row[0], row[1])};
      const __m128i cd[2] = {_mm_unpacklo_epi8(row[2], row[3]), _mm_unpackhi_epi8(row[2], row[3])};
      VISAVIS_UNROLL
      for (int j = 0; j < 4; ++j) {
        const __m128i four = j % 2 == 0 ? _mm_unpacklo_epi16(ab[j / 2], cd[j / 2])
                                        : _mm_unpackhi_epi16(ab[j / 2], cd[j / 2]);
        const __m256i product = _mm256_madd_epi16(
            _mm256_cvtepu8_epi16(four), Words(weights + static_cast<std::ptrdiff_t>(j) * 64));
        sum.pairs[j] = _mm256_add_epi32(sum.pairs[j], product);
      }
    }
  }
  SaveSums(to, sum, start);
}

void QuantDepthwise(const QuantDepthwiseArgs& a, int block_begin, int block_end, int y_begin,
                    int y_end) {
  const QuantFinish finish = FindQuantFinish<false>(a.epilogue);
  const std::ptrdiff_t block_bytes = std::ptrdiff_t{a.kernel_w} *
                                     ((a.kernel_h + kQuantQuad - 1) / kQuantQuad) * kQuantLanes *
                                     kQuantQuad;
  constexpr int kRun = 16;  // pixels that are finished together
  alignas(64) std::int32_t sums[kRun * kGroupLanes];
  const int last = block_end * 4 < a.out_blocks ? block_end * 4 : a.out_blocks;
  for (int block = block_begin * 4; block < last; block += kQuantGroup) {
    const std::int8_t* weights = a.weights + block / 4 * block_bytes;
    for (std::ptrdiff_t y = y_begin; y < y_end; ++y) {
      const std::uint8_t* row = a.in.data + block / 4 * a.in.block + y * a.stride * a.in.row;
      for (std::ptrdiff_t x = 0; x < a.out_width; x += kRun) {
        const int count = static_cast<int>(a.out_width - x < kRun ? a.out_width - x : kRun);
        for (int n = 0; n < kQuantGroup && block + n < last; ++n) {
          // The sixteens of a block of 64 are its 128-bit lanes.
          const int lane = (block + n) % 4;
          for (int m = 0; m < count; ++m) {
            AddColumns(a, row + (x + m) * a.stride * kQuantLanes + lane * kLanes,
                       weights + lane * 16, a.start + (block + n) * kLanes,
                       sums + m * kGroupLanes + n * kLanes);
          }
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
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t n = 0; n < iterations; ++n) {
    VISAVIS_UNROLL
    for (int i = 0; i < kChains; ++i) {
      __m256i product;
      // A compiler would compute the product of constants once.
      __asm__ volatile("vpmaddwd %1, %1, %0" : "=x"(product) : "x"(ones));
      sum[i] = _mm256_add_epi32(sum[i], product);
    }
  }
  volatile int sink = 0;
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) sink = sink + _mm256_cvtsi256_si32(sum[i]);
  return iterations * kChains * kLanes * 2;
}

}  // namespace

void AddAvx2Quant(KernelTable& table) {
  table.peak_int8 = PeakInt8;
  table.quant = {QuantConv, QuantConv, QuantDepthwise, QuantMap, QuantPicture};
}

}  // namespace visavis
