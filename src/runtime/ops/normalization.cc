// LpNormalization and InstanceNormalization.
#include <cmath>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

// x / ||x||_p along one axis.
class LpNormalization final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<LpNormalization>();
    op->axis_ = args.node.Int("axis", -1);
    op->p_ = args.node.Int("p", 2);
    if (op->p_ != 1 && op->p_ != 2) {
      return MakeError(ErrorCode::kCorruptData, "p is {}, want 1 or 2", op->p_);
    }
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(RequireType(context, 0, DType::kF32));
    VISAVIS_RETURN_IF_ERROR(NormalizedAxis(axis_, context.shape(0).rank()));
    return context.SetOutput(0, DType::kF32, context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.shape(0);
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + shape.rank() : axis_);
    std::int64_t outer = 1;
    std::int64_t inner = 1;
    for (int k = 0; k < axis; ++k) outer *= shape[k];
    for (int k = axis + 1; k < shape.rank(); ++k) inner *= shape[k];
    const std::int64_t length = shape[axis];
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < inner; ++i) {
        const std::int64_t start = o * length * inner + i;
        const float* in = context.in<float>(0) + start;
        float* out = context.out<float>(0) + start;
        double sum = 0;
        for (std::int64_t k = 0; k < length; ++k) {
          const double x = in[k * inner];
          sum += p_ == 1 ? std::abs(x) : x * x;
        }
        const double norm = p_ == 1 ? sum : std::sqrt(sum);
        const auto scale = static_cast<float>(norm == 0 ? 0 : 1 / norm);
        for (std::int64_t k = 0; k < length; ++k) out[k * inner] = in[k * inner] * scale;
      }
    }
    return {};
  }

  bool may_overwrite(int i) const override { return i == 0; }

 private:
  std::int64_t axis_ = -1;
  std::int64_t p_ = 2;
};

// Each channel of each image to mean 0 and variance 1, then scale and bias per channel.
class InstanceNormalization final : public DenseOperator {
 public:
  explicit InstanceNormalization(const OperatorArgs& args)
      : epsilon_(args.node.Float("epsilon", 1e-5f)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 3));
    const Shape& shape = context.shape(0);
    if (shape.rank() < 3) {
      return MakeError(ErrorCode::kInvalidArgument, "input has shape {}, want [N,C,...]",
                       shape.ToString());
    }
    for (int i = 0; i < 3; ++i) {
      VISAVIS_RETURN_IF_ERROR(RequireType(context, i, DType::kF32));
      if (i > 0 && context.shape(i) != Shape{shape[1]}) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} has shape {}, want [{}]", i,
                         context.shape(i).ToString(), shape[1]);
      }
    }
    return context.SetOutput(0, DType::kF32, shape);
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.shape(0);
    std::int64_t plane = 1;
    for (int axis = 2; axis < shape.rank(); ++axis) plane *= shape[axis];
    if (plane == 0) return {};
    const float* in = context.in<float>(0);
    float* out = context.out<float>(0);
    for (std::int64_t p = 0; p < shape[0] * shape[1]; ++p, in += plane, out += plane) {
      double sum = 0;
      for (std::int64_t i = 0; i < plane; ++i) sum += in[i];
      const double mean = sum / static_cast<double>(plane);
      double squares = 0;
      for (std::int64_t i = 0; i < plane; ++i) squares += (in[i] - mean) * (in[i] - mean);
      const double variance = squares / static_cast<double>(plane);
      const std::int64_t c = p % shape[1];
      const double scale = context.in<float>(1)[c] / std::sqrt(variance + epsilon_);
      const double shift = context.in<float>(2)[c] - mean * scale;
      for (std::int64_t i = 0; i < plane; ++i) {
        out[i] = static_cast<float>(in[i] * scale + shift);
      }
    }
    return {};
  }

 private:
  float epsilon_;
};

constexpr OperatorEntry kEntries[] = {
    {"InstanceNormalization", 7, 21, &MakeOperator<InstanceNormalization>,
     "types other than float32"},
    {"LpNormalization", 7, 21, &LpNormalization::Make, "types other than float32"},
};

}  // namespace

std::span<const OperatorEntry> NormalizationOperators() { return kEntries; }

}  // namespace visavis
