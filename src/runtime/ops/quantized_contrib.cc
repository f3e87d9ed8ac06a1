// ONNX Runtime's quantized operators of one element or window: dequantize, compute in float,
// quantize; the same bits as DequantizeLinear, the float operator and QuantizeLinear give.
#include <algorithm>
#include <cmath>
#include <memory>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"
#include "runtime/ops/quantization.h"

namespace visavis {
namespace {

// What stored values of A, B and C stand for.
struct BinaryScales {
  float a_scale, b_scale, c_scale;
  std::int32_t a_zero, b_zero, c_zero;
};

// As ONNX Runtime does it: stored values, all zero points in one term. Where a sum lies between two
// integers, the last bits of this order decide, and a network of bytes amplifies what they decide.
class AddFn {
 public:
  explicit AddFn(const BinaryScales& s)
      : a_ratio_(s.a_scale / s.c_scale), b_ratio_(s.b_scale / s.c_scale) {
    const float zeros =
        std::fma(b_ratio_, static_cast<float>(s.b_zero), a_ratio_ * static_cast<float>(s.a_zero));
    fixed_ = static_cast<float>(s.c_zero) - zeros;
  }
  float operator()(float a, float b) const {
    return std::fma(b, b_ratio_, std::fma(a, a_ratio_, fixed_));
  }
  std::int32_t zero() const { return 0; }

 private:
  float a_ratio_, b_ratio_, fixed_;
};

class MulFn {
 public:
  explicit MulFn(const BinaryScales& s) : s_(s) {}
  float operator()(float a, float b) const {
    const float x = (a - static_cast<float>(s_.a_zero)) * s_.a_scale;
    const float y = (b - static_cast<float>(s_.b_zero)) * s_.b_scale;
    return x * y / s_.c_scale;
  }
  std::int32_t zero() const { return s_.c_zero; }

 private:
  BinaryScales s_;
};

// Inputs A, A_scale, A_zero_point, B, B_scale, B_zero_point, C_scale, C_zero_point.
template <typename Function>
class QuantizedBinary final : public DenseOperator {
 public:
  explicit QuantizedBinary(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    for (const int i : {0, 1, 3, 4, 6}) {
      if (!context.has(i)) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} is missing", i);
      }
    }
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, 0));
    VISAVIS_RETURN_IF_ERROR(RequireSameType(context, 3));
    for (const int i : {0, 3, 5}) {
      VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, i + 1, i + 2, context.dtype(0)));
    }
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, BroadcastShape(context.shape(0), context.shape(3)));
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(0), [&](auto tag) -> Status {
      Compute<typename decltype(tag)::type>(context);
      return {};
    });
  }

 private:
  template <typename Q>
  static void Compute(const DenseContext& context) {
    const Shape& shape = context.out_shape(0);
    const auto loop = NdLoop<2>::Make(shape, {BroadcastStrides(context.shape(0), shape),
                                              BroadcastStrides(context.shape(3), shape)});
    const Function function(BinaryScales{.a_scale = ScaleAt(context, 1),
                                         .b_scale = ScaleAt(context, 4),
                                         .c_scale = ScaleAt(context, 6),
                                         .a_zero = ZeroPointAt(context, 2),
                                         .b_zero = ZeroPointAt(context, 5),
                                         .c_zero = ZeroPointAt(context, 7)});
    Q* out = context.out<Q>(0);
    loop.ForEachRow([&](const std::array<std::int64_t, 2>& offsets) {
      const Q* a = context.in<Q>(0) + offsets[0];
      const Q* b = context.in<Q>(3) + offsets[1];
      for (std::int64_t i = 0; i < loop.row_length(); ++i) {
        const float x = a[i * loop.row_stride(0)];
        const float y = b[i * loop.row_stride(1)];
        *out++ = RoundAndSaturate<Q>(function(x, y), function.zero());
      }
    });
  }
};

