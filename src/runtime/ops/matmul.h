// Plain matrix products for the dense operators.
#pragma once

#include <cstdint>

namespace visavis {

/// c[m][n] += sum over k of a[m][k] * b[k][n], all row-major with the given row strides. Each
/// element is summed in the order of k, whatever the sizes.
void MatMulAdd(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
               float* c, std::int64_t c_stride, std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace visavis
