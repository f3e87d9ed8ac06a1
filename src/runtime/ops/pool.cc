// MaxPool, AveragePool over 1 to 3 spatial axes, and their global forms.
#include <algorithm>
#include <limits>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/window.h"

namespace visavis {
namespace {

// The part of a window that lies over input, along one axis.
struct Span {
  std::int64_t first = 0;  // first input index
  std::int64_t end = 0;    // one past the last
  std::int64_t size = 0;   // positions over input or padding (ceil_mode's overhang excluded)
};

Span SpanOf(const WindowAxis& axis, std::int64_t o) {
  const std::int64_t start = axis.Start(o);
  const std::int64_t stop = start + (axis.kernel - 1) * axis.dilation + 1;
  Span span;
  // The first position inside, in steps of the dilation.
  const std::int64_t skipped = start >= 0 ? 0 : (-start + axis.dilation - 1) / axis.dilation;
  span.first = start + skipped * axis.dilation;
  span.end = std::min(stop, axis.in);
  const std::int64_t padded_stop = std::min(stop, axis.in + axis.pad_end);
  span.size = (padded_stop - start + axis.dilation - 1) / axis.dilation;
  return span;
}

struct Max {
  template <typename T>
  static T Start() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  template <typename T>
  static T Add(T sum, T x) {
    return x > sum || x != x ? x : sum;
  }
};

struct Sum {
  template <typename T>
  static T Start() {
    return T(0);
  }
  template <typename T>
  static T Add(T sum, T x) {
    return sum + x;
  }
};

// Reduces every window of one plane; finish(sum, positions over input, all positions) ends it.
template <typename Reduction, typename T, typename Finish>
void PoolPlane(const T* in, const Window& window, T* out, Finish&& finish) {
  const auto& [d, h, w] = window;
  for (std::int64_t od = 0; od < d.out; ++od) {
    const Span sd = SpanOf(d, od);
    for (std::int64_t oh = 0; oh < h.out; ++oh) {
      const Span sh = SpanOf(h, oh);
      for (std::int64_t ow = 0; ow < w.out; ++ow) {
        const Span sw = SpanOf(w, ow);
        T sum = Reduction::template Start<T>();
        std::int64_t count = 0;
        for (std::int64_t z = sd.first; z < sd.end; z += d.dilation) {
          for (std::int64_t y = sh.first; y < sh.end; y += h.dilation) {
            const T* row = in + (z * h.in + y) * w.in;
            for (std::int64_t x = sw.first; x < sw.end; x += w.dilation, ++count) {
              sum = Reduction::Add(sum, row[x]);
            }
          }
        }
        *out++ = finish(sum, count, sd.size * sh.size * sw.size);
      }
    }
  }
}

class Pool : public DenseOperator {
 public:
  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    const Shape& x = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const Window window, attributes_.Resolve(x));
    for (const WindowAxis& axis : window) {
      // Windows over nothing but padding have no maximum and no mean.
      const std::int64_t reach = (axis.kernel - 1) * axis.dilation + 1;
      if (axis.pad_begin >= reach || axis.pad_end >= reach) {
        return MakeError(ErrorCode::kInvalidArgument, "pads {} and {} of a window of {}",
                         axis.pad_begin, axis.pad_end, reach);
      }
    }
    return context.SetOutput(0, context.dtype(0), WindowOutputShape(x, x[1], window));
  }

 protected:
  template <typename Reduction, typename T, typename Finish>
  Status Compute(const DenseContext& context, Finish&& finish) const {
    const Shape& x = context.shape(0);
    const Result<Window> window = attributes_.Resolve(x);
    if (!window.has_value()) return window.error();
    const auto& [d, h, w] = *window;
    for (std::int64_t plane = 0; plane < x[0] * x[1]; ++plane) {
      PoolPlane<Reduction, T>(context.in<T>(0) + plane * d.in * h.in * w.in, *window,
                              context.out<T>(0) + plane * d.out * h.out * w.out, finish);
    }
    return {};
  }

