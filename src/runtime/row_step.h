// RowStep: the part of a step that makes a few rows of its output at a time, for chains of steps
// whose values between them never exist as a whole (strip_chain.h).
#pragma once

#include <cstddef>

namespace visavis {

/// Rows [begin, end) of one image. Rows before 0 and from the height on are those of the border.
struct RowRange {
  int begin = 0;
  int end = 0;
  int count() const { return end - begin; }
};

/// Some rows of one image of a value in memory: columns, border and elements as its Storage has
/// them, but `rows` rows from `first` on. Of dense values all rows.
struct RowWindow {
  std::byte* data = nullptr;  ///< row `first`, with its left border
  int first = 0;
  int rows = 0;
  std::ptrdiff_t plane = 0;  ///< elements from one channel block to the next
};

/// Implemented by steps of one input and one output. Bits are those of Step::Run.
/// Threads: as Step.
class RowStep {
 public:
  virtual ~RowStep() = default;
  /// The input rows under some output rows; they may reach outside of the picture.
  virtual RowRange Under(RowRange rows) const = 0;
  /// Makes the pixels of `rows` (none of the border). `in` holds Under(rows), as far as the value
  /// has them. `scratch` has row_scratch_bytes().
  virtual void RunRows(const RowWindow& in, const RowWindow& out, RowRange rows,
                       std::byte* scratch) const = 0;
  /// Writes the border in `rows` of the output, rows before and behind the picture included.
  virtual void FillBorder(const RowWindow& out, RowRange rows) const = 0;
  virtual std::size_t row_scratch_bytes() const { return 0; }
};

}  // namespace visavis
