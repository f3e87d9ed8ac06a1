// Plain matrix products for the dense operators.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "runtime/ops/nd_loop.h"
#include "visavis/tensor.h"

namespace visavis {

/// c[m][n] += sum over k of a[m][k] * b[k][n], all row-major with the given row strides. Each
/// element is summed in the order of k, whatever the sizes.
void MatMulAdd(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
               float* c, std::int64_t c_stride, std::int64_t m, std::int64_t n, std::int64_t k);
/// The same in integers; elements of a and b lie in [-2^15, 2^15), sums wrap around.
void MatMulAdd(const std::int16_t* a, std::int64_t a_stride, const std::int16_t* b,
               std::int64_t b_stride, std::int32_t* c, std::int64_t c_stride, std::int64_t m,
               std::int64_t n, std::int64_t k);

template <typename T>
void TransposeMatrix(const T* in, std::int64_t rows, std::int64_t columns, T* out) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) out[j * rows + i] = in[i * columns + j];
  }
}

/// The shape of numpy's matmul: the last two axes are matrices, the others broadcast.
/// kInvalidArgument for scalars and matrices that do not fit.
Result<Shape> MatMulShape(const Shape& a, const Shape& b);

/// Two stacks of matrices that MatMulShape accepts. Refers to their shapes; allocates nothing.
struct MatrixStacks {
  MatrixStacks(const Shape& a, const Shape& b);

  /// fn(index of a's matrix, index of b's matrix) for each matrix of the product of shape `out`.
  template <typename Fn>
  void ForEach(const Shape& out, Fn&& fn) const {
    const Dims batch = out.dims().first(std::max(a_batch.size(), b_batch.size()));
    const auto loop = NdLoop<2>::Make(
        batch, {BroadcastStrides(a_batch, batch), BroadcastStrides(b_batch, batch)});
    loop.ForEachRow([&](const std::array<std::int64_t, 2>& offsets) {
      for (std::int64_t i = 0; i < loop.row_length(); ++i) {
        fn(offsets[0] + i * loop.row_stride(0), offsets[1] + i * loop.row_stride(1));
      }
    });
  }

  Dims a_batch;
  Dims b_batch;
  std::int64_t m;
  std::int64_t n;
  std::int64_t depth;
  std::int64_t b_rows;
};

}  // namespace visavis
