// Softmax and LogSoftmax: over all axes from `axis` on before operator set 13, over one axis since.
#include <algorithm>
#include <cmath>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

template <bool kLog>
class Softmax final : public DenseOperator {
 public:
  explicit Softmax(const OperatorArgs& args)
      : one_axis_(args.opset() >= 13), axis_(args.node.Int("axis", args.opset() >= 13 ? -1 : 1)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(VisitFloat(context.dtype(0), [](auto) { return Status(); }));
    // As a shape of two axes, `axis` may also stand behind the last one.
    const int rank = context.shape(0).rank();
    if (!(axis_ == rank && !one_axis_)) {
      VISAVIS_RETURN_IF_ERROR(NormalizedAxis(axis_, std::max(rank, 1)));
    }
    return context.SetOutput(0, context.dtype(0), context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.shape(0);
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + std::max(shape.rank(), 1) : axis_);
    std::int64_t outer = 1;
    std::int64_t length = 1;
    std::int64_t inner = 1;
    for (int i = 0; i < shape.rank(); ++i) {
      (i < axis ? outer : i == axis || !one_axis_ ? length : inner) *= shape[i];
    }
    return VisitFloat(context.dtype(0), [&](auto tag) -> Status {
      using T = typename decltype(tag)::type;
      for (std::int64_t o = 0; o < outer; ++o) {
        for (std::int64_t i = 0; i < inner; ++i) {
          const std::int64_t start = o * length * inner + i;
          Normalize(context.in<T>(0) + start, length, inner, context.out<T>(0) + start);
        }
      }
      return {};
    });
  }

  bool may_overwrite(int i) const override { return i == 0; }

 private:
  template <typename T>
  static void Normalize(const T* in, std::int64_t length, std::int64_t stride, T* out) {
    using W = Wide<T>;
    if (length == 0) return;
    // Without the largest value the exponentials could overflow.
    W largest = in[0];
    for (std::int64_t k = 1; k < length; ++k) {
      largest = std::max(largest, static_cast<W>(in[k * stride]));
    }
    double sum = 0;
    for (std::int64_t k = 0; k < length; ++k) {
      const W shifted = static_cast<W>(in[k * stride]) - largest;
      const W power = std::exp(shifted);
      sum += power;
      out[k * stride] = static_cast<T>(kLog ? shifted : power);
    }
    const auto log_sum = static_cast<W>(std::log(sum));
    const auto scale = static_cast<W>(1 / sum);
    for (std::int64_t k = 0; k < length; ++k) {
      const W x = out[k * stride];
      out[k * stride] = static_cast<T>(kLog ? x - log_sum : x * scale);
    }
  }

  bool one_axis_;
  std::int64_t axis_;
};

constexpr OperatorEntry kEntries[] = {
    {"LogSoftmax", 7, 21, &MakeOperator<Softmax<true>>, ""},
    {"Softmax", 7, 21, &MakeOperator<Softmax<false>>, ""},
};

}  // namespace

std::span<const OperatorEntry> SoftmaxOperators() { return kEntries; }

}  // namespace visavis