  WindowAttributes attributes_;
};

class MaxPool final : public Pool {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    if (args.node.outputs.size() > 1 && args.node.outputs[1] != kNoValue) {
      return MakeError(ErrorCode::kUnsupported, "output 1 (Indices)");
    }
    auto op = std::make_unique<MaxPool>();
    VISAVIS_ASSIGN_OR_RETURN(op->attributes_, WindowAttributes::Make(args.node));
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Run(const DenseContext& context) const override {
    return Visit(context.dtype(0), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return Compute<Max, T>(context, [](T sum, std::int64_t, std::int64_t) { return sum; });
    });
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(Pool::Infer(context));
    return Visit(context.dtype(0), [](auto) { return Status(); });
  }

 private:
  template <typename Fn>
  static Status Visit(DType dtype, Fn&& fn) {
    if (dtype == DType::kF32) return fn(ElementTag<float>{});
    if (dtype == DType::kF64) return fn(ElementTag<double>{});
    if (dtype == DType::kU8) return fn(ElementTag<std::uint8_t>{});
    if (dtype == DType::kI8) return fn(ElementTag<std::int8_t>{});
    return MakeError(ErrorCode::kUnsupported, "not implemented for {}", Name(dtype));
  }
};

class AveragePool final : public Pool {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<AveragePool>();
    VISAVIS_ASSIGN_OR_RETURN(op->attributes_, WindowAttributes::Make(args.node));
    op->count_include_pad_ = args.node.Int("count_include_pad", 0) != 0;
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(Pool::Infer(context));
    return RequireType(context, 0, DType::kF32);
  }

  Status Run(const DenseContext& context) const override {
    const bool all = count_include_pad_;
    return Compute<Sum, float>(context,
                               [all](float sum, std::int64_t inside, std::int64_t positions) {
                                 return sum / static_cast<float>(all ? positions : inside);
                               });
  }

 private:
  bool count_include_pad_ = false;
};

// GlobalMaxPool, GlobalAveragePool: each channel to one number.
template <typename Reduction, bool kMean>
class GlobalPool final : public DenseOperator {
 public:
  explicit GlobalPool(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(RequireType(context, 0, DType::kF32));
    const Shape& x = context.shape(0);
    if (x.rank() < 2) {
      return MakeError(ErrorCode::kInvalidArgument, "input has shape {}, want [N,C,...]",
                       x.ToString());
    }
    Shape shape = x;
    for (int axis = 2; axis < x.rank(); ++axis) {
      if (x[axis] == 0) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} is empty", x.ToString());
      }
      shape[axis] = 1;
    }
    return context.SetOutput(0, DType::kF32, std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const std::int64_t planes = context.out_shape(0).elements();
    if (planes == 0) return {};
    const std::int64_t plane = context.shape(0).elements() / planes;
    const float* in = context.in<float>(0);
    for (std::int64_t p = 0; p < planes; ++p, in += plane) {
      double sum = Reduction::template Start<double>();
      for (std::int64_t i = 0; i < plane; ++i) {
        sum = Reduction::Add(sum, static_cast<double>(in[i]));
      }
      if (kMean) sum /= static_cast<double>(plane);
      context.out<float>(0)[p] = static_cast<float>(sum);
    }
    return {};
  }
};

constexpr OperatorEntry kEntries[] = {
    {"AveragePool", 7, 21, &AveragePool::Make, "types other than float32"},
    {"GlobalAveragePool", 7, 21, &MakeOperator<GlobalPool<Sum, true>>, "types other than float32"},
    {"GlobalMaxPool", 7, 21, &MakeOperator<GlobalPool<Max, false>>, "types other than float32"},
    {"MaxPool", 7, 21, &MaxPool::Make, "Indices; float16"},
};

}  // namespace

std::span<const OperatorEntry> PoolOperators() { return kEntries; }

}  // namespace visavis
