// AVX-512 kernels with int8 products (VPDPBUSD).
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
#include "kernels/quant_conv_impl.inc"
// clang-format on

constexpr int kLine = 64;
// 14 pixels by 2 blocks: 28 sums, 2 weights and a broadcast fit 32 registers.
constexpr int kQuantTile = 14;

template <int M, int N, int kStep>
VISAVIS_INLINE void AddQuad(__m512i (&sum)[M][N], const std::uint8_t* x, const std::int8_t* w,
                            std::ptrdiff_t next) {
  __m512i weights[N];
  VISAVIS_UNROLL
  for (int n = 0; n < N; ++n) weights[n] = _mm512_loadu_si512(w + n * next);
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) {
    // From the intrinsics GCC 12 keeps some of the sums in memory.
    __m512i four;
    __asm__ volatile("vpbroadcastd %1, %0"
                     : "=v"(four)
                     : "m"(*reinterpret_cast<const std::int32_t*>(x + m * kStep)));
    VISAVIS_UNROLL
    for (int n = 0; n < N; ++n) {
      __asm__("vpdpbusd %2, %1, %0" : "+v"(sum[m][n]) : "v"(four), "v"(weights[n]));
    }
  }
}

template <int M, int N, int kStep>
void AddQuantTile(const QuantConvArgs& a, const QuantTile& t, std::int32_t* sums) {
  constexpr bool kPicture = kStep < kQuantLanes;
  constexpr int kQuads = kPicture ? 1 : kQuantLanes / kQuantQuad;
  __m512i sum[M][N];
  VISAVIS_UNROLL
  for (int n = 0; n < N; ++n) {
    const __m512i start = _mm512_loadu_si512(t.start + n * kLanes);
    VISAVIS_UNROLL
    for (int m = 0; m < M; ++m) sum[m][n] = start;
  }
  const std::int8_t* w = t.weights;
  const char* ahead = t.ahead;
  const std::uint8_t* block = t.in;
  for (int i = 0; i < a.in_blocks; ++i, block += a.in.block) {
    const int quads = i + 1 < a.in_blocks ? kQuads : a.last_quads;
    for (int tap = 0; tap < a.taps; ++tap, w += kQuads * kLine) {
      for (int line = 0; line < t.lines; ++line, ahead += kLine) _mm_prefetch(ahead, _MM_HINT_T1);
      const std::uint8_t* x = block + a.tap_offsets[tap];
      if constexpr (kPicture) {
        AddQuad<M, N, kStep>(sum, x, w, t.next);
      } else {
        int quad = 0;
        for (; quad + 1 < quads; quad += 2) {
          AddQuad<M, N, kStep>(sum, x + quad * 4, w + quad * kLine, t.next);
          AddQuad<M, N, kStep>(sum, x + quad * 4 + 4, w + quad * kLine + kLine, t.next);
        }
        if (quad < quads) AddQuad<M, N, kStep>(sum, x + quad * 4, w + quad * kLine, t.next);
      }
    }
  }
  VISAVIS_UNROLL
  for (int m = 0; m < M; ++m) {
    VISAVIS_UNROLL
    for (int n = 0; n < N; ++n) {
      _mm512_store_si512(sums + m * kGroupLanes + n * kLanes, sum[m][n]);
    }
  }
}

// clang-format off
#include "kernels/quant_conv_driver.inc"
#include "kernels/quant_depthwise_impl.inc"
// clang-format on

std::int64_t PeakInt8(std::int64_t iterations) {
  constexpr int kChains = 24;
  __m512i sum[kChains];
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_epi32(i);
  const __m512i ones = _mm512_set1_epi8(1);
  for (std::int64_t n = 0; n < iterations; ++n) {
    VISAVIS_UNROLL
    for (int i = 0; i < kChains; ++i) {
      // The intrinsic makes GCC 12 keep the sums in memory.
      __asm__("vpdpbusd %1, %1, %0" : "+v"(sum[i]) : "v"(ones));
    }
  }
  volatile int sink = 0;
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) sink = sink + _mm512_cvtsi512_si32(sum[i]);
  return iterations * kChains * kLanes * 8;
}

}  // namespace

void AddAvx512Vnni(KernelTable& table) {
  table.quant = {QuantConv, QuantConv, QuantDepthwise, QuantMap, QuantPicture};
  table.peak_int8 = PeakInt8;
}

}  // namespace visavis
