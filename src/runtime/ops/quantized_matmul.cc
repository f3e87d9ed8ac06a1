// MatMulInteger, QLinearMatMul and ONNX Runtime's QGemm: factors less their zero points, then an
// integer matrix product. Exact.
#include <algorithm>
#include <memory>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/matmul.h"
#include "runtime/ops/quantization.h"

namespace visavis {
namespace {

// Working memory of one product of m x depth and depth x n, an extra copy of either included.
std::size_t ProductScratch(std::int64_t m, std::int64_t n, std::int64_t depth, bool copies) {
  const std::int64_t factors = (m + n) * depth * (copies ? 2 : 1);
  return static_cast<std::size_t>(m * n) * sizeof(std::int32_t) +
         static_cast<std::size_t>(factors) * sizeof(std::int16_t);
}

// Rows of all matrices of a stack.
std::int64_t RowsOf(const Shape& a) {
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < a.rank(); ++i) rows *= a[i];
  return rows;
}

// out[i][j] = in[i][j] - the zero point of row first + i (per_row) or of column j.
template <typename Q>
void Centre(const DenseContext& context, const Q* in, std::int64_t rows, std::int64_t columns,
            int zero_point, bool per_row, std::int64_t first, std::int16_t* out) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::int32_t zero = ZeroPointAt(context, zero_point, per_row ? first + i : j);
      *out++ = static_cast<std::int16_t>(*in++ - zero);
    }
  }
}

// Where the inputs of one of the operators are; -1: it has none.
struct MatMulInputs {
  int b = 1;
  int a_zero = 2;
  int b_zero = 3;
  int a_scale = -1;
  int b_scale = -1;
  int y_scale = -1;
  int y_zero = -1;
};
constexpr MatMulInputs kMatMulInteger;
constexpr MatMulInputs kQLinearMatMul{
    .b = 3, .a_zero = 2, .b_zero = 5, .a_scale = 1, .b_scale = 4, .y_scale = 6, .y_zero = 7};

