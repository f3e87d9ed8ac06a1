#include "visavis/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "base/huge_pages.h"

namespace visavis {

std::size_t SizeOf(DType dtype) {
  switch (dtype) {
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF16:
    case DType::kBF16:
    case DType::kU16:
    case DType::kI16:
      return 2;
    case DType::kU8:
    case DType::kI8:
    case DType::kBool:
      return 1;
  }
  return 1;
}

std::string_view Name(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "float32";
    case DType::kF64:
      return "float64";
    case DType::kF16:
      return "float16";
    case DType::kBF16:
      return "bfloat16";
    case DType::kU8:
      return "uint8";
    case DType::kI8:
      return "int8";
    case DType::kU16:
      return "uint16";
    case DType::kI16:
      return "int16";
    case DType::kI32:
      return "int32";
    case DType::kI64:
      return "int64";
    case DType::kBool:
      return "bool";
  }
  return "?";
}

std::int64_t Shape::elements() const {
  std::int64_t product = 1;
  for (const std::int64_t d : dims_) product *= d;
  return product;
}

std::string Shape::ToString() const { return fmt::format("[{}]", fmt::join(dims_, ",")); }

Result<std::int64_t> CheckedElements(const Shape& shape, std::int64_t limit) {
  std::int64_t product = 1;
  bool too_large = false;
  for (const std::int64_t d : shape.dims()) {
    if (d < 0)
      return MakeError(ErrorCode::kCorruptData, "shape {} has a negative extent", shape.ToString());
    if (d == 0) return std::int64_t{0};
    if (product > limit / d) too_large = true;
    if (!too_large) product *= d;
  }
  if (too_large) {
    return MakeError(ErrorCode::kLimitExceeded, "shape {} has more than {} elements",
                     shape.ToString(), limit);
  }
  return product;
}

void Tensor::Free::operator()(void* p) const { std::free(p); }

Tensor Tensor::Uninitialized(DType dtype, Shape shape) {
  Tensor tensor;
  tensor.dtype_ = dtype;
  tensor.shape_ = std::move(shape);
  const std::size_t size = tensor.size_bytes();
  const std::size_t alignment = size >= 2 * kHugePageBytes ? kHugePageBytes : 64;
  const std::size_t rounded = (size + 63) / 64 * 64;
  // Not aligned_alloc, which wants the size to be a multiple of the alignment.
  void* memory = nullptr;
  VISAVIS_CHECK(::posix_memalign(&memory, alignment, std::max<std::size_t>(rounded, 64)) == 0);
  tensor.data_.reset(memory);
  AdviseHugePages(memory, rounded);
  return tensor;
}

Tensor::Tensor(DType dtype, Shape shape) : Tensor(Uninitialized(dtype, std::move(shape))) {
  if (size_bytes() > 0) std::memset(data_.get(), 0, size_bytes());
}

Tensor Tensor::Clone() const {
  Tensor copy = Uninitialized(dtype_, shape_);
  if (size_bytes() > 0) std::memcpy(copy.raw(), raw(), size_bytes());
  return copy;
}

void Tensor::Expect(DType wanted) const { VISAVIS_CHECK(dtype_ == wanted); }

}  // namespace visavis
