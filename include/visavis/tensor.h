// DType, Shape, Tensor (owns) and TensorView (borrows): dense row-major arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// Element types of ONNX tensors that we store.
enum class DType : std::uint8_t {
  kF32,
  kF64,
  kF16,
  kBF16,
  kU8,
  kI8,
  kU16,
  kI16,
  kI32,
  kI64,
  kBool
};

/// Bytes of one element.
std::size_t SizeOf(DType dtype);
/// "float32", "int64", ... as ONNX and numpy spell them.
std::string_view Name(DType dtype);

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kF32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kF64;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::kU8;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::kI8;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType value = DType::kU16;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::kI16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::kI32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::kI64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::kBool;
};

/// The extent of each dimension, outermost first. Rank 0 is a scalar (one element).
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  explicit Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}

  int rank() const { return static_cast<int>(dims_.size()); }
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t& operator[](int axis) { return dims_[static_cast<std::size_t>(axis)]; }
  std::span<const std::int64_t> dims() const { return dims_; }
  /// The product of the extents. Shapes from outside are checked with CheckedElements first.
  std::int64_t elements() const;
  /// "[1,3,112,112]"
  std::string ToString() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::vector<std::int64_t> dims_;
};

/// The number of elements of an outside shape: kCorruptData if an extent is negative,
/// kLimitExceeded if the product overflows or exceeds `limit`.
Result<std::int64_t> CheckedElements(const Shape& shape, std::int64_t limit);

/// An owning, move-only, 64-byte aligned array. Elements start zeroed.
/// Threads: const members are safe concurrently.
class Tensor {
 public:
  Tensor() = default;
  /// The shape must be non-negative and within the caller's limits.
  Tensor(DType dtype, Shape shape);
  /// The same with elements of any value, for callers that write them all.
  static Tensor Uninitialized(DType dtype, Shape shape);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;

  template <typename T>
  static Tensor From(Shape shape, std::span<const T> values) {
    Tensor t(DTypeOf<T>::value, std::move(shape));
    for (std::size_t i = 0; i < values.size(); ++i) t.template data<T>()[i] = values[i];
    return t;
  }
  Tensor Clone() const;

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t elements() const { return shape_.elements(); }
  std::size_t size_bytes() const { return static_cast<std::size_t>(elements()) * SizeOf(dtype_); }
  void* raw() { return data_.get(); }
  const void* raw() const { return data_.get(); }

  /// Elements as T; T must be the dtype's own type (checked).
  template <typename T>
  std::span<T> data() {
    Expect(DTypeOf<T>::value);
    return {static_cast<T*>(raw()), static_cast<std::size_t>(elements())};
  }
  template <typename T>
  std::span<const T> data() const {
    Expect(DTypeOf<T>::value);
    return {static_cast<const T*>(raw()), static_cast<std::size_t>(elements())};
  }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  void Expect(DType wanted) const;

  DType dtype_ = DType::kF32;
  Shape shape_{0};
  std::unique_ptr<void, Free> data_;
};

/// A borrowed dense row-major array.
struct TensorView {
  DType dtype = DType::kF32;
  Shape shape{0};
  const void* data = nullptr;

  TensorView() = default;
  TensorView(DType type, Shape dims, const void* elements)
      : dtype(type), shape(std::move(dims)), data(elements) {}
  TensorView(const Tensor& t) : dtype(t.dtype()), shape(t.shape()), data(t.raw()) {}  // NOLINT
};

}  // namespace visavis
