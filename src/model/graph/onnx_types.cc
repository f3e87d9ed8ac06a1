#include "model/graph/onnx_types.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace visavis {
namespace {

struct Row {
  DType dtype;
  std::int32_t number;
};

constexpr std::array kRows{
    Row{DType::kF32, 1},  Row{DType::kU8, 2},   Row{DType::kI8, 3},    Row{DType::kU16, 4},
    Row{DType::kI16, 5},  Row{DType::kI32, 6},  Row{DType::kI64, 7},   Row{DType::kBool, 9},
    Row{DType::kF16, 10}, Row{DType::kF64, 11}, Row{DType::kBF16, 16},
};

}  // namespace

std::optional<DType> DTypeOfOnnxType(std::int64_t number) {
  const auto* row = std::ranges::find(kRows, number, &Row::number);
  return row == kRows.end() ? std::nullopt : std::optional(row->dtype);
}

std::int32_t OnnxTypeOf(DType dtype) {
  const auto* row = std::ranges::find(kRows, dtype, &Row::dtype);
  VISAVIS_CHECK(row != kRows.end());
  return row->number;
}

}  // namespace visavis
