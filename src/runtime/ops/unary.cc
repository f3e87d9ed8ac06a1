// Elementwise functions of one input.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

enum class Domain { kFloats, kNumbers, kBools };

// Function: constructible from a Node, callable on Wide<T>, with a `kDomain`.
template <typename Function>
class Unary final : public DenseOperator {
 public:
  explicit Unary(const OperatorArgs& args) : function_(args.node) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(Visit(context.dtype(0), [](auto) { return Status(); }));
    return context.SetOutput(0, context.dtype(0), context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    const std::int64_t count = context.shape(0).elements();
    return Visit(context.dtype(0), [&](auto tag) -> Status {
      using T = typename decltype(tag)::type;
      const T* in = context.in<T>(0);
      T* out = context.out<T>(0);
      for (std::int64_t i = 0; i < count; ++i) {
        out[i] = static_cast<T>(function_(static_cast<Wide<T>>(in[i])));
      }
      return {};
    });
  }

  bool may_overwrite(int i) const override { return i == 0; }

 private:
  template <typename Fn>
  static Status Visit(DType dtype, Fn&& fn) {
    if constexpr (Function::kDomain == Domain::kFloats) return VisitFloat(dtype, fn);
    if constexpr (Function::kDomain == Domain::kNumbers) return VisitNumber(dtype, fn);
    if constexpr (Function::kDomain == Domain::kBools) {
      if (dtype == DType::kBool) return fn(ElementTag<Bool>{});
      return MakeError(ErrorCode::kInvalidArgument, "input 0 is {}, want bool", Name(dtype));
    }
  }

  Function function_;
};

template <Domain domain = Domain::kFloats>
struct Plain {
  static constexpr Domain kDomain = domain;
  Plain() = default;
  explicit Plain(const Node&) {}
};

// Integers wrap around as unsigned ones do: -INT_MIN is defined.
template <typename T>
T Negated(T x) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(x));
  } else {
    return -x;
  }
}

struct ReluFn : Plain<Domain::kNumbers> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return x < T(0) ? T(0) : x;  // NaN stays NaN
  }
};
struct NegFn : Plain<Domain::kNumbers> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return Negated(x);
  }
};
struct AbsFn : Plain<Domain::kNumbers> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::abs(x);
    } else {
      return x < T(0) ? Negated(x) : x;
    }
  }
};
struct SignFn : Plain<Domain::kNumbers> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return static_cast<T>((x > T(0)) - (x < T(0)));
  }
};
struct NotFn : Plain<Domain::kBools> {
  using Plain::Plain;
  bool operator()(bool x) const { return !x; }
};

struct LeakyReluFn : Plain<> {
  explicit LeakyReluFn(const Node& node) : alpha(node.Float("alpha", 0.01f)) {}
  template <typename T>
  T operator()(T x) const {
    return x < T(0) ? T(alpha) * x : x;
  }
  float alpha;
};
struct ThresholdedReluFn : Plain<> {
  explicit ThresholdedReluFn(const Node& node) : alpha(node.Float("alpha", 1.0f)) {}
  template <typename T>
  T operator()(T x) const {
    return x > T(alpha) ? x : T(0);
  }
  float alpha;
};
struct EluFn : Plain<> {
  explicit EluFn(const Node& node) : alpha(node.Float("alpha", 1.0f)) {}
  template <typename T>
  T operator()(T x) const {
    return x < T(0) ? T(alpha) * std::expm1(x) : x;
  }
  float alpha;
};
struct SeluFn : Plain<> {
  explicit SeluFn(const Node& node)
      : alpha(node.Float("alpha", 1.67326319217681884765625f)),
        gamma(node.Float("gamma", 1.05070102214813232421875f)) {}
  template <typename T>
  T operator()(T x) const {
    return T(gamma) * (x > T(0) ? x : T(alpha) * std::expm1(x));
  }
  float alpha;
  float gamma;
};
struct SigmoidFn : Plain<> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return T(1) / (T(1) + std::exp(-x));
  }
};
struct HardSigmoidFn : Plain<> {
  explicit HardSigmoidFn(const Node& node)
      : alpha(node.Float("alpha", 0.2f)), beta(node.Float("beta", 0.5f)) {}
  template <typename T>
  T operator()(T x) const {
    return std::max(T(0), std::min(T(1), T(alpha) * x + T(beta)));
  }
  float alpha;
  float beta;
};
struct HardSwishFn : Plain<> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return x * std::max(T(0), std::min(T(1), x * (T(1) / T(6)) + T(0.5)));
  }
};
struct SoftplusFn : Plain<> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
  }
};
struct SoftsignFn : Plain<> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return x / (T(1) + std::abs(x));
  }
};
struct RoundFn : Plain<> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return std::nearbyint(x);  // halves to even, as the default rounding mode
  }
};
struct ReciprocalFn : Plain<> {
  using Plain::Plain;
  template <typename T>
  T operator()(T x) const {
    return T(1) / x;
  }
};

