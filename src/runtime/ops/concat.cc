// Concat along one axis.
#include <cstring>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class Concat final : public DenseOperator {
 public:
  explicit Concat(const OperatorArgs& args) : axis_(args.node.Int("axis", 1)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, std::max(1, context.input_count())));
    Shape shape = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const int axis, NormalizedAxis(axis_, shape.rank()));
    for (int i = 1; i < context.input_count(); ++i) {
      VISAVIS_RETURN_IF_ERROR(RequireSameType(context, i));
      const Shape& other = context.shape(i);
      bool fits = other.rank() == shape.rank();
      for (int k = 0; fits && k < shape.rank(); ++k) fits = k == axis || other[k] == shape[k];
      if (!fits) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} of shape {} does not continue {}",
                         i, other.ToString(), shape.ToString());
      }
      shape[axis] += other[axis];
    }
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& out = context.out_shape(0);
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + out.rank() : axis_);
    std::int64_t outer = 1;
    std::size_t inner_bytes = SizeOf(context.dtype(0));
    for (int k = 0; k < axis; ++k) outer *= out[k];
    for (int k = axis + 1; k < out.rank(); ++k) inner_bytes *= static_cast<std::size_t>(out[k]);
    std::byte* to = context.out<std::byte>(0);
    for (std::int64_t o = 0; o < outer; ++o) {
      for (int i = 0; i < context.input_count(); ++i) {
        const std::size_t bytes = static_cast<std::size_t>(context.shape(i)[axis]) * inner_bytes;
        if (bytes == 0) continue;
        std::memcpy(to, context.in<std::byte>(i) + static_cast<std::size_t>(o) * bytes, bytes);
        to += bytes;
      }
    }
    return {};
  }

 private:
  std::int64_t axis_;
};

constexpr OperatorEntry kEntries[] = {{"Concat", 7, 21, &MakeOperator<Concat>, ""}};

}  // namespace

std::span<const OperatorEntry> ConcatOperators() { return kEntries; }

}  // namespace visavis
