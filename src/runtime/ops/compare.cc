// Comparisons and logic of two inputs, broadcasting, with bool results.
#include <functional>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

template <typename Function, bool kLogic>
class Compare final : public DenseOperator {
 public:
  explicit Compare(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_RETURN_IF_ERROR(RequireSameType(context, 1));
    if (kLogic) VISAVIS_RETURN_IF_ERROR(RequireType(context, 0, DType::kBool));
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, BroadcastShape(context.shape(0), context.shape(1)));
    return context.SetOutput(0, DType::kBool, std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.out_shape(0);
    const auto loop = NdLoop<2>::Make(shape, {BroadcastStrides(context.shape(0), shape),
                                              BroadcastStrides(context.shape(1), shape)});
    return VisitElement(context.dtype(0), [&](auto tag) -> Status {
      using T = typename decltype(tag)::type;
      Bool* out = context.out<Bool>(0);
      loop.ForEachRow([&](const std::array<std::int64_t, 2>& offsets) {
        const T* a = context.in<T>(0) + offsets[0];
        const T* b = context.in<T>(1) + offsets[1];
        for (std::int64_t i = 0; i < loop.row_length(); ++i) {
          const auto x = static_cast<Wide<T>>(a[i * loop.row_stride(0)]);
          const auto y = static_cast<Wide<T>>(b[i * loop.row_stride(1)]);
          *out++ = Bool(static_cast<bool>(Function()(x, y)));
        }
      });
      return {};
    });
  }
};

template <typename Function>
constexpr OperatorFactory kComparison = &MakeOperator<Compare<Function, false>>;
template <typename Function>
constexpr OperatorFactory kLogic = &MakeOperator<Compare<Function, true>>;

constexpr OperatorEntry kEntries[] = {
    {"And", 7, 21, kLogic<std::logical_and<>>, ""},
    {"Equal", 7, 21, kComparison<std::equal_to<>>, "strings"},
    {"Greater", 7, 21, kComparison<std::greater<>>, ""},
    {"GreaterOrEqual", 12, 21, kComparison<std::greater_equal<>>, ""},
    {"Less", 7, 21, kComparison<std::less<>>, ""},
    {"LessOrEqual", 12, 21, kComparison<std::less_equal<>>, ""},
    {"Or", 7, 21, kLogic<std::logical_or<>>, ""},
    {"Xor", 7, 21, kLogic<std::not_equal_to<>>, ""},
};

}  // namespace

std::span<const OperatorEntry> CompareOperators() { return kEntries; }

}  // namespace visavis
