#include "runtime/ops/matmul.h"

#include <type_traits>
#include <utility>
#include <vector>

#include "base/try.h"

namespace visavis {
namespace {

// A panel of b, kDepth x kWidth elements, stays in the first-level cache while all rows of a pass.
constexpr std::int64_t kWidth = 128;
constexpr std::int64_t kDepth = 64;

// kRows rows of c at once: each row of b is read once for all of them.
template <int kRows, typename T, typename Sum>
void AddRows(const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, Sum* c,
             std::int64_t c_stride, std::int64_t n, std::int64_t k) {
  // Unsigned integers wrap around where signed ones must not.
  using Wrapped = typename std::conditional_t<std::is_integral_v<Sum>, std::make_unsigned<Sum>,
                                              std::type_identity<Sum>>::type;
  Wrapped sums[kRows][kWidth];
  for (int r = 0; r < kRows; ++r) {
    for (std::int64_t j = 0; j < n; ++j) sums[r][j] = static_cast<Wrapped>(c[r * c_stride + j]);
  }
  for (std::int64_t p = 0; p < k; ++p) {
    const T* row = b + p * b_stride;
    for (int r = 0; r < kRows; ++r) {
      const T x = a[r * a_stride + p];
      for (std::int64_t j = 0; j < n; ++j) sums[r][j] += static_cast<Wrapped>(x * row[j]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (std::int64_t j = 0; j < n; ++j) c[r * c_stride + j] = static_cast<Sum>(sums[r][j]);
  }
}

template <typename T, typename Sum>
void AddProduct(const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, Sum* c,
                std::int64_t c_stride, std::int64_t m, std::int64_t n, std::int64_t k) {
  for (std::int64_t j = 0; j < n; j += kWidth) {
    const std::int64_t width = std::min(kWidth, n - j);
    for (std::int64_t p = 0; p < k; p += kDepth) {
      const std::int64_t depth = std::min(kDepth, k - p);
      const T* panel = b + p * b_stride + j;
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

Dims BatchOf(const Shape& shape) {
  return shape.dims().first(static_cast<std::size_t>(std::max(0, shape.rank() - 2)));
}

Shape ShapeOf(Dims dims) { return Shape(std::vector<std::int64_t>(dims.begin(), dims.end())); }

}  // namespace

void MatMulAdd(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
               float* c, std::int64_t c_stride, std::int64_t m, std::int64_t n, std::int64_t k) {
  AddProduct(a, a_stride, b, b_stride, c, c_stride, m, n, k);
}

void MatMulAdd(const std::int16_t* a, std::int64_t a_stride, const std::int16_t* b,
               std::int64_t b_stride, std::int32_t* c, std::int64_t c_stride, std::int64_t m,
               std::int64_t n, std::int64_t k) {
  AddProduct(a, a_stride, b, b_stride, c, c_stride, m, n, k);
}

MatrixStacks::MatrixStacks(const Shape& a, const Shape& b)
    : a_batch(BatchOf(a)),
      b_batch(BatchOf(b)),
      m(a.rank() > 1 ? a[a.rank() - 2] : 1),
      n(b.rank() > 1 ? b[b.rank() - 1] : 1),
      depth(a[a.rank() - 1]),
      b_rows(b[b.rank() > 1 ? b.rank() - 2 : 0]) {}

Result<Shape> MatMulShape(const Shape& a, const Shape& b) {
  if (a.rank() == 0 || b.rank() == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "a scalar is no matrix");
  }
  const MatrixStacks stacks(a, b);
  if (stacks.depth != stacks.b_rows) {
    return MakeError(ErrorCode::kInvalidArgument, "matrices {} and {} do not fit together",
                     a.ToString(), b.ToString());
  }
  VISAVIS_ASSIGN_OR_RETURN(const Shape batch,
                           BroadcastShape(ShapeOf(stacks.a_batch), ShapeOf(stacks.b_batch)));
  std::vector<std::int64_t> out(batch.dims().begin(), batch.dims().end());
  if (a.rank() > 1) out.push_back(stacks.m);
  if (b.rank() > 1) out.push_back(stacks.n);
  return Shape(std::move(out));
}

}  // namespace visavis
