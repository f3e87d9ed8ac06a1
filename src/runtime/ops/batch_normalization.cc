// BatchNormalization with stored statistics.
#include <cmath>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class BatchNormalization final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    if (args.node.Int("training_mode", 0) != 0) {
      return MakeError(ErrorCode::kUnsupported, "training_mode 1");
    }
    if (args.node.Int("spatial", 1) != 1) {
      return MakeError(ErrorCode::kUnsupported, "spatial {}, want 1", args.node.Int("spatial", 1));
    }
    auto op = std::make_unique<BatchNormalization>();
    op->epsilon_ = args.node.Float("epsilon", 1e-5f);
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 5));
    const Shape& shape = context.shape(0);
    const std::int64_t channels = shape.rank() > 1 ? shape[1] : 1;
    for (int i = 0; i < 5; ++i) {
      VISAVIS_RETURN_IF_ERROR(RequireType(context, i, DType::kF32));
      if (i > 0 && context.shape(i) != Shape{channels}) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} has shape {}, want [{}]", i,
                         context.shape(i).ToString(), channels);
      }
    }
    return context.SetOutput(0, DType::kF32, shape);
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.shape(0);
    const std::int64_t channels = shape.rank() > 1 ? shape[1] : 1;
    std::int64_t plane = 1;
    for (int axis = 2; axis < shape.rank(); ++axis) plane *= shape[axis];
    const std::int64_t planes = plane == 0 ? 0 : shape.elements() / plane;
    const float* in = context.in<float>(0);
    float* out = context.out<float>(0);
    for (std::int64_t p = 0; p < planes; ++p, in += plane, out += plane) {
      const std::int64_t c = p % channels;
      const double scale = context.in<float>(1)[c] /
                           std::sqrt(static_cast<double>(context.in<float>(4)[c]) + epsilon_);
      const double shift = context.in<float>(2)[c] - context.in<float>(3)[c] * scale;
      const auto scale_f = static_cast<float>(scale);
      const auto shift_f = static_cast<float>(shift);
      for (std::int64_t i = 0; i < plane; ++i) out[i] = in[i] * scale_f + shift_f;
    }
    return {};
  }

  bool may_overwrite(int i) const override { return i == 0; }

 private:
  float epsilon_ = 0;
};

constexpr OperatorEntry kEntries[] = {{"BatchNormalization", 7, 21, &BatchNormalization::Make,
                                       "training_mode 1, spatial 0, types other than float32"}};

}  // namespace

std::span<const OperatorEntry> BatchNormalizationOperators() { return kEntries; }

}  // namespace visavis
