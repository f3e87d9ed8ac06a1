// Shape and Size: what is known before any element is.
#include <algorithm>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class ShapeOf final : public DenseOperator {
 public:
  explicit ShapeOf(const OperatorArgs& args) : start_(args.node.Int("start", 0)) {
    if (args.node.Has("end")) end_ = args.node.Int("end", 0);
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    const auto [first, last] = Range(context.shape(0).rank());
    return context.SetOutput(0, DType::kI64, Shape{std::max<std::int64_t>(0, last - first)});
  }

  Status Run(const DenseContext& context) const override {
    const auto [first, last] = Range(context.shape(0).rank());
    std::int64_t* out = context.out<std::int64_t>(0);
    for (std::int64_t axis = first; axis < last; ++axis) {
      *out++ = context.shape(0)[static_cast<int>(axis)];
    }
    return {};
  }

  bool reads_only_shapes() const override { return true; }

 private:
  struct AxisRange {
    std::int64_t first;
    std::int64_t last;
  };
  // Bounds beyond the rank are cut, as ONNX says.
  AxisRange Range(std::int64_t rank) const {
    const auto cut = [rank](std::int64_t axis) {
      return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
    };
    return {cut(start_), end_.has_value() ? cut(*end_) : rank};
  }

  std::int64_t start_;
  std::optional<std::int64_t> end_;
};

class SizeOperator final : public DenseOperator {
 public:
  explicit SizeOperator(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    return context.SetOutput(0, DType::kI64, Shape());
  }

  Status Run(const DenseContext& context) const override {
    *context.out<std::int64_t>(0) = context.shape(0).elements();
    return {};
  }

  bool reads_only_shapes() const override { return true; }
};

constexpr OperatorEntry kEntries[] = {
    {"Shape", 7, 21, &MakeOperator<ShapeOf>, ""},
    {"Size", 7, 21, &MakeOperator<SizeOperator>, ""},
};

}  // namespace

std::span<const OperatorEntry> ShapeOperators() { return kEntries; }

}  // namespace visavis
