#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/resize_table.h"

namespace visavis {
namespace {

// Four pixels make twelve samples, three to a vector of four pairs: pixels (0, 1), (1, 2), (2, 3).
// Each mask takes, from the six bytes at two pixels side by side (bytes 0..7 and 8..15), four pairs
// of left and right sample as 16-bit numbers.
struct Masks {
  __m256i a, b, c;
};

Masks MakeMasks() {
  const __m128i a = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, 8, -1, 11, -1);
  const __m128i b = _mm_setr_epi8(1, -1, 4, -1, 2, -1, 5, -1, 8, -1, 11, -1, 9, -1, 12, -1);
  const __m128i c = _mm_setr_epi8(2, -1, 5, -1, 8, -1, 11, -1, 9, -1, 12, -1, 10, -1, 13, -1);
  return {_mm256_broadcastsi128_si256(a), _mm256_broadcastsi128_si256(b),
          _mm256_broadcastsi128_si256(c)};
}

// Eight bytes at `low` and at `high`, each in the low half of its lane.
__m256i LoadPair(const std::uint8_t* low, const std::uint8_t* high) {
  const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(low));
  const __m128i second = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(high));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
}

__m256i Blend(__m256i pixels, __m256i mask, __m256i weights) {
  return _mm256_srai_epi32(_mm256_madd_epi16(_mm256_shuffle_epi8(pixels, mask), weights), 4);
}

// Weights of samples i .. i + 3 and i + 12 .. i + 15.
__m256i LoadWeights(const std::int16_t* weights) {
  const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights));
  const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + 24));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1);
}

void Across(const std::uint8_t* row, std::size_t row_bytes, const std::int32_t* left,
            const std::int16_t* weights, int width, std::int16_t* out) {
  const Masks masks = MakeMasks();
  const auto last_load = static_cast<std::int64_t>(row_bytes) - 8;
  int x = 0;
  // Eight pixels at a time; `left` never falls, so its last entry decides whether loads stay
  // inside.
  for (; x + 8 <= width && left[x + 7] <= last_load; x += 8, weights += 48, out += 24) {
    const __m256i p0 = LoadPair(row + left[x], row + left[x + 4]);
    const __m256i p1 = LoadPair(row + left[x + 1], row + left[x + 5]);
    const __m256i p2 = LoadPair(row + left[x + 2], row + left[x + 6]);
    const __m256i p3 = LoadPair(row + left[x + 3], row + left[x + 7]);
    const __m256i a = Blend(_mm256_unpacklo_epi64(p0, p1), masks.a, LoadWeights(weights));
    const __m256i b = Blend(_mm256_unpacklo_epi64(p1, p2), masks.b, LoadWeights(weights + 8));
    const __m256i c = Blend(_mm256_unpacklo_epi64(p2, p3), masks.c, LoadWeights(weights + 16));
    const __m256i ab = _mm256_packs_epi32(a, b);
    const __m256i cc = _mm256_packs_epi32(c, c);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm256_castsi256_si128(ab));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 8), _mm256_castsi256_si128(cc));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 12), _mm256_extracti128_si256(ab, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out + 20), _mm256_extracti128_si256(cc, 1));
  }
  for (; x < width; ++x) {
    const std::uint8_t* pixel = row + left[x];
    for (int c = 0; c < 3; ++c, weights += 2) {
      *out++ = static_cast<std::int16_t>((pixel[c] * weights[0] + pixel[c + 3] * weights[1]) >> 4);
    }
  }
}

__m256i BlendRows(const std::int16_t* upper, const std::int16_t* lower, __m256i upper_weight,
                  __m256i lower_weight) {
  const __m256i u = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(upper));
  const __m256i l = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lower));
  const __m256i sum =
      _mm256_add_epi16(_mm256_mulhi_epi16(u, upper_weight), _mm256_mulhi_epi16(l, lower_weight));
  return _mm256_srai_epi16(_mm256_add_epi16(sum, _mm256_set1_epi16(2)), 2);
}

void Down(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
          std::int16_t lower_weight, std::size_t count, std::uint8_t* out) {
  const __m256i u = _mm256_set1_epi16(upper_weight);
  const __m256i l = _mm256_set1_epi16(lower_weight);
  std::size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m256i first = BlendRows(upper + i, lower + i, u, l);
    const __m256i second = BlendRows(upper + i + 16, lower + i + 16, u, l);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(first, second), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), bytes);
  }
  for (; i < count; ++i) {
    const int sum = (upper[i] * upper_weight >> 16) + (lower[i] * lower_weight >> 16);
    out[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

}  // namespace

void AddResizeAvx2(ResizeKernels& kernels) { kernels = {"avx2", Across, Down}; }

}  // namespace visavis
