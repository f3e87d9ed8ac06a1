// Portable pooling.
#include <algorithm>

#include "kernels/scalar.h"

namespace visavis {
namespace {

/// The input rows (or columns) [begin, end) under one output row.
struct Window {
  int begin = 0;
  int end = 0;
};

Window WindowOf(int at, int stride, int pad, int kernel, int extent) {
  const int begin = at * stride - pad;
  return {std::max(begin, 0), std::min(begin + kernel, extent)};
}

void MaxPoolBlocked(const PoolArgs& a, const BlockedIn& in, const BlockedOut& out, int blocks,
                    int y_begin, int y_end) {
  for (int block = 0; block < blocks; ++block) {
    for (int y = y_begin; y < y_end; ++y) {
      const Window rows = WindowOf(y, a.stride, a.pad_top, a.kernel_h, a.in_height);
      for (int x = 0; x < a.out_width; ++x) {
        const Window columns = WindowOf(x, a.stride, a.pad_left, a.kernel_w, a.in_width);
        const auto load = [&](std::ptrdiff_t row, std::ptrdiff_t column) {
          return LoadPixel(in, block * in.block + row * in.row + column * kLanes);
        };
        Pixel best = load(rows.begin, columns.begin);
        for (int row = rows.begin; row < rows.end; ++row) {
          for (int column = columns.begin; column < columns.end; ++column) {
            const Pixel pixel = load(row, column);
            for (int i = 0; i < kLanes; ++i) best.lane[i] = std::max(best.lane[i], pixel.lane[i]);
          }
        }
        StorePixel(out, block * out.block + y * out.row + std::ptrdiff_t{x} * kLanes, best);
      }
    }
  }
}

/// How many positions of that window the mean divides by.
int CountOf(int at, int stride, int pad, int kernel, int extent, int pad_after, bool padding) {
  const int begin = at * stride - pad;
  if (padding) return std::min(begin + kernel, extent + pad_after) - begin;
  return std::min(begin + kernel, extent) - std::max(begin, 0);
}

void AveragePoolBlocked(const PoolArgs& a, const BlockedIn& in, const BlockedOut& out, int blocks,
                        int y_begin, int y_end) {
  for (int block = 0; block < blocks; ++block) {
    for (int y = y_begin; y < y_end; ++y) {
      const Window rows = WindowOf(y, a.stride, a.pad_top, a.kernel_h, a.in_height);
      const int row_count =
          CountOf(y, a.stride, a.pad_top, a.kernel_h, a.in_height, a.pad_bottom, a.count_padding);
      for (int x = 0; x < a.out_width; ++x) {
        const Window columns = WindowOf(x, a.stride, a.pad_left, a.kernel_w, a.in_width);
        const int column_count =
            CountOf(x, a.stride, a.pad_left, a.kernel_w, a.in_width, a.pad_right, a.count_padding);
        Pixel sum = {};
        for (int row = rows.begin; row < rows.end; ++row) {
          for (int column = columns.begin; column < columns.end; ++column) {
            const Pixel pixel =
                LoadPixel(in, block * in.block + row * in.row + std::ptrdiff_t{column} * kLanes);
            for (int i = 0; i < kLanes; ++i) sum.lane[i] += pixel.lane[i];
          }
        }
        const float scale = 1.0f / static_cast<float>(row_count * column_count);
        for (float& lane : sum.lane) lane *= scale;
        StorePixel(out, block * out.block + y * out.row + std::ptrdiff_t{x} * kLanes, sum);
      }
    }
  }
}

void MaxPoolPlanar(const PoolArgs& a, const PlanarIn& in, const PlanarOut& out, int planes,
                   int y_begin, int y_end) {
  for (int plane = 0; plane < planes; ++plane) {
    for (int y = y_begin; y < y_end; ++y) {
      const Window rows = WindowOf(y, a.stride, a.pad_top, a.kernel_h, a.in_height);
      for (int x = 0; x < a.out_width; ++x) {
        const Window columns = WindowOf(x, a.stride, a.pad_left, a.kernel_w, a.in_width);
        const float* source = in.data + plane * in.plane;
        float best = source[rows.begin * in.row + columns.begin];
        for (int row = rows.begin; row < rows.end; ++row) {
          for (int column = columns.begin; column < columns.end; ++column) {
            best = std::max(best, source[row * in.row + column]);
          }
        }
        out.data[plane * out.plane + y * out.row + x] = best;
      }
    }
  }
}

}  // namespace

void AddScalarPool(KernelTable& table) {
  table.max_pool_blocked = MaxPoolBlocked;
  table.average_pool_blocked = AveragePoolBlocked;
  table.max_pool_planar = MaxPoolPlanar;
}

}  // namespace visavis
