// PRelu: x < 0 ? slope * x : x, the slope broadcast to x.
#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

class Prelu final : public DenseOperator {
 public:
  explicit Prelu(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_RETURN_IF_ERROR(RequireSameType(context, 1));
    VISAVIS_RETURN_IF_ERROR(VisitFloat(context.dtype(0), [](auto) { return Status(); }));
    const Shape& shape = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const Shape together, BroadcastShape(shape, context.shape(1)));
    if (together != shape) {
      return MakeError(ErrorCode::kInvalidArgument, "slope {} does not broadcast to {}",
                       context.shape(1).ToString(), shape.ToString());
    }
    return context.SetOutput(0, context.dtype(0), shape);
  }

  Status Run(const DenseContext& context) const override {
    const Shape& shape = context.out_shape(0);
    const auto loop =
        NdLoop<2>::Make(shape, {DenseStrides(shape), BroadcastStrides(context.shape(1), shape)});
    return VisitFloat(context.dtype(0), [&](auto tag) -> Status {
      using T = typename decltype(tag)::type;
      T* out = context.out<T>(0);
      loop.ForEachRow([&](const std::array<std::int64_t, 2>& offsets) {
        const T* x = context.in<T>(0) + offsets[0];
        const T* slope = context.in<T>(1) + offsets[1];
        for (std::int64_t i = 0; i < loop.row_length(); ++i) {
          const Wide<T> value = x[i];
          const Wide<T> scaled = value * static_cast<Wide<T>>(slope[i * loop.row_stride(1)]);
          *out++ = static_cast<T>(value < 0 ? scaled : value);
        }
      });
      return {};
    });
  }

  bool may_overwrite(int i) const override { return i == 0; }
};

constexpr OperatorEntry kEntries[] = {{"PRelu", 7, 21, &MakeOperator<Prelu>, "integers"}};

}  // namespace

std::span<const OperatorEntry> PreluOperators() { return kEntries; }

}  // namespace visavis