// numpy's matmul. a's scales and zero points are one, or one per row of every matrix; b's are one,
// or one per column.
template <const MatMulInputs& kInputs>
class QuantizedMatMul final : public DenseOperator {
 public:
  static constexpr bool kRequantizes = kInputs.y_scale >= 0;
  explicit QuantizedMatMul(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, kRequantizes ? 8 : 2));
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, 0));
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, kInputs.b));
    const Shape& a = context.shape(0);
    const Shape& b = context.shape(kInputs.b);
    VISAVIS_ASSIGN_OR_RETURN(Shape out, MatMulShape(a, b));
    const MatrixStacks stacks(a, b);
    VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, kInputs.a_scale, kInputs.a_zero,
                                                   context.dtype(0), RowsOf(a)));
    VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, kInputs.b_scale, kInputs.b_zero,
                                                   context.dtype(kInputs.b), stacks.n));
    VISAVIS_RETURN_IF_ERROR(RequireOne(context, kInputs.y_scale));
    VISAVIS_RETURN_IF_ERROR(RequireOne(context, kInputs.y_zero));
    DType type = DType::kI32;
    if constexpr (kRequantizes) {
      VISAVIS_RETURN_IF_ERROR(RequireByte(context, kInputs.y_zero));
      VISAVIS_RETURN_IF_ERROR(RequireType(context, kInputs.y_scale, DType::kF32));
      type = context.dtype(kInputs.y_zero);
    }
    context.SetScratch(ProductScratch(stacks.m, stacks.n, stacks.depth, false));
    return context.SetOutput(0, type, std::move(out));
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(0), [&](auto a) {
      return VisitByte(context.dtype(kInputs.b), [&](auto b) {
        return Multiply<typename decltype(a)::type, typename decltype(b)::type>(context);
      });
    });
  }

  double Flops(const NodeTypes& types) const override {
    const Shape& a = types.inputs[0].shape;
    return 2.0 * static_cast<double>(types.outputs[0].shape.elements()) *
           static_cast<double>(a[a.rank() - 1]);
  }

 private:
  static Status RequireOne(const InferContext& context, int i) {
    if (i < 0 || context.shape(i).elements() == 1) return {};
    return MakeError(ErrorCode::kUnsupported, "input {} has shape {}, want one element", i,
                     context.shape(i).ToString());
  }

  template <typename A, typename B>
  Status Multiply(const DenseContext& context) const {
    const MatrixStacks stacks(context.shape(0), context.shape(kInputs.b));
    const std::int64_t m = stacks.m;
    const std::int64_t n = stacks.n;
    const std::int64_t depth = stacks.depth;
    auto* sums = context.scratch<std::int32_t>();
    auto* left = reinterpret_cast<std::int16_t*>(sums + m * n);
    std::int16_t* right = left + m * depth;
    std::int64_t at = 0;
    Status status;
    stacks.ForEach(context.out_shape(0), [&](std::int64_t a, std::int64_t b) {
      if (!status.has_value()) return;
      Centre(context, context.in<A>(0) + a * m * depth, m, depth, kInputs.a_zero, true, a * m,
             left);
      Centre(context, context.in<B>(kInputs.b) + b * depth * n, depth, n, kInputs.b_zero, false, 0,
             right);
      std::fill_n(sums, m * n, 0);
      MatMulAdd(left, depth, right, n, sums, n, m, n, depth);
      status = Store(context, a * m, m, n, sums, at);
      at += m * n;
    });
    return status;
  }

  static Status Store(const DenseContext& context, std::int64_t first_row, std::int64_t m,
                      std::int64_t n, const std::int32_t* sums, std::int64_t at) {
    if constexpr (!kRequantizes) {
      std::copy_n(sums, m * n, context.out<std::int32_t>(0) + at);
      return {};
    } else {
      const float y_scale = ScaleAt(context, kInputs.y_scale);
      const std::int32_t zero_point = ZeroPointAt(context, kInputs.y_zero);
      return VisitByte(context.out_dtype(0), [&](auto y) -> Status {
        using Q = typename decltype(y)::type;
        Q* out = context.out<Q>(0) + at;
        for (std::int64_t i = 0; i < m; ++i) {
          const float a_scale = ScaleAt(context, kInputs.a_scale, first_row + i);
          for (std::int64_t j = 0; j < n; ++j) {
            const float multiplier = a_scale * ScaleAt(context, kInputs.b_scale, j) / y_scale;
            Requantize(sums + i * n + j, 1, multiplier, zero_point, out + i * n + j);
          }
        }
        return {};
      });
    }
  }
};

