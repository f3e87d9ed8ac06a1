#include "runtime/fast/quant_value.h"

#include <cstring>

namespace visavis {
namespace {

constexpr std::int64_t kCacheSetBytes = 4096;

}  // namespace

Storage QuantStorage(const Nchw& dims, const Border& border, DType dtype) {
  Storage storage;
  storage.layout = Layout::kC64;
  storage.dtype = dtype;
  storage.top = border.top;
  storage.left = border.left;
  storage.rows = std::int64_t{dims.h} + border.top + border.bottom;
  storage.row_pixels = std::int64_t{dims.w} + border.left + border.right;
  storage.plane_stride = storage.rows * storage.row_pixels * kQuantLanes;
  if (dims.h * dims.w > 1 && storage.plane_stride % kCacheSetBytes == 0) {
    storage.plane_stride += kQuantLanes;
  }
  storage.image_stride = storage.plane_stride * QuantBlocksOf(dims.c);
  storage.bytes = static_cast<std::size_t>(storage.image_stride * dims.n + kQuantOverread);
  return storage;
}

QuantValue::QuantValue(const TensorType& type, const Storage& storage) : storage_(storage) {
  const Shape& shape = type.shape;
  dims_ = Nchw{static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]),
               static_cast<int>(shape[3])};
}

std::ptrdiff_t QuantValue::Offset(int image, int row, int column) const {
  const std::ptrdiff_t pixel = (storage_.top + row) * storage_.row_pixels + storage_.left + column;
  return image * storage_.image_stride + pixel * kQuantLanes;
}

QuantIn QuantValue::In(const std::byte* base, int image, int row, int column) const {
  return {reinterpret_cast<const std::uint8_t*>(base) + Offset(image, row, column), row_stride(),
          storage_.plane_stride};
}

QuantOut QuantValue::Out(std::byte* base, int image, int row, int column) const {
  return {reinterpret_cast<std::uint8_t*>(base) + Offset(image, row, column), row_stride(),
          storage_.plane_stride};
}

void QuantValue::FillBorder(std::byte* base, int zero) const {
  const auto rows = static_cast<int>(storage_.rows);
  const std::int64_t right = storage_.row_pixels - storage_.left - dims_.w;
  if (rows == dims_.h && gapless()) return;
  const auto fill = [&](std::byte* at, std::int64_t pixels) {
    std::memset(at, zero, static_cast<std::size_t>(pixels * kQuantLanes));
  };
  for (int image = 0; image < dims_.n; ++image) {
    for (int block = 0; block < QuantBlocksOf(dims_.c); ++block) {
      std::byte* plane = base + image * storage_.image_stride + block * storage_.plane_stride;
      for (int y = 0; y < rows; ++y) {
        std::byte* row = plane + y * row_stride();
        if (y < storage_.top || y >= storage_.top + dims_.h) {
          fill(row, storage_.row_pixels);
        } else {
          fill(row, storage_.left);
          fill(row + (storage_.left + dims_.w) * kQuantLanes, right);
        }
      }
    }
  }
}

}  // namespace visavis