struct LeakyReluFn {
  explicit LeakyReluFn(const Node& node) : alpha(node.Float("alpha", 0.01f)) {}
  float operator()(float x) const { return x < 0 ? alpha * x : x; }
  float alpha;
};
struct SigmoidFn {
  explicit SigmoidFn(const Node&) {}
  float operator()(float x) const { return 1.0f / (1.0f + std::exp(-x)); }
};

// Inputs X, X_scale, X_zero_point, Y_scale, Y_zero_point.
Status CheckUnary(const InferContext& context) {
  for (const int i : {0, 1, 3}) {
    if (!context.has(i)) return MakeError(ErrorCode::kInvalidArgument, "input {} is missing", i);
  }
  VISAVIS_RETURN_IF_ERROR(RequireByte(context, 0));
  VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, 1, 2, context.dtype(0)));
  return CheckScaleAndZeroPoint(context, 3, 4, context.dtype(0));
}

// A table of the function's 256 values, then a look-up per element.
template <typename Function>
class QuantizedUnary final : public DenseOperator {
 public:
  explicit QuantizedUnary(const OperatorArgs& args) : function_(args.node) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(CheckUnary(context));
    return context.SetOutput(0, context.dtype(0), context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(0), [&](auto tag) -> Status {
      using Q = typename decltype(tag)::type;
      const float x_scale = ScaleAt(context, 1);
      const float y_scale = ScaleAt(context, 3);
      const std::int32_t x_zero = ZeroPointAt(context, 2);
      const std::int32_t y_zero = ZeroPointAt(context, 4);
      std::array<Q, 256> table;
      for (int q = std::numeric_limits<Q>::min(); q <= std::numeric_limits<Q>::max(); ++q) {
        const float y = function_(static_cast<float>(q - x_zero) * x_scale);
        table[static_cast<std::uint8_t>(q)] = RoundAndSaturate<Q>(y / y_scale, y_zero);
      }
      const Q* in = context.in<Q>(0);
      Q* out = context.out<Q>(0);
      for (std::int64_t i = 0; i < context.shape(0).elements(); ++i) {
        out[i] = table[static_cast<std::uint8_t>(in[i])];
      }
      return {};
    });
  }

 private:
  Function function_;
};

class QuantizedGlobalAveragePool final : public DenseOperator {
 public:
  explicit QuantizedGlobalAveragePool(const OperatorArgs& args)
      : channels_last_(args.node.Int("channels_last", 0) != 0) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(CheckUnary(context));
    Shape shape = context.shape(0);
    if (shape.rank() < 3 || shape.elements() == 0) {
      return MakeError(ErrorCode::kInvalidArgument, "input has shape {}, want N, C and more",
                       shape.ToString());
    }
    const int first = channels_last_ ? 1 : 2;
    for (int i = 0; i < shape.rank() - 2; ++i) shape[first + i] = 1;
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(0), [&](auto tag) -> Status {
      using Q = typename decltype(tag)::type;
      const Shape& x = context.shape(0);
      const std::int64_t channels = x[channels_last_ ? x.rank() - 1 : 1];
      const std::int64_t plane = x.elements() / (x[0] * channels);
      const std::int64_t step = channels_last_ ? channels : 1;
      // As ONNX Runtime: one multiplier for the integer sum.
      const float multiplier =
          ScaleAt(context, 1) / (ScaleAt(context, 3) * static_cast<float>(plane));
      const std::int32_t x_zero = ZeroPointAt(context, 2);
      const std::int32_t y_zero = ZeroPointAt(context, 4);
      Q* out = context.out<Q>(0);
      for (std::int64_t n = 0; n < x[0]; ++n) {
        const Q* image = context.in<Q>(0) + n * channels * plane;
        for (std::int64_t c = 0; c < channels; ++c) {
          const Q* in = image + c * (channels_last_ ? 1 : plane);
          std::int64_t sum = 0;
          for (std::int64_t i = 0; i < plane; ++i) sum += in[i * step] - x_zero;
          *out++ = RoundAndSaturate<Q>(static_cast<float>(sum) * multiplier, y_zero);
        }
      }
      return {};
    });
  }

 private:
  bool channels_last_;
};

