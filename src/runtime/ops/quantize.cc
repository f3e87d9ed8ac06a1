// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include <algorithm>
#include <vector>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/quantization.h"

namespace visavis {
namespace {

// What QuantizeLinear and DequantizeLinear share: one scale for all, or one per index of an axis.
class LinearAxis {
 public:
  static Result<LinearAxis> Make(const OperatorArgs& args) {
    LinearAxis made;
    // Until operator set 13 there was no axis.
    made.per_tensor_only_ = args.opset() < 13;
    made.axis_ = args.node.Int("axis", 1);
    if (const std::int64_t block = args.node.Int("block_size", 0); block != 0) {
      return MakeError(ErrorCode::kUnsupported, "block_size is {}, want no blocks", block);
    }
    return made;
  }

  // The axis of the scales, whose shape is `scale`.
  Result<QuantizedAxis> Resolve(const Shape& x, const Shape& scale) const {
    QuantizedAxis axis;
    if (scale.elements() == 1 && scale.rank() <= 1) {
      axis.inner = x.elements();
      return axis;
    }
    if (scale.rank() > 1) {
      return MakeError(ErrorCode::kUnsupported, "scales of shape {}, want one or one per index",
                       scale.ToString());
    }
    if (per_tensor_only_) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "scales of shape {}, want one before operator set 13", scale.ToString());
    }
    VISAVIS_ASSIGN_OR_RETURN(const int a, NormalizedAxis(axis_, x.rank()));
    if (scale[0] != x[a]) {
      return MakeError(ErrorCode::kInvalidArgument, "{} scales for {} along axis {}", scale[0],
                       x[a], a);
    }
    for (int i = 0; i < x.rank(); ++i) {
      (i < a ? axis.outer : i == a ? axis.extent : axis.inner) *= x[i];
    }
    return axis;
  }

  // fn(first element, number of scale) for each run of elements with one scale.
  template <typename Fn>
  static void ForEachRun(const QuantizedAxis& axis, Fn&& fn) {
    for (std::int64_t o = 0; o < axis.outer; ++o) {
      for (std::int64_t k = 0; k < axis.extent; ++k) fn((o * axis.extent + k) * axis.inner, k);
    }
  }

 private:
  std::int64_t axis_ = 1;
  bool per_tensor_only_ = false;
};

Status RequireSameCount(const InferContext& context, int scale, int zero_point) {
  if (!context.has(zero_point) ||
      context.shape(zero_point).elements() == context.shape(scale).elements()) {
    return {};
  }
  return MakeError(ErrorCode::kInvalidArgument, "scales {} and zero points {} differ in shape",
                   context.shape(scale).ToString(), context.shape(zero_point).ToString());
}

std::optional<DType> QuantizedTypeOfOnnx(std::int64_t type) {
  switch (type) {  // onnx.TensorProto.DataType
    case 0:
    case 2:
      return DType::kU8;
    case 3:
      return DType::kI8;
    case 4:
      return DType::kU16;
    case 5:
      return DType::kI16;
    default:
      return std::nullopt;
  }
}

class QuantizeLinear final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<QuantizeLinear>();
    VISAVIS_ASSIGN_OR_RETURN(op->axis_, LinearAxis::Make(args));
    const std::int64_t type = args.node.Int("output_dtype", 0);
    const std::optional<DType> output = QuantizedTypeOfOnnx(type);
    if (!output) {
      return MakeError(ErrorCode::kUnsupported, "output_dtype is data type {} of ONNX", type);
    }
    op->output_ = *output;
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    const DType x = context.dtype(0);
    const DType scale = context.dtype(1);
    const bool integers = x == DType::kI32 && scale == DType::kF32;
    if (!integers && (x != scale || (x != DType::kF32 && x != DType::kF16 && x != DType::kBF16))) {
      return MakeError(ErrorCode::kUnsupported, "input is {} and scale {}", Name(x), Name(scale));
    }
    const DType type = context.has(2) ? context.dtype(2) : output_;
    VISAVIS_RETURN_IF_ERROR(VisitQuantized(type, [](auto) { return Status(); }));
    VISAVIS_RETURN_IF_ERROR(RequireSameCount(context, 1, 2));
    VISAVIS_RETURN_IF_ERROR(axis_.Resolve(context.shape(0), context.shape(1)));
    return context.SetOutput(0, type, context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    return VisitQuantized(context.out_dtype(0), [&](auto out) -> Status {
      using Q = typename decltype(out)::type;
      if (context.dtype(0) == DType::kI32) return Quantize<std::int32_t, float, Q>(context);
      return VisitFloat(context.dtype(0), [&](auto in) {
        using T = typename decltype(in)::type;
        return Quantize<T, T, Q>(context);
      });
    });
  }

 private:
  template <typename T, typename Scale, typename Q>
  Status Quantize(const DenseContext& context) const {
    VISAVIS_ASSIGN_OR_RETURN(const QuantizedAxis axis,
                             axis_.Resolve(context.shape(0), context.shape(1)));
    LinearAxis::ForEachRun(axis, [&](std::int64_t first, std::int64_t k) {
      const T* in = context.in<T>(0) + first;
      Q* out = context.out<Q>(0) + first;
      const auto scale = static_cast<float>(context.in<Scale>(1)[k]);
      const std::int32_t zero_point = ZeroPointAt(context, 2, k);
      for (std::int64_t i = 0; i < axis.inner; ++i) {
        // The quotient has the scale's type.
        const Scale quotient = static_cast<Scale>(static_cast<float>(in[i]) / scale);
        out[i] = RoundAndSaturate<Q>(static_cast<float>(quotient), zero_point);
      }
    });
    return {};
  }

  LinearAxis axis_;
  DType output_ = DType::kU8;
};

