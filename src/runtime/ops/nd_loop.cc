#include "runtime/ops/nd_loop.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/ops/elements.h"

namespace visavis {

Extents DenseStrides(Dims shape) {
  Extents strides{};
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

Result<Shape> BroadcastShape(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> extents(static_cast<std::size_t>(rank));
  for (int axis = 0; axis < rank; ++axis) {
    const int axis_a = axis - (rank - a.rank());
    const int axis_b = axis - (rank - b.rank());
    const std::int64_t extent_a = axis_a < 0 ? 1 : a[axis_a];
    const std::int64_t extent_b = axis_b < 0 ? 1 : b[axis_b];
    if (extent_a != extent_b && extent_a != 1 && extent_b != 1) {
      return MakeError(ErrorCode::kInvalidArgument, "shapes {} and {} do not broadcast",
                       a.ToString(), b.ToString());
    }
    extents[static_cast<std::size_t>(axis)] = extent_a == 1 ? extent_b : extent_a;
  }
  return Shape(std::move(extents));
}

Extents BroadcastStrides(Dims shape, Dims target) {
  const Extents dense = DenseStrides(shape);
  Extents strides{};
  const std::size_t missing = target.size() - shape.size();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1) strides[axis + missing] = dense[axis];
  }
  return strides;
}

void CopyStrided(DType dtype, Dims shape, const Extents& strides, const void* in, void* out) {
  const NdLoop<1> loop = NdLoop<1>::Make(shape, {strides});
  const std::int64_t length = loop.row_length();
  const std::int64_t stride = loop.row_stride(0);
  VisitBits(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = static_cast<const T*>(in);
    T* to = static_cast<T*>(out);
    loop.ForEachRow([&](const std::array<std::int64_t, 1>& offsets) {
      const T* row = from + offsets[0];
      if (stride == 1) {
        std::memcpy(to, row, static_cast<std::size_t>(length) * sizeof(T));
      } else {
        for (std::int64_t i = 0; i < length; ++i) to[i] = row[i * stride];
      }
      to += length;
    });
  });
}

}  // namespace visavis