#define VISAVIS_UNARY_MATH(name, function) \
  struct name : Plain<> {                  \
    using Plain::Plain;                    \
    template <typename T>                  \
    T operator()(T x) const {              \
      return std::function(x);             \
    }                                      \
  }
VISAVIS_UNARY_MATH(CeilFn, ceil);
VISAVIS_UNARY_MATH(CosFn, cos);
VISAVIS_UNARY_MATH(ErfFn, erf);
VISAVIS_UNARY_MATH(ExpFn, exp);
VISAVIS_UNARY_MATH(FloorFn, floor);
VISAVIS_UNARY_MATH(LogFn, log);
VISAVIS_UNARY_MATH(SinFn, sin);
VISAVIS_UNARY_MATH(SqrtFn, sqrt);
VISAVIS_UNARY_MATH(TanhFn, tanh);
#undef VISAVIS_UNARY_MATH

constexpr OperatorEntry kEntries[] = {
    {"Abs", 7, 21, &MakeOperator<Unary<AbsFn>>, ""},
    {"Ceil", 7, 21, &MakeOperator<Unary<CeilFn>>, ""},
    {"Cos", 7, 21, &MakeOperator<Unary<CosFn>>, ""},
    {"Elu", 7, 21, &MakeOperator<Unary<EluFn>>, ""},
    {"Erf", 9, 21, &MakeOperator<Unary<ErfFn>>, ""},
    {"Exp", 7, 21, &MakeOperator<Unary<ExpFn>>, ""},
    {"Floor", 7, 21, &MakeOperator<Unary<FloorFn>>, ""},
    {"HardSigmoid", 7, 21, &MakeOperator<Unary<HardSigmoidFn>>, ""},
    {"HardSwish", 14, 21, &MakeOperator<Unary<HardSwishFn>>, ""},
    {"LeakyRelu", 7, 21, &MakeOperator<Unary<LeakyReluFn>>, ""},
    {"Log", 7, 21, &MakeOperator<Unary<LogFn>>, ""},
    {"Neg", 7, 21, &MakeOperator<Unary<NegFn>>, ""},
    {"Not", 7, 21, &MakeOperator<Unary<NotFn>>, ""},
    {"Reciprocal", 7, 21, &MakeOperator<Unary<ReciprocalFn>>, ""},
    {"Relu", 7, 21, &MakeOperator<Unary<ReluFn>>, ""},
    {"Round", 11, 21, &MakeOperator<Unary<RoundFn>>, ""},
    {"Selu", 7, 21, &MakeOperator<Unary<SeluFn>>, ""},
    {"Sigmoid", 7, 21, &MakeOperator<Unary<SigmoidFn>>, ""},
    {"Sign", 9, 21, &MakeOperator<Unary<SignFn>>, ""},
    {"Sin", 7, 21, &MakeOperator<Unary<SinFn>>, ""},
    {"Softplus", 7, 21, &MakeOperator<Unary<SoftplusFn>>, ""},
    {"Softsign", 7, 21, &MakeOperator<Unary<SoftsignFn>>, ""},
    {"Sqrt", 7, 21, &MakeOperator<Unary<SqrtFn>>, ""},
    {"Tanh", 7, 21, &MakeOperator<Unary<TanhFn>>, ""},
    {"ThresholdedRelu", 10, 21, &MakeOperator<Unary<ThresholdedReluFn>>, ""},
};

}  // namespace

std::span<const OperatorEntry> UnaryOperators() { return kEntries; }

}  // namespace visavis
