// Transpose: output axis k is input axis perm[k].
#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

class Transpose final : public DenseOperator {
 public:
  explicit Transpose(const OperatorArgs& args) {
    if (const std::vector<std::int64_t>* perm = args.node.Ints("perm")) perm_ = *perm;
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    const Shape& in = context.shape(0);
    if (perm_.has_value()) {
      VISAVIS_RETURN_IF_ERROR(NormalizedAxes(*perm_, in.rank()));
      if (static_cast<int>(perm_->size()) != in.rank()) {
        return MakeError(ErrorCode::kInvalidArgument, "perm has {} entries for rank {}",
                         perm_->size(), in.rank());
      }
    }
    std::vector<std::int64_t> out;
    for (int axis = 0; axis < in.rank(); ++axis) out.push_back(in[InputAxis(axis, in.rank())]);
    return context.SetOutput(0, context.dtype(0), Shape(std::move(out)));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& in = context.shape(0);
    const Extents dense = DenseStrides(in);
    Extents strides{};
    for (int axis = 0; axis < in.rank(); ++axis) {
      strides[static_cast<std::size_t>(axis)] =
          dense[static_cast<std::size_t>(InputAxis(axis, in.rank()))];
    }
    CopyStrided(context.dtype(0), context.out_shape(0).dims(), strides, context.in<std::byte>(0),
                context.out<std::byte>(0));
    return {};
  }

 private:
  int InputAxis(int axis, int rank) const {
    if (!perm_.has_value()) return rank - 1 - axis;
    const std::int64_t p = (*perm_)[static_cast<std::size_t>(axis)];
    return static_cast<int>(p < 0 ? p + rank : p);
  }

  std::optional<std::vector<std::int64_t>> perm_;
};

constexpr OperatorEntry kEntries[] = {{"Transpose", 7, 21, &MakeOperator<Transpose>, ""}};

}  // namespace

std::span<const OperatorEntry> TransposeOperators() { return kEntries; }

}  // namespace visavis
