// Slice: starts, ends, axes, steps as attributes before operator set 10 and as inputs since.
#include <algorithm>
#include <array>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

struct Range {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t length = 0;
};

// The indices start, start + step, ... before `end`, cut to an axis of `extent`.
Result<Range> CutRange(std::int64_t start, std::int64_t end, std::int64_t step,
                       std::int64_t extent) {
  if (step == 0) return MakeError(ErrorCode::kInvalidArgument, "a step is 0");
  // Steps beyond the axis reach one element at most; cutting them keeps sums inside 64 bits.
  step = std::clamp<std::int64_t>(step, -extent - 1, extent + 1);
  if (start < 0) start = std::max(start, -extent - 1) + extent;
  if (end < 0) end = std::max(end, -extent - 1) + extent;
  Range range;
  range.step = step;
  if (step > 0) {
    range.start = std::clamp<std::int64_t>(start, 0, extent);
    const std::int64_t stop = std::clamp<std::int64_t>(end, 0, extent);
    range.length = std::max<std::int64_t>(0, (stop - range.start + step - 1) / step);
  } else {
    range.start = std::clamp<std::int64_t>(start, -1, extent - 1);
    const std::int64_t stop = std::clamp<std::int64_t>(end, -1, extent - 1);
    range.length = std::max<std::int64_t>(0, (range.start - stop - step - 1) / -step);
  }
  if (range.length == 0) range.start = 0;
  return range;
}

class Slice final : public DenseOperator {
 public:
  explicit Slice(const OperatorArgs& args)
      : starts_(IntsFrom::Make(args.node, "starts", 1)),
        ends_(IntsFrom::Make(args.node, "ends", 2)),
        axes_(IntsFrom::Make(args.node, "axes", 3)),
        steps_(IntsFrom::Make(args.node, "steps", 4)) {}

  // Parameters: the start of every axis, then the step of every axis.
  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    const Shape& in = context.shape(0);
    const auto rank = static_cast<std::size_t>(in.rank());
    VISAVIS_ASSIGN_OR_RETURN(const auto starts, starts_.Get(context));
    VISAVIS_ASSIGN_OR_RETURN(const auto ends, ends_.Get(context));
    VISAVIS_ASSIGN_OR_RETURN(const auto steps, steps_.Get(context));
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> axes, Axes(context, starts));
    const bool counts_fit = starts.has_value() && ends.has_value() &&
                            starts->size() == axes.size() && ends->size() == axes.size() &&
                            (!steps.has_value() || steps->size() == axes.size());
    if (!counts_fit) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "starts, ends, axes and steps differ in length or are missing");
    }
    Shape out = in;
    std::vector<std::int64_t> parameters(2 * rank, 0);
    std::fill(parameters.begin() + in.rank(), parameters.end(), 1);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const int axis = axes[i];
      VISAVIS_ASSIGN_OR_RETURN(
          const Range range,
          CutRange((*starts)[i], (*ends)[i], steps.has_value() ? (*steps)[i] : 1, in[axis]));
      out[axis] = range.length;
      parameters[static_cast<std::size_t>(axis)] = range.start;
      parameters[rank + static_cast<std::size_t>(axis)] = range.step;
    }
    context.SetParameters(std::move(parameters));
    return context.SetOutput(0, context.dtype(0), std::move(out));
  }

  Status Run(const DenseContext& context) const override {
    const Shape& in = context.shape(0);
    if (context.out_shape(0).elements() == 0) return {};
    const auto rank = static_cast<std::size_t>(in.rank());
    Extents strides = DenseStrides(in);
    std::int64_t start = 0;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      start += context.integers()[axis] * strides[axis];
      strides[axis] *= context.integers()[rank + axis];
    }
    const std::byte* first =
        context.in<std::byte>(0) + static_cast<std::size_t>(start) * SizeOf(context.dtype(0));
    CopyStrided(context.dtype(0), context.out_shape(0).dims(), strides, first,
                context.out<std::byte>(0));
    return {};
  }

 private:
  // Without axes, the first ones.
  Result<std::vector<int>> Axes(const InferContext& context,
                                const std::optional<std::vector<std::int64_t>>& starts) const {
    VISAVIS_ASSIGN_OR_RETURN(auto axes, axes_.Get(context));
    if (!axes.has_value()) {
      axes.emplace();
      for (std::size_t i = 0; starts.has_value() && i < starts->size(); ++i) {
        axes->push_back(static_cast<std::int64_t>(i));
      }
    }
    return NormalizedAxes(*axes, context.shape(0).rank());
  }

  IntsFrom starts_;
  IntsFrom ends_;
  IntsFrom axes_;
  IntsFrom steps_;
};

constexpr OperatorEntry kEntries[] = {{"Slice", 7, 21, &MakeOperator<Slice>, ""}};

}  // namespace

std::span<const OperatorEntry> SliceOperators() { return kEntries; }

}  // namespace visavis
