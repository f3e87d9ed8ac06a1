// Gather: slices of one axis, picked by an array of indices.
#include <cstring>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class Gather final : public DenseOperator {
 public:
  explicit Gather(const OperatorArgs& args) : axis_(args.node.Int("axis", 0)) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    const Shape& in = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const int axis, NormalizedAxis(axis_, in.rank()));
    if (context.dtype(1) != DType::kI64) {
      VISAVIS_RETURN_IF_ERROR(RequireType(context, 1, DType::kI32));
    }
    std::vector<std::int64_t> out(in.dims().begin(), in.dims().begin() + axis);
    out.insert(out.end(), context.shape(1).dims().begin(), context.shape(1).dims().end());
    out.insert(out.end(), in.dims().begin() + axis + 1, in.dims().end());
    return context.SetOutput(0, context.dtype(0), Shape(std::move(out)));
  }

  Status Run(const DenseContext& context) const override {
    return context.dtype(1) == DType::kI64 ? Pick<std::int64_t>(context)
                                           : Pick<std::int32_t>(context);
  }

 private:
  template <typename Index>
  Status Pick(const DenseContext& context) const {
    const Shape& in = context.shape(0);
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + in.rank() : axis_);
    const std::int64_t extent = in[axis];
    std::int64_t outer = 1;
    std::size_t bytes = SizeOf(context.dtype(0));
    for (int k = 0; k < axis; ++k) outer *= in[k];
    for (int k = axis + 1; k < in.rank(); ++k) bytes *= static_cast<std::size_t>(in[k]);
    const std::int64_t count = context.shape(1).elements();
    const Index* indices = context.in<Index>(1);
    std::byte* to = context.out<std::byte>(0);
    for (std::int64_t o = 0; o < outer; ++o) {
      for (std::int64_t i = 0; i < count; ++i, to += bytes) {
        const std::int64_t index = indices[i] < 0 ? indices[i] + extent : indices[i];
        if (index < 0 || index >= extent) {
          return MakeError(ErrorCode::kInvalidArgument, "index {} for an axis of {}", indices[i],
                           extent);
        }
        if (bytes > 0) {
          std::memcpy(
              to, context.in<std::byte>(0) + static_cast<std::size_t>(o * extent + index) * bytes,
              bytes);
        }
      }
    }
    return {};
  }

  std::int64_t axis_;
};

constexpr OperatorEntry kEntries[] = {{"Gather", 7, 21, &MakeOperator<Gather>, ""}};

}  // namespace

std::span<const OperatorEntry> GatherOperators() { return kEntries; }

}  // namespace visavis