// Inputs Y_scale, Y_zero_point, then X, X_scale, X_zero_point of each part.
class QuantizedConcat final : public DenseOperator {
 public:
  explicit QuantizedConcat(const OperatorArgs& args) : axis_(args.node.Int("axis", 1)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, std::max(5, context.input_count())));
    if ((context.input_count() - 2) % 3 != 0) {
      return MakeError(ErrorCode::kInvalidArgument, "{} inputs, want 2 and 3 per part",
                       context.input_count());
    }
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, 1));
    VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, 0, 1, context.dtype(1)));
    Shape shape = context.shape(2);
    VISAVIS_ASSIGN_OR_RETURN(const int axis, NormalizedAxis(axis_, shape.rank()));
    for (int i = 2; i < context.input_count(); i += 3) {
      if (context.dtype(i) != context.dtype(1)) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} is {}, want {}", i,
                         Name(context.dtype(i)), Name(context.dtype(1)));
      }
      VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, i + 1, i + 2, context.dtype(i)));
      const Shape& part = context.shape(i);
      bool fits = part.rank() == shape.rank();
      for (int k = 0; fits && k < shape.rank(); ++k) fits = k == axis || part[k] == shape[k];
      if (!fits) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} of shape {} does not continue {}",
                         i, part.ToString(), shape.ToString());
      }
      if (i > 2) shape[axis] += part[axis];
    }
    return context.SetOutput(0, context.dtype(1), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(1), [&](auto tag) -> Status {
      Join<typename decltype(tag)::type>(context);
      return {};
    });
  }

 private:
  template <typename Q>
  void Join(const DenseContext& context) const {
    const Shape& shape = context.out_shape(0);
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + shape.rank() : axis_);
    std::int64_t outer = 1;
    std::int64_t inner = 1;
    for (int k = 0; k < axis; ++k) outer *= shape[k];
    for (int k = axis + 1; k < shape.rank(); ++k) inner *= shape[k];
    const float y_scale = ScaleAt(context, 0);
    const std::int32_t y_zero = ZeroPointAt(context, 1);
    Q* to = context.out<Q>(0);
    for (std::int64_t o = 0; o < outer; ++o) {
      for (int i = 2; i < context.input_count(); i += 3) {
        const std::int64_t count = context.shape(i)[axis] * inner;
        const float scale = ScaleAt(context, i + 1);
        const std::int32_t zero = ZeroPointAt(context, i + 2);
        const Q* in = context.in<Q>(i) + o * count;
        for (std::int64_t k = 0; k < count; ++k) {
          *to++ = RoundAndSaturate<Q>(static_cast<float>(in[k] - zero) * scale / y_scale, y_zero);
        }
      }
    }
  }

  std::int64_t axis_;
};

constexpr OperatorEntry kEntries[] = {
    {"QLinearAdd", 7, 21, &MakeOperator<QuantizedBinary<AddFn>>, "", kMicrosoftDomain},
    {"QLinearConcat", 7, 21, &MakeOperator<QuantizedConcat>, "", kMicrosoftDomain},
    {"QLinearGlobalAveragePool", 7, 21, &MakeOperator<QuantizedGlobalAveragePool>, "",
     kMicrosoftDomain},
    {"QLinearLeakyRelu", 7, 21, &MakeOperator<QuantizedUnary<LeakyReluFn>>, "", kMicrosoftDomain},
    {"QLinearMul", 7, 21, &MakeOperator<QuantizedBinary<MulFn>>, "", kMicrosoftDomain},
    {"QLinearSigmoid", 7, 21, &MakeOperator<QuantizedUnary<SigmoidFn>>, "", kMicrosoftDomain},
};

}  // namespace

std::span<const OperatorEntry> QuantizedContribOperators() { return kEntries; }

}  // namespace visavis
