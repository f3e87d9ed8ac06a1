#include "evaluate/row_products.h"

#include <cmath>

namespace visavis {

std::vector<float> UnitRows(const EmbeddingRows& rows) {
  std::vector<float> unit(rows.values.size());
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    double squares = 0;
    for (const float v : row) squares += static_cast<double>(v) * v;
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (std::size_t k = 0; k < row.size(); ++k)
      unit[i * rows.dimension + k] = static_cast<float>(row[k] * scale);
  }
  return unit;
}

RowProducts::RowProducts(const KernelTable& kernels, std::span<const float> columns,
                         std::size_t dimension)
    : kernels_(kernels),
      dimension_(dimension),
      columns_(columns.size() / dimension),
      packed_(PackedFcSize(static_cast<int>(columns_), static_cast<int>(dimension))) {
  PackFc(columns.data(), static_cast<int>(columns_), static_cast<int>(dimension), packed_.data());
}

void RowProducts::Multiply(const float* rows, std::size_t count, std::size_t group, float* out,
                           std::size_t out_row) const {
  FcArgs args;
  args.in = rows;
  args.in_row = static_cast<std::ptrdiff_t>(dimension_);
  args.batch = static_cast<int>(count);
  args.depth = static_cast<int>(dimension_);
  args.weights = packed_.data() + group * dimension_ * kFcGroup;
  args.out_channels = kFcGroup;
  args.out = out;
  args.out_row = static_cast<std::ptrdiff_t>(out_row);
  kernels_.fc_f32(args, 0, 1);
}

}  // namespace visavis
