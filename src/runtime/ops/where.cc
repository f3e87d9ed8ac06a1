// Where: condition ? x : y, broadcasting.
#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

class Where final : public DenseOperator {
 public:
  explicit Where(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 3));
    VISAVIS_RETURN_IF_ERROR(RequireType(context, 0, DType::kBool));
    VISAVIS_RETURN_IF_ERROR(RequireType(context, 2, context.dtype(1)));
    VISAVIS_ASSIGN_OR_RETURN(const Shape values,
                             BroadcastShape(context.shape(1), context.shape(2)));
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, BroadcastShape(context.shape(0), values));
    return context.SetOutput(0, context.dtype(1), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.out_shape(0);
    const auto loop = NdLoop<3>::Make(shape, {BroadcastStrides(context.shape(0), shape),
                                              BroadcastStrides(context.shape(1), shape),
                                              BroadcastStrides(context.shape(2), shape)});
    VisitBits(context.dtype(1), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T* out = context.out<T>(0);
      loop.ForEachRow([&](const std::array<std::int64_t, 3>& offsets) {
        const Bool* condition = context.in<Bool>(0) + offsets[0];
        const T* x = context.in<T>(1) + offsets[1];
        const T* y = context.in<T>(2) + offsets[2];
        for (std::int64_t i = 0; i < loop.row_length(); ++i) {
          *out++ = condition[i * loop.row_stride(0)] ? x[i * loop.row_stride(1)]
                                                     : y[i * loop.row_stride(2)];
        }
      });
    });
    return {};
  }
};

constexpr OperatorEntry kEntries[] = {{"Where", 9, 21, &MakeOperator<Where>, ""}};

}  // namespace

std::span<const OperatorEntry> WhereOperators() { return kEntries; }

}  // namespace visavis
