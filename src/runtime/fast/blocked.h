// The blocked layout (c16) as plans see it: where pixels lie, and the border around them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "runtime/op.h"
#include "runtime/row_step.h"
#include "runtime/storage.h"

namespace visavis {

/// The extents of a rank-4 value.
struct Nchw {
  int n = 0;
  int c = 0;
  int h = 0;
  int w = 0;

  int blocks() const { return BlocksOf(c); }
  Shape shape() const { return Shape{n, c, h, w}; }
};

/// kInvalidArgument unless the shape has rank 4, a batch >= 0 and other extents >= 1.
Result<Nchw> NchwOf(const Shape& shape);

/// One value per channel, padded with zeros to whole blocks: bias, slope, scale, border.
using PerChannel = std::vector<float>;
PerChannel PaddedToBlocks(const std::vector<double>& values, int channels);

/// How a value is laid out when it is made; decided while compiling, for any shape.
struct BlockedSpec {
  Border border;                                    ///< what all its readers need around it
  std::shared_ptr<const PerChannel> border_values;  ///< null: zeros
  DType store = DType::kF32;                        ///< kF32 or kBF16
  bool contiguous = false;  ///< no gaps at all: read as one row by a fully connected layer
};

/// The storage of `dims` under `spec`: no gaps but the border, and a shift of planes whose size is
/// a multiple of 4 KB, which would all fall on the same cache sets.
Storage BlockedStorage(const Nchw& dims, const BlockedSpec& spec);

/// Pointers into one blocked value. Row and column are counted from the pixel (0, 0) and may be
/// negative inside the border.
class BlockedValue {
 public:
  BlockedValue() = default;
  BlockedValue(const TensorType& type, const Storage& storage);

  const Nchw& dims() const { return dims_; }
  std::ptrdiff_t row_stride() const { return storage_.row_pixels * kLanes; }
  std::ptrdiff_t image_stride() const { return storage_.image_stride; }
  std::size_t element_bytes() const { return SizeOf(storage_.dtype); }
  Store store() const { return storage_.dtype == DType::kBF16 ? Store::kBf16 : Store::kF32; }
  const Storage& storage() const { return storage_; }

  BlockedIn In(const std::byte* base, int image, int row = 0, int column = 0) const;
  BlockedOut Out(std::byte* base, int image, int row = 0, int column = 0) const;
  /// The same in a window of rows.
  BlockedIn In(const RowWindow& window, int row, int column = 0) const;
  BlockedOut Out(const RowWindow& window, int row, int column = 0) const;
  /// Writes the border of every image.
  void FillBorder(const KernelTable& kernels, std::byte* base, const BlockedSpec& spec) const;
  /// Writes the border in some rows, those before and behind the picture included.
  void FillBorder(const KernelTable& kernels, const RowWindow& window, RowRange rows,
                  const BlockedSpec& spec) const;

 private:
  std::ptrdiff_t Offset(int image, int row, int column) const;
  std::byte* Find(const RowWindow& window, int row, int column) const;

  Nchw dims_;
  Storage storage_;
};

/// One pixel's 16 channels as floats; `at` counts elements from the view's data.
void LoadLanes(const KernelTable& kernels, const BlockedIn& from, std::ptrdiff_t at, float* lanes);

}  // namespace visavis
