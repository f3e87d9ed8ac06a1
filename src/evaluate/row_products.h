// Inner products of many rows with many rows, by the fully connected kernel.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "evaluate/verification.h"
#include "kernels/kernels.h"

namespace visavis {

/// The rows at length 1 (scaled in double); zero rows stay zero.
std::vector<float> UnitRows(const EmbeddingRows& rows);

/// Rows packed as the columns of a product. A product depends on its two rows only.
/// Threads: const members are safe concurrently.
class RowProducts {
 public:
  /// `columns` holds whole rows of `dimension` floats and is copied.
  RowProducts(const KernelTable& kernels, std::span<const float> columns, std::size_t dimension);

  std::size_t columns() const { return columns_; }
  /// Columns come in groups of kFcGroup; those of the last one past the end are 0.
  std::size_t groups() const { return (columns_ + kFcGroup - 1) / kFcGroup; }

  /// out[r * out_row + c] = rows[r] . column[group * kFcGroup + c] for `count` consecutive rows.
  void Multiply(const float* rows, std::size_t count, std::size_t group, float* out,
                std::size_t out_row = kFcGroup) const;

 private:
  const KernelTable& kernels_;
  std::size_t dimension_;
  std::size_t columns_;
  std::vector<float> packed_;
};

}  // namespace visavis
