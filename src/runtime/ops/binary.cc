// Elementwise arithmetic of two inputs, broadcasting.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

// Signed integers wrap around: computed as unsigned ones at least as wide as int.
template <typename T>
using Wrapping = std::common_type_t<std::make_unsigned_t<T>, unsigned>;

struct AddFn {
  static constexpr bool kDivides = false;
  template <typename T>
  static T Apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<Wrapping<T>>(a) + static_cast<Wrapping<T>>(b));
    } else {
      return a + b;
    }
  }
};
struct SubFn {
  static constexpr bool kDivides = false;
  template <typename T>
  static T Apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<Wrapping<T>>(a) - static_cast<Wrapping<T>>(b));
    } else {
      return a - b;
    }
  }
};
struct MulFn {
  static constexpr bool kDivides = false;
  template <typename T>
  static T Apply(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<Wrapping<T>>(a) * static_cast<Wrapping<T>>(b));
    } else {
      return a * b;
    }
  }
};
struct DivFn {
  static constexpr bool kDivides = true;
  template <typename T>
  static T Apply(T a, T b) {
    if constexpr (std::is_signed_v<T> && std::is_integral_v<T>) {
      // INT_MIN / -1 overflows; negation wraps.
      if (b == T(-1)) return SubFn::Apply(T(0), a);
    }
    return static_cast<T>(a / b);
  }
};

// out[i] = Function::Apply(a[i * a_stride], b[i * b_stride]); strides are 0 or 1 except when axes
// are permuted, which they never are here.
template <typename Function, typename T>
void ApplyRow(const T* a, std::int64_t a_stride, const T* b, std::int64_t b_stride, T* out,
              std::int64_t length) {
  const auto apply = [](T x, T y) {
    return static_cast<T>(Function::Apply(static_cast<Wide<T>>(x), static_cast<Wide<T>>(y)));
  };
  if (a_stride != 0 && b_stride != 0) {
    for (std::int64_t i = 0; i < length; ++i) out[i] = apply(a[i], b[i]);
  } else if (a_stride != 0) {
    const T y = *b;
    for (std::int64_t i = 0; i < length; ++i) out[i] = apply(a[i], y);
  } else if (b_stride != 0) {
    const T x = *a;
    for (std::int64_t i = 0; i < length; ++i) out[i] = apply(x, b[i]);
  } else {
    std::fill(out, out + length, apply(*a, *b));
  }
}

template <typename Function>
class Binary final : public DenseOperator {
 public:
  explicit Binary(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_RETURN_IF_ERROR(RequireSameType(context, 1));
    VISAVIS_RETURN_IF_ERROR(VisitNumber(context.dtype(0), [](auto) { return Status(); }));
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, BroadcastShape(context.shape(0), context.shape(1)));
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.out_shape(0);
    const auto loop = NdLoop<2>::Make(shape, {BroadcastStrides(context.shape(0), shape),
                                              BroadcastStrides(context.shape(1), shape)});
    return VisitNumber(context.dtype(0), [&](auto tag) -> Status {
      using T = typename decltype(tag)::type;
      const T* a = context.in<T>(0);
      const T* b = context.in<T>(1);
      if constexpr (Function::kDivides && std::is_integral_v<T>) {
        const T* end = b + context.shape(1).elements();
        if (std::find(b, end, T(0)) != end) {
          return MakeError(ErrorCode::kInvalidArgument, "integer division by 0");
        }
      }
      T* out = context.out<T>(0);
      loop.ForEachRow([&](const std::array<std::int64_t, 2>& offsets) {
        ApplyRow<Function>(a + offsets[0], loop.row_stride(0), b + offsets[1], loop.row_stride(1),
                           out, loop.row_length());
        out += loop.row_length();
      });
      return {};
    });
  }

  bool may_overwrite(int) const override { return true; }
};

// The exponent may have a type of its own; the result has the base's.
class Pow final : public DenseOperator {
 public:
  explicit Pow(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    for (const int i : {0, 1}) {
      VISAVIS_RETURN_IF_ERROR(VisitNumber(context.dtype(i), [](auto) { return Status(); }));
    }
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, BroadcastShape(context.shape(0), context.shape(1)));
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    return VisitNumber(context.dtype(0), [&](auto base) {
      return VisitNumber(context.dtype(1), [&](auto exponent) -> Status {
        Compute<typename decltype(base)::type, typename decltype(exponent)::type>(context);
        return {};
      });
    });
  }

 private:
  template <typename T, typename U>
  static void Compute(const DenseContext& context) {
    const Shape& shape = context.out_shape(0);
    const auto loop = NdLoop<2>::Make(shape, {BroadcastStrides(context.shape(0), shape),
                                              BroadcastStrides(context.shape(1), shape)});
    T* out = context.out<T>(0);
    loop.ForEachRow([&](const std::array<std::int64_t, 2>& offsets) {
      const T* a = context.in<T>(0) + offsets[0];
      const U* b = context.in<U>(1) + offsets[1];
      for (std::int64_t i = 0; i < loop.row_length(); ++i) {
        const auto x = static_cast<double>(a[i * loop.row_stride(0)]);
        const auto y = static_cast<double>(b[i * loop.row_stride(1)]);
        *out++ = ConvertElement<T>(std::pow(x, y));
      }
    });
  }
};

constexpr OperatorEntry kEntries[] = {
    {"Add", 7, 21, &MakeOperator<Binary<AddFn>>, ""},
    {"Div", 7, 21, &MakeOperator<Binary<DivFn>>, "integer division by 0"},
    {"Mul", 7, 21, &MakeOperator<Binary<MulFn>>, ""},
    {"Pow", 7, 21, &MakeOperator<Pow>, ""},
    {"Sub", 7, 21, &MakeOperator<Binary<SubFn>>, ""},
};

}  // namespace

std::span<const OperatorEntry> BinaryOperators() { return kEntries; }

}  // namespace visavis