// com.microsoft: alpha * op(A) * op(B) + C, where C holds multiples of the product's own unit,
// alpha * a_scale * b_scale. Float results if no scale is given for them.
class QGemm final : public DenseOperator {
 public:
  explicit QGemm(const OperatorArgs& args)
      : alpha_(args.node.Float("alpha", 1)),
        transpose_a_(args.node.Int("transA", 0) != 0),
        transpose_b_(args.node.Int("transB", 0) != 0) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 6));
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, 0));
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, 3));
    const Shape& a = context.shape(0);
    const Shape& b = context.shape(3);
    if (a.rank() != 2 || b.rank() != 2 || Depth(a) != b[transpose_b_ ? 1 : 0]) {
      return MakeError(ErrorCode::kInvalidArgument, "matrices {} and {} do not fit together",
                       a.ToString(), b.ToString());
    }
    Shape out{a[transpose_a_ ? 1 : 0], b[transpose_b_ ? 0 : 1]};
    VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, 1, 2, context.dtype(0)));
    VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, 4, 5, context.dtype(3), out[1]));
    if (context.has(6)) {
      VISAVIS_RETURN_IF_ERROR(RequireType(context, 6, DType::kI32));
      VISAVIS_ASSIGN_OR_RETURN(const Shape together, BroadcastShape(out, context.shape(6)));
      if (together != out) {
        return MakeError(ErrorCode::kInvalidArgument, "C {} does not broadcast to {}",
                         context.shape(6).ToString(), out.ToString());
      }
    }
    DType type = DType::kF32;
    if (context.has(7)) {
      if (!context.has(8)) {
        return MakeError(ErrorCode::kInvalidArgument, "a scale of the result and no zero point");
      }
      type = context.dtype(8);
      VISAVIS_RETURN_IF_ERROR(RequireByte(context, 8));
      VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, 7, 8, type));
    }
    context.SetScratch(ProductScratch(out[0], out[1], Depth(a), true));
    return context.SetOutput(0, type, std::move(out));
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(0), [&](auto a) {
      return VisitByte(context.dtype(3), [&](auto b) {
        return Multiply<typename decltype(a)::type, typename decltype(b)::type>(context);
      });
    });
  }

  double Flops(const NodeTypes& types) const override {
    return 2.0 * static_cast<double>(types.outputs[0].shape.elements()) *
           static_cast<double>(Depth(types.inputs[0].shape));
  }

 private:
  std::int64_t Depth(const Shape& a) const { return a[transpose_a_ ? 0 : 1]; }

  template <typename A, typename B>
  Status Multiply(const DenseContext& context) const {
    const Shape& out = context.out_shape(0);
    const Shape& a_shape = context.shape(0);
    const Shape& b_shape = context.shape(3);
    const std::int64_t depth = Depth(a_shape);
    auto* sums = context.scratch<std::int32_t>();
    auto* a = reinterpret_cast<std::int16_t*>(sums + out[0] * out[1]);
    std::int16_t* b = a + out[0] * depth;
    std::int16_t* spare = b + out[1] * depth;
    Centre(context, context.in<A>(0), a_shape[0], a_shape[1], 2, true, 0, transpose_a_ ? spare : a);
    if (transpose_a_) TransposeMatrix(spare, depth, out[0], a);
    Centre(context, context.in<B>(3), b_shape[0], b_shape[1], 5, transpose_b_, 0,
           transpose_b_ ? spare : b);
    if (transpose_b_) TransposeMatrix(spare, out[1], depth, b);
    StartSums(context, out, sums);
    MatMulAdd(a, depth, b, out[1], sums, out[1], out[0], out[1], depth);
    return Store(context, out, sums);
  }

  static void StartSums(const DenseContext& context, const Shape& out, std::int32_t* sums) {
    if (!context.has(6)) {
      std::fill_n(sums, out.elements(), 0);
      return;
    }
    const auto loop = NdLoop<1>::Make(out, {BroadcastStrides(context.shape(6), out)});
    loop.ForEachRow([&](const std::array<std::int64_t, 1>& offsets) {
      const std::int32_t* c = context.in<std::int32_t>(6) + offsets[0];
      for (std::int64_t i = 0; i < loop.row_length(); ++i) *sums++ = c[i * loop.row_stride(0)];
    });
  }

  Status Store(const DenseContext& context, const Shape& out, const std::int32_t* sums) const {
    const auto unit = [&](std::int64_t j) {
      return alpha_ * ScaleAt(context, 1) * ScaleAt(context, 4, j);
    };
    if (!context.has(7)) {
      float* y = context.out<float>(0);
      for (std::int64_t i = 0; i < out.elements(); ++i) {
        y[i] = static_cast<float>(sums[i]) * unit(i % out[1]);
      }
      return {};
    }
    const float y_scale = ScaleAt(context, 7);
    const std::int32_t zero_point = ZeroPointAt(context, 8);
    return VisitByte(context.out_dtype(0), [&](auto tag) -> Status {
      using Q = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < out.elements(); ++i) {
        Requantize(sums + i, 1, unit(i % out[1]) / y_scale, zero_point, context.out<Q>(0) + i);
      }
      return {};
    });
  }

  float alpha_;
  bool transpose_a_;
  bool transpose_b_;
};

constexpr OperatorEntry kEntries[] = {
    {"MatMulInteger", 10, 21, &MakeOperator<QuantizedMatMul<kMatMulInteger>>, ""},
    {"QLinearMatMul", 10, 21, &MakeOperator<QuantizedMatMul<kQLinearMatMul>>,
     "results scaled per row; types other than 8-bit integers and float32 scales"},
    {"QGemm", 7, 21, &MakeOperator<QGemm>, "", kMicrosoftDomain},
};

}  // namespace

std::span<const OperatorEntry> QuantizedMatMulOperators() { return kEntries; }

}  // namespace visavis
