#include "runtime/ops/matmul.h"

#include <algorithm>

namespace visavis {
namespace {

// A panel of b, kDepth x kWidth floats, stays in the first-level cache while all rows of a pass.
constexpr std::int64_t kWidth = 128;
constexpr std::int64_t kDepth = 64;

// kRows rows of c at once: each row of b is read once for all of them.
template <int kRows>
void AddRows(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride, float* c,
             std::int64_t c_stride, std::int64_t n, std::int64_t k) {
  float sums[kRows][kWidth];
  for (int r = 0; r < kRows; ++r) std::copy_n(c + r * c_stride, n, sums[r]);
  for (std::int64_t p = 0; p < k; ++p) {
    const float* row = b + p * b_stride;
    for (int r = 0; r < kRows; ++r) {
      const float x = a[r * a_stride + p];
      for (std::int64_t j = 0; j < n; ++j) sums[r][j] += x * row[j];
    }
  }
  for (int r = 0; r < kRows; ++r) std::copy_n(sums[r], n, c + r * c_stride);
}

}  // namespace

void MatMulAdd(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
               float* c, std::int64_t c_stride, std::int64_t m, std::int64_t n, std::int64_t k) {
  for (std::int64_t j = 0; j < n; j += kWidth) {
    const std::int64_t width = std::min(kWidth, n - j);
    for (std::int64_t p = 0; p < k; p += kDepth) {
      const std::int64_t depth = std::min(kDepth, k - p);
      const float* panel = b + p * b_stride + j;
      std::int64_t i = 0;
      for (; i + 4 <= m; i += 4) {
        AddRows<4>(a + i * a_stride + p, a_stride, panel, b_stride, c + i * c_stride + j, c_stride,
                   width, depth);
      }
      for (; i < m; ++i) {
        AddRows<1>(a + i * a_stride + p, a_stride, panel, b_stride, c + i * c_stride + j, c_stride,
                   width, depth);
      }
    }
  }
}

}  // namespace visavis
