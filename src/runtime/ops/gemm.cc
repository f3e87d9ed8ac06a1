// Gemm and MatMul.
#include <algorithm>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/matmul.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

// alpha * op(A) * op(B) + beta * C.
class Gemm final : public DenseOperator {
 public:
  explicit Gemm(const OperatorArgs& args)
      : alpha_(args.node.Float("alpha", 1)),
        beta_(args.node.Float("beta", 1)),
        transpose_a_(args.node.Int("transA", 0) != 0),
        transpose_b_(args.node.Int("transB", 0) != 0) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    for (int i = 0; i < std::min(3, context.input_count()); ++i) {
      if (context.has(i)) VISAVIS_RETURN_IF_ERROR(RequireType(context, i, DType::kF32));
    }
    const Shape& a = context.shape(0);
    const Shape& b = context.shape(1);
    if (a.rank() != 2 || b.rank() != 2 || Depth(a) != b[transpose_b_ ? 1 : 0]) {
      return MakeError(ErrorCode::kInvalidArgument, "matrices {} and {} do not fit together",
                       a.ToString(), b.ToString());
    }
    Shape shape{a[transpose_a_ ? 1 : 0], b[transpose_b_ ? 0 : 1]};
    if (context.has(2)) {
      VISAVIS_ASSIGN_OR_RETURN(const Shape together, BroadcastShape(shape, context.shape(2)));
      if (together != shape) {
        return MakeError(ErrorCode::kInvalidArgument, "C {} does not broadcast to {}",
                         context.shape(2).ToString(), shape.ToString());
      }
    }
    // The product wants op(A) and op(B) row-major.
    std::size_t scratch = 0;
    if (transpose_a_) scratch += static_cast<std::size_t>(a.elements());
    if (transpose_b_ && !DotRows(shape)) scratch += static_cast<std::size_t>(b.elements());
    context.SetScratch(scratch * sizeof(float));
    return context.SetOutput(0, DType::kF32, std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.out_shape(0);
    const Shape& b_shape = context.shape(1);
    const std::int64_t depth = Depth(context.shape(0));
    const float* a = context.in<float>(0);
    const float* b = context.in<float>(1);
    float* scratch = context.scratch<float>();
    if (transpose_a_) {
      TransposeMatrix(a, depth, shape[0], scratch);
      a = scratch;
      scratch += shape[0] * depth;
    }
    float* out = context.out<float>(0);
    std::fill_n(out, shape.elements(), 0.0f);
    if (transpose_b_ && DotRows(shape)) {
      MultiplyRows(a, b, shape, depth, out);
    } else {
      if (transpose_b_) {
        TransposeMatrix(b, b_shape[0], b_shape[1], scratch);
        b = scratch;
      }
      MatMulAdd(a, depth, b, shape[1], out, shape[1], shape[0], shape[1], depth);
    }
    AddC(context, shape, out);
    return {};
  }

  double Flops(const NodeTypes& types) const override {
    return 2.0 * static_cast<double>(types.outputs[0].shape.elements()) *
           static_cast<double>(Depth(types.inputs[0].shape));
  }

 private:
  // A few rows against a large transposed matrix (a fully connected layer): transposing it would
  // cost more than the products.
  static bool DotRows(const Shape& out) { return out[0] <= 8; }

  std::int64_t Depth(const Shape& a) const { return a[transpose_a_ ? 0 : 1]; }

  static void MultiplyRows(const float* a, const float* b, const Shape& shape, std::int64_t depth,
                           float* out) {
    // Partial sums let the compiler use vectors without changing the order of any one sum.
    constexpr int kParts = 16;
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      for (std::int64_t j = 0; j < shape[1]; ++j) {
        const float* x = a + i * depth;
        const float* y = b + j * depth;
        float parts[kParts] = {};
        std::int64_t k = 0;
        for (; k + kParts <= depth; k += kParts) {
          for (int p = 0; p < kParts; ++p) parts[p] += x[k + p] * y[k + p];
        }
        for (int p = 0; k < depth; ++k, ++p) parts[p] += x[k] * y[k];
        float sum = 0;
        for (const float part : parts) sum += part;
        out[i * shape[1] + j] = sum;
      }
    }
  }

  void AddC(const DenseContext& context, const Shape& shape, float* out) const {
    if (alpha_ != 1) {
      for (std::int64_t i = 0; i < shape.elements(); ++i) out[i] *= alpha_;
    }
    if (!context.has(2)) return;
    const auto loop = NdLoop<1>::Make(shape, {BroadcastStrides(context.shape(2), shape)});
    loop.ForEachRow([&](const std::array<std::int64_t, 1>& offsets) {
      const float* c = context.in<float>(2) + offsets[0];
      for (std::int64_t i = 0; i < loop.row_length(); ++i) {
        *out++ += beta_ * c[i * loop.row_stride(0)];
      }
    });
  }

  float alpha_;
  float beta_;
  bool transpose_a_;
  bool transpose_b_;
};

class MatMul final : public DenseOperator {
 public:
  explicit MatMul(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    for (const int i : {0, 1}) VISAVIS_RETURN_IF_ERROR(RequireType(context, i, DType::kF32));
    VISAVIS_ASSIGN_OR_RETURN(Shape out, MatMulShape(context.shape(0), context.shape(1)));
    return context.SetOutput(0, DType::kF32, std::move(out));
  }

  Status Run(const DenseContext& context) const override {
    const MatrixStacks stacks(context.shape(0), context.shape(1));
    float* out = context.out<float>(0);
    std::fill_n(out, context.out_shape(0).elements(), 0.0f);
    const std::int64_t m = stacks.m;
    const std::int64_t n = stacks.n;
    const std::int64_t depth = stacks.depth;
    stacks.ForEach(context.out_shape(0), [&](std::int64_t a, std::int64_t b) {
      MatMulAdd(context.in<float>(0) + a * m * depth, depth, context.in<float>(1) + b * depth * n,
                n, out, n, m, n, depth);
      out += m * n;
    });
    return {};
  }

  double Flops(const NodeTypes& types) const override {
    const Shape& a = types.inputs[0].shape;
    return 2.0 * static_cast<double>(types.outputs[0].shape.elements()) *
           static_cast<double>(a[a.rank() - 1]);
  }
};

constexpr OperatorEntry kEntries[] = {
    {"Gemm", 7, 21, &MakeOperator<Gemm>, "types other than float32"},
    {"MatMul", 7, 21, &MakeOperator<MatMul>, "types other than float32"},
};

}  // namespace

std::span<const OperatorEntry> GemmOperators() { return kEntries; }

}  // namespace visavis
