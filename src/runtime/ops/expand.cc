// Expand (broadcast to a shape) and Tile (repeat along axes).
#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

class Expand final : public DenseOperator {
 public:
  explicit Expand(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_ASSIGN_OR_RETURN(std::vector<std::int64_t> extents, context.KnownInts(1));
    VISAVIS_ASSIGN_OR_RETURN(Shape shape,
                             BroadcastShape(context.shape(0), Shape(std::move(extents))));
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& out = context.out_shape(0);
    CopyStrided(context.dtype(0), out.dims(), BroadcastStrides(context.shape(0), out),
                context.in<std::byte>(0), context.out<std::byte>(0));
    return {};
  }
};

class Tile final : public DenseOperator {
 public:
  explicit Tile(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::int64_t> repeats, context.KnownInts(1));
    const Shape& in = context.shape(0);
    if (static_cast<int>(repeats.size()) != in.rank() || 2 * in.rank() > kMaxRank) {
      return MakeError(ErrorCode::kUnsupported, "{} repeats of {}, want one per axis, at most {}",
                       repeats.size(), in.ToString(), kMaxRank / 2);
    }
    Shape out = in;
    for (int axis = 0; axis < in.rank(); ++axis) {
      if (__builtin_mul_overflow(out[axis], repeats[static_cast<std::size_t>(axis)], &out[axis])) {
        return MakeError(ErrorCode::kLimitExceeded, "axis {} becomes too long", axis);
      }
    }
    return context.SetOutput(0, context.dtype(0), std::move(out));
  }

  // As an array of twice the rank: [repeat, extent] per axis, standing still along the repeats.
  Status Run(const DenseContext& context) const override {
    const Shape& in = context.shape(0);
    const Extents dense = DenseStrides(in);
    if (in.elements() == 0) return {};
    Extents extents{};
    Extents strides{};
    for (int axis = 0; axis < in.rank(); ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      extents[2 * a] = context.out_shape(0)[axis] / in[axis];
      extents[2 * a + 1] = in[axis];
      strides[2 * a + 1] = dense[a];
    }
    CopyStrided(context.dtype(0), Dims(extents).first(static_cast<std::size_t>(2 * in.rank())),
                strides, context.in<std::byte>(0), context.out<std::byte>(0));
    return {};
  }
};

constexpr OperatorEntry kEntries[] = {
    {"Expand", 8, 21, &MakeOperator<Expand>, "a shape computed from more than shapes"},
    {"Tile", 7, 21, &MakeOperator<Tile>, "more than 4 axes"},
};

}  // namespace

std::span<const OperatorEntry> ExpandOperators() { return kEntries; }

}  // namespace visavis
