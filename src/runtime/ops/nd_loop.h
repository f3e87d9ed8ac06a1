// Walking several arrays at once by index, with broadcasting and any strides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/op.h"
#include "visavis/tensor.h"

namespace visavis {

using Extents = std::array<std::int64_t, kMaxRank>;
using Dims = std::span<const std::int64_t>;

/// Elements from one index to the next along each axis of a dense array of this shape.
Extents DenseStrides(Dims shape);
inline Extents DenseStrides(const Shape& shape) { return DenseStrides(shape.dims()); }

/// The shape two shapes broadcast to, by numpy's rules. kInvalidArgument if they do not.
Result<Shape> BroadcastShape(const Shape& a, const Shape& b);

/// Strides to walk a dense array of `shape` by the indices of `target` (0 along repeated axes).
/// `shape` must broadcast to `target`.
Extents BroadcastStrides(Dims shape, Dims target);
inline Extents BroadcastStrides(const Shape& shape, const Shape& target) {
  return BroadcastStrides(shape.dims(), target.dims());
}

/// N arrays walked by the indices of one shape, innermost axis last. Neighbouring axes that are one
/// axis for every array are merged.
template <int N>
struct NdLoop {
  int rank = 0;
  Extents extents{};
  std::array<Extents, N> strides{};

  /// The last axis becomes the row that ForEachRow hands out (extent 1 for scalars).
  static NdLoop Make(const Shape& shape, const std::array<Extents, N>& array_strides) {
    return Make(shape.dims(), array_strides);
  }
  static NdLoop Make(Dims shape, const std::array<Extents, N>& array_strides) {
    NdLoop loop;
    for (std::size_t a = 0; a < shape.size(); ++a) {
      if (shape[a] == 1) continue;
      if (loop.rank > 0 && loop.Continues(array_strides, a, shape[a])) {
        const auto last = static_cast<std::size_t>(loop.rank - 1);
        loop.extents[last] *= shape[a];
        for (std::size_t n = 0; n < N; ++n) loop.strides[n][last] = array_strides[n][a];
        continue;
      }
      const auto next = static_cast<std::size_t>(loop.rank++);
      loop.extents[next] = shape[a];
      for (std::size_t n = 0; n < N; ++n) loop.strides[n][next] = array_strides[n][a];
    }
    if (loop.rank == 0) {
      loop.rank = 1;
      loop.extents[0] = 1;
    }
    return loop;
  }

  std::int64_t row_length() const { return extents[static_cast<std::size_t>(rank - 1)]; }
  std::int64_t row_stride(int n) const {
    return strides[static_cast<std::size_t>(n)][static_cast<std::size_t>(rank - 1)];
  }

  /// Calls fn(offsets) for each row, in order; offsets[n] is array n's element at the row's start.
  template <typename Fn>
  void ForEachRow(Fn&& fn) const {
    for (int axis = 0; axis < rank; ++axis) {
      if (extents[static_cast<std::size_t>(axis)] == 0) return;
    }
    std::array<std::int64_t, N> offsets{};
    Extents index{};
    for (;;) {
      fn(offsets);
      int axis = rank - 2;
      for (; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        for (std::size_t n = 0; n < N; ++n) offsets[n] += strides[n][a];
        if (++index[a] < extents[a]) break;
        for (std::size_t n = 0; n < N; ++n) offsets[n] -= extents[a] * strides[n][a];
        index[a] = 0;
      }
      if (axis < 0) return;
    }
  }

 private:
  // Whether the axis `a` of every array continues where the loop's last axis ends.
  bool Continues(const std::array<Extents, N>& array_strides, std::size_t a,
                 std::int64_t extent) const {
    const auto last = static_cast<std::size_t>(rank - 1);
    for (std::size_t n = 0; n < N; ++n) {
      if (strides[n][last] != array_strides[n][a] * extent) return false;
    }
    return true;
  }
};

/// Copies elements into the dense array `out` of `shape`, from `in` with these strides (in
/// elements; negative or 0 allowed).
void CopyStrided(DType dtype, Dims shape, const Extents& strides, const void* in, void* out);

}  // namespace visavis
