// AVX-512 kernels with bf16 products (VDPBF16PS), and bf16 conversion by instruction.
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
#include "kernels/conv_impl.inc"
#include "kernels/stem_impl.inc"
#include "kernels/winograd_impl.inc"
#include "kernels/depthwise_impl.inc"
#include "kernels/fc_impl.inc"
#include "kernels/layout_impl.inc"
// clang-format on

struct Bf16Dot {
  using Element = std::uint16_t;
  static constexpr int kPack = 2;
  VISAVIS_INLINE static Vec Broadcast(const Element* x) {
    std::int32_t pair;
    __builtin_memcpy(&pair, x, sizeof(pair));
    return _mm512_castsi512_ps(_mm512_set1_epi32(pair));
  }
  VISAVIS_INLINE static Vec Weights(const char* w) {
    return Load(reinterpret_cast<const float*>(w));
  }
  VISAVIS_INLINE static Vec Add(Vec x, Vec w, Vec sum) {
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w);
  }
};

std::int64_t PeakBf16(std::int64_t iterations) {
  constexpr int kChains = 24;
  Vec sum[kChains];
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) sum[i] = Set(static_cast<float>(i));
  const Vec ones = _mm512_castsi512_ps(_mm512_set1_epi32(0x3f803f80));
  for (std::int64_t n = 0; n < iterations; ++n) {
    VISAVIS_UNROLL
    for (int i = 0; i < kChains; ++i) sum[i] = Bf16Dot::Add(ones, ones, sum[i]);
  }
  float lanes[kLanes];
  volatile float sink = 0;
  VISAVIS_UNROLL
  for (int i = 0; i < kChains; ++i) {
    Save(lanes, sum[i]);
    sink = sink + lanes[0];
  }
  return iterations * kChains * kLanes * 4;
}

}  // namespace

void AddAvx512Bf16(KernelTable& table) {
  table.conv_bf16 = Conv<Bf16Dot>;
  table.conv_stem = ConvStem;
  table.depthwise = Depthwise;
  table.winograd_input_bf16 = WinogradInput<std::uint16_t>;
  table.winograd_output_bf16 = WinogradOutput<Bf16Dot>;
  table.fc_bf16 = Fc<Bf16Dot>;
  AddLayout(table);
  table.peak_bf16 = PeakBf16;
}

}  // namespace visavis
