// Max, Min, Sum and Mean of any number of inputs, broadcasting.
#include <algorithm>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

struct MaxFn {
  template <typename T>
  static T Apply(T a, T b) {
    return a > b || a != a ? a : b;
  }
};
struct MinFn {
  template <typename T>
  static T Apply(T a, T b) {
    return a < b || a != a ? a : b;
  }
};
struct SumFn {
  template <typename T>
  static T Apply(T a, T b) {
    return a + b;
  }
};

// out = Function of all inputs, one after the other; kMean divides by their number.
template <typename Function, bool kFloatsOnly, bool kMean>
class Variadic final : public DenseOperator {
 public:
  explicit Variadic(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, std::max(1, context.input_count())));
    VISAVIS_RETURN_IF_ERROR(
        VisitFloatOrNumber<kFloatsOnly>(context.dtype(0), [](auto) { return Status(); }));
    Shape shape = context.shape(0);
    for (int i = 1; i < context.input_count(); ++i) {
      VISAVIS_RETURN_IF_ERROR(RequireSameType(context, i));
      VISAVIS_ASSIGN_OR_RETURN(shape, BroadcastShape(shape, context.shape(i)));
    }
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    return VisitFloatOrNumber<kFloatsOnly>(context.dtype(0), [&](auto tag) -> Status {
      Compute<typename decltype(tag)::type>(context);
      return {};
    });
  }

 private:
  template <typename T>
  static void Compute(const DenseContext& context) {
    const Shape& shape = context.out_shape(0);
    const std::int64_t count = shape.elements();
    T* out = context.out<T>(0);
    CopyStrided(context.dtype(0), shape.dims(), BroadcastStrides(context.shape(0), shape),
                context.in<T>(0), out);
    for (int i = 1; i < context.input_count(); ++i) {
      const auto loop = NdLoop<1>::Make(shape, {BroadcastStrides(context.shape(i), shape)});
      T* sum = out;
      loop.ForEachRow([&](const std::array<std::int64_t, 1>& offsets) {
        const T* x = context.in<T>(i) + offsets[0];
        for (std::int64_t k = 0; k < loop.row_length(); ++k, ++sum) {
          *sum = static_cast<T>(Function::Apply(static_cast<Wide<T>>(*sum),
                                                static_cast<Wide<T>>(x[k * loop.row_stride(0)])));
        }
      });
    }
    if (!kMean) return;
    const auto inputs = static_cast<Wide<T>>(context.input_count());
    for (std::int64_t k = 0; k < count; ++k) {
      out[k] = static_cast<T>(static_cast<Wide<T>>(out[k]) / inputs);
    }
  }
};

constexpr OperatorEntry kEntries[] = {
    {"Max", 7, 21, &MakeOperator<Variadic<MaxFn, false, false>>, ""},
    {"Mean", 7, 21, &MakeOperator<Variadic<SumFn, true, true>>, ""},
    {"Min", 7, 21, &MakeOperator<Variadic<MinFn, false, false>>, ""},
    {"Sum", 7, 21, &MakeOperator<Variadic<SumFn, true, false>>, ""},
};

}  // namespace

std::span<const OperatorEntry> VariadicOperators() { return kEntries; }

}  // namespace visavis
