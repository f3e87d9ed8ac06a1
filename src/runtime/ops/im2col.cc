#include "runtime/ops/im2col.h"

namespace visavis {
namespace {

constexpr std::int64_t kBandElements = 1 << 16;

}  // namespace

Result<std::int64_t> ConvGroups(const Node& node) {
  const std::int64_t groups = node.Int("group", 1);
  if (groups >= 1) return groups;
  return MakeError(ErrorCode::kCorruptData, "group is {}, want at least 1", groups);
}

Status CheckConvShapes(const Shape& x, const Shape& w, std::int64_t groups) {
  if (x.rank() < 3 || w.rank() != x.rank() || w.elements() == 0 || w[0] % groups != 0 ||
      w[1] > x[1] || x[1] != w[1] * groups) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "input {}, weights {} and group {} do not fit together", x.ToString(),
                     w.ToString(), groups);
  }
  return {};
}

std::int64_t ColumnBandRows(const Window& window, std::int64_t depth) {
  const std::int64_t rows = window[0].out * window[1].out;
  return std::clamp<std::int64_t>(kBandElements / (depth * window[2].out), 1, rows);
}

}  // namespace visavis
