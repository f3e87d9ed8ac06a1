#include "runtime/fast/blocked.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace visavis {
namespace {

constexpr std::int64_t kCacheSetBytes = 4096;

}  // namespace

Result<Nchw> NchwOf(const Shape& shape) {
  const auto fits = [&](int axis) {
    return shape[axis] >= (axis == 0 ? 0 : 1) &&
           shape[axis] <= std::numeric_limits<int>::max() / 32;
  };
  if (shape.rank() != 4 || !fits(0) || !fits(1) || !fits(2) || !fits(3)) {
    return MakeError(ErrorCode::kInvalidArgument, "input has shape {}, want N x C x H x W",
                     shape.ToString());
  }
  return Nchw{static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]),
              static_cast<int>(shape[3])};
}

PerChannel PaddedToBlocks(const std::vector<double>& values, int channels) {
  PerChannel padded(static_cast<std::size_t>(BlocksOf(channels) * kLanes), 0.0f);
  for (std::size_t i = 0; i < values.size(); ++i) padded[i] = static_cast<float>(values[i]);
  return padded;
}

Storage BlockedStorage(const Nchw& dims, const BlockedSpec& spec) {
  Storage storage;
  storage.layout = Layout::kC16;
  storage.dtype = spec.store;
  storage.top = spec.border.top;
  storage.left = spec.border.left;
  storage.rows = std::int64_t{dims.h} + spec.border.top + spec.border.bottom;
  storage.row_pixels = std::int64_t{dims.w} + spec.border.left + spec.border.right;
  storage.plane_stride = storage.rows * storage.row_pixels * kLanes;
  const auto element_bytes = static_cast<std::int64_t>(SizeOf(spec.store));
  if (!spec.contiguous && dims.h * dims.w > 1 &&
      storage.plane_stride * element_bytes % kCacheSetBytes == 0) {
    storage.plane_stride += 64 / element_bytes;
  }
  storage.image_stride = storage.plane_stride * dims.blocks();
  storage.bytes = static_cast<std::size_t>(storage.image_stride * dims.n * element_bytes);
  return storage;
}

BlockedValue::BlockedValue(const TensorType& type, const Storage& storage) : storage_(storage) {
  const Shape& shape = type.shape;
  dims_ = Nchw{static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]),
               static_cast<int>(shape[3])};
}

std::ptrdiff_t BlockedValue::Offset(int image, int row, int column) const {
  const std::ptrdiff_t pixel = (storage_.top + row) * storage_.row_pixels + storage_.left + column;
  return (image * storage_.image_stride + pixel * kLanes) *
         static_cast<std::ptrdiff_t>(element_bytes());
}

BlockedIn BlockedValue::In(const std::byte* base, int image, int row, int column) const {
  return {base + Offset(image, row, column), row_stride(), storage_.plane_stride, store()};
}

BlockedOut BlockedValue::Out(std::byte* base, int image, int row, int column) const {
  return {base + Offset(image, row, column), row_stride(), storage_.plane_stride, store()};
}

std::byte* BlockedValue::Find(const RowWindow& window, int row, int column) const {
  const std::ptrdiff_t pixel = (row - window.first) * storage_.row_pixels + storage_.left + column;
  return window.data + pixel * kLanes * static_cast<std::ptrdiff_t>(element_bytes());
}

BlockedIn BlockedValue::In(const RowWindow& window, int row, int column) const {
  return {Find(window, row, column), row_stride(), window.plane, store()};
}

BlockedOut BlockedValue::Out(const RowWindow& window, int row, int column) const {
  return {Find(window, row, column), row_stride(), window.plane, store()};
}

void BlockedValue::FillBorder(const KernelTable& kernels, const RowWindow& window, RowRange rows,
                              const BlockedSpec& spec) const {
  const Border& b = spec.border;
  if (b.top + b.left + b.bottom + b.right == 0) return;
  const RowRange pixels{std::clamp(rows.begin, 0, dims_.h), std::clamp(rows.end, 0, dims_.h)};
  const int above = std::max(0, std::min(rows.end, 0) - rows.begin);
  const int below = std::max(0, rows.end - std::max(rows.begin, dims_.h));
  // Rows below the picture alone need not begin right under it.
  const int at = rows.begin > dims_.h ? rows.begin : pixels.begin;
  const float* values = spec.border_values == nullptr ? nullptr : spec.border_values->data();
  kernels.fill_border_blocked(Out(window, at), dims_.blocks(), pixels.count(), dims_.w,
                              Border{above, b.left, below, b.right}, values);
}

void BlockedValue::FillBorder(const KernelTable& kernels, std::byte* base,
                              const BlockedSpec& spec) const {
  const Border& b = spec.border;
  if (b.top + b.left + b.bottom + b.right == 0) return;
  const float* values = spec.border_values == nullptr ? nullptr : spec.border_values->data();
  for (int image = 0; image < dims_.n; ++image) {
    kernels.fill_border_blocked(Out(base, image), dims_.blocks(), dims_.h, dims_.w, b, values);
  }
}

void LoadLanes(const KernelTable& kernels, const BlockedIn& from, std::ptrdiff_t at, float* lanes) {
  if (from.store == Store::kBf16) {
    kernels.bf16_to_f32(static_cast<const std::uint16_t*>(from.data) + at, lanes, kLanes);
  } else {
    std::copy_n(static_cast<const float*>(from.data) + at, kLanes, lanes);
  }
}

}  // namespace visavis