class DequantizeLinear final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<DequantizeLinear>();
    VISAVIS_ASSIGN_OR_RETURN(op->axis_, LinearAxis::Make(args));
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_RETURN_IF_ERROR(Visit(context.dtype(0), [](auto) { return Status(); }));
    const DType scale = context.dtype(1);
    if (scale != DType::kF32 && scale != DType::kF16 && scale != DType::kBF16) {
      return MakeError(ErrorCode::kUnsupported, "scale is {}", Name(scale));
    }
    if (context.has(2)) VISAVIS_RETURN_IF_ERROR(RequireSameType(context, 2));
    VISAVIS_RETURN_IF_ERROR(RequireSameCount(context, 1, 2));
    VISAVIS_RETURN_IF_ERROR(axis_.Resolve(context.shape(0), context.shape(1)));
    return context.SetOutput(0, scale, context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const QuantizedAxis axis,
                             axis_.Resolve(context.shape(0), context.shape(1)));
    return Visit(context.dtype(0), [&](auto in) {
      return VisitFloat(context.out_dtype(0), [&](auto out) -> Status {
        Dequantize<typename decltype(in)::type, typename decltype(out)::type>(context, axis);
        return {};
      });
    });
  }

 private:
  template <typename Fn>
  static Status Visit(DType dtype, Fn&& fn) {
    if (dtype == DType::kI32) return fn(ElementTag<std::int32_t>{});
    return VisitQuantized(dtype, fn);
  }

  template <typename Q, typename T>
  static void Dequantize(const DenseContext& context, const QuantizedAxis& axis) {
    LinearAxis::ForEachRun(axis, [&](std::int64_t first, std::int64_t k) {
      const Q* in = context.in<Q>(0) + first;
      T* out = context.out<T>(0) + first;
      const auto scale = static_cast<float>(context.in<T>(1)[k]);
      // int32 takes 64 bits for the difference; ONNX wants its zero point to be 0 anyway.
      using Sum = std::conditional_t<sizeof(Q) == 4, std::int64_t, std::int32_t>;
      const Sum zero_point = ZeroPointAt(context, 2, k);
      for (std::int64_t i = 0; i < axis.inner; ++i) {
        out[i] = static_cast<T>(static_cast<float>(Sum{in[i]} - zero_point) * scale);
      }
    });
  }

  LinearAxis axis_;
};

// Scale and zero point from the range of the values, which always holds 0.
class DynamicQuantizeLinear final : public DenseOperator {
 public:
  explicit DynamicQuantizeLinear(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(RequireType(context, 0, DType::kF32));
    const std::vector<std::pair<DType, Shape>> outputs{
        {DType::kU8, context.shape(0)}, {DType::kF32, Shape{}}, {DType::kU8, Shape{}}};
    for (int i = 0; i < std::min(3, context.output_count()); ++i) {
      const auto& [type, shape] = outputs[static_cast<std::size_t>(i)];
      VISAVIS_RETURN_IF_ERROR(context.SetOutput(i, type, shape));
    }
    return {};
  }

  Status Run(const DenseContext& context) const override {
    const std::int64_t count = context.shape(0).elements();
    const float* x = context.in<float>(0);
    float low = 0;
    float high = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
    const float scale = low == high ? 1.0f : (high - low) / 255.0f;
    const std::uint8_t zero_point = RoundAndSaturate<std::uint8_t>(0.0f - low / scale, 0);
    std::uint8_t* y = context.out<std::uint8_t>(0);
    for (std::int64_t i = 0; i < count; ++i) {
      y[i] = RoundAndSaturate<std::uint8_t>(x[i] / scale, zero_point);
    }
    // Either may be left out.
    float* y_scale = context.output_count() > 1 ? context.out<float>(1) : nullptr;
    std::uint8_t* y_zero = context.output_count() > 2 ? context.out<std::uint8_t>(2) : nullptr;
    if (y_scale != nullptr) *y_scale = scale;
    if (y_zero != nullptr) *y_zero = zero_point;
    return {};
  }
};

constexpr std::string_view kRefused = "blocks, 4-bit and 8-bit float types, float64";
constexpr OperatorEntry kEntries[] = {
    {"DequantizeLinear", 10, 21, &DequantizeLinear::Make, kRefused},
    {"DynamicQuantizeLinear", 11, 21, &MakeOperator<DynamicQuantizeLinear>, ""},
    {"QuantizeLinear", 10, 21, &QuantizeLinear::Make, kRefused},
};

}  // namespace

std::span<const OperatorEntry> QuantizeOperators() { return kEntries; }

}  // namespace visavis
