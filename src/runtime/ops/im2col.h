// Convolution as matrix products: windows of the input copied into columns.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "runtime/ops/window.h"
#include "visavis/tensor.h"

namespace visavis {

/// Attribute `group`. kCorruptData below 1.
Result<std::int64_t> ConvGroups(const Node& node);

/// kInvalidArgument unless an input, dense or depthwise weights and a number of groups fit
/// together.
Status CheckConvShapes(const Shape& x, const Shape& w, std::int64_t groups);

/// Output rows per band, so that a band's columns of `depth` elements stay in cache.
std::int64_t ColumnBandRows(const Window& window, std::int64_t depth);

/// Output pixels [row, row + count) of one row of windows: out[o] = convert(in[Start(o) + shift]),
/// 0 outside or where `in` is null.
template <typename In, typename Out, typename Convert>
void CopyWindowRow(const In* in, const WindowAxis& axis, std::int64_t shift, Out* out,
                   const Convert& convert) {
  if (in == nullptr) {
    std::fill_n(out, axis.out, Out{0});
    return;
  }
  for (std::int64_t o = 0; o < axis.out; ++o) {
    const std::int64_t x = axis.Start(o) + shift;
    out[o] = x >= 0 && x < axis.in ? static_cast<Out>(convert(in[x])) : Out{0};
  }
}

/// columns[channel, kernel position][output pixel of rows [row, row + count)], 0 outside.
template <typename In, typename Out, typename Convert>
void CopyWindows(const In* in, std::int64_t channels, const Window& window, std::int64_t row,
                 std::int64_t count, Out* columns, const Convert& convert) {
  const auto& [d, h, w] = window;
  for (std::int64_t c = 0; c < channels; ++c, in += d.in * h.in * w.in) {
    for (std::int64_t kd = 0; kd < d.kernel; ++kd) {
      for (std::int64_t kh = 0; kh < h.kernel; ++kh) {
        for (std::int64_t kw = 0; kw < w.kernel; ++kw) {
          for (std::int64_t r = row; r < row + count; ++r, columns += w.out) {
            const std::int64_t z = d.Start(r / h.out) + kd * d.dilation;
            const std::int64_t y = h.Start(r % h.out) + kh * h.dilation;
            const bool inside = z >= 0 && z < d.in && y >= 0 && y < h.in;
            CopyWindowRow(inside ? in + (z * h.in + y) * w.in : nullptr, w, kw * w.dilation,
                          columns, convert);
          }
        }
      }
    }
  }
}

}  // namespace visavis
