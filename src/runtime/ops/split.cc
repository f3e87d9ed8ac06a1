// Split along one axis: equal parts, or the lengths in attribute or input `split`.
#include <cstring>
#include <numeric>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class Split final : public DenseOperator {
 public:
  explicit Split(const OperatorArgs& args)
      : axis_(args.node.Int("axis", 0)), split_(IntsFrom::Make(args.node, "split", 1)) {
    if (args.node.Has("num_outputs")) num_outputs_ = args.node.Int("num_outputs", 0);
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    const Shape& in = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const int axis, NormalizedAxis(axis_, in.rank()));
    VISAVIS_ASSIGN_OR_RETURN(auto lengths, split_.Get(context));
    const std::int64_t parts = context.output_count();
    if (num_outputs_.has_value() && *num_outputs_ != parts) {
      return MakeError(ErrorCode::kInvalidArgument, "num_outputs is {}, but there are {} outputs",
                       *num_outputs_, parts);
    }
    if (!lengths.has_value()) {
      // Equal parts; since num_outputs exists the last one may be shorter.
      const std::int64_t each = parts == 0 ? 0 : (in[axis] + parts - 1) / parts;
      const std::int64_t last = in[axis] - each * (parts - 1);
      if (last < 0 || (last != each && !num_outputs_.has_value())) {
        return MakeError(ErrorCode::kInvalidArgument, "{} does not split into {} equal parts",
                         in[axis], parts);
      }
      lengths.emplace(static_cast<std::size_t>(parts), each);
      if (parts > 0) lengths->back() = last;
    }
    VISAVIS_RETURN_IF_ERROR(CheckLengths(*lengths, parts, in[axis]));
    for (int i = 0; i < context.output_count(); ++i) {
      Shape shape = in;
      shape[axis] = (*lengths)[static_cast<std::size_t>(i)];
      VISAVIS_RETURN_IF_ERROR(context.SetOutput(i, context.dtype(0), std::move(shape)));
    }
    return {};
  }

  Status Run(const DenseContext& context) const override {
    const Shape& in = context.shape(0);
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + in.rank() : axis_);
    std::int64_t outer = 1;
    std::size_t inner_bytes = SizeOf(context.dtype(0));
    for (int k = 0; k < axis; ++k) outer *= in[k];
    for (int k = axis + 1; k < in.rank(); ++k) inner_bytes *= static_cast<std::size_t>(in[k]);
    const std::byte* from = context.in<std::byte>(0);
    for (std::int64_t o = 0; o < outer; ++o) {
      for (int i = 0; i < context.output_count(); ++i) {
        const std::size_t bytes =
            static_cast<std::size_t>(context.out_shape(i)[axis]) * inner_bytes;
        if (bytes > 0 && context.out<std::byte>(i) != nullptr) {
          std::memcpy(context.out<std::byte>(i) + static_cast<std::size_t>(o) * bytes, from, bytes);
        }
        from += bytes;
      }
    }
    return {};
  }

 private:
  static Status CheckLengths(const std::vector<std::int64_t>& lengths, std::int64_t parts,
                             std::int64_t whole) {
    std::int64_t sum = 0;
    bool good = static_cast<std::int64_t>(lengths.size()) == parts;
    for (const std::int64_t length : lengths) {
      good = good && length >= 0 && length <= whole - sum;
      if (!good) break;
      sum += length;
    }
    if (good && sum == whole) return {};
    return MakeError(ErrorCode::kInvalidArgument, "{} lengths do not split {} into {} outputs",
                     lengths.size(), whole, parts);
  }

  std::int64_t axis_;
  IntsFrom split_;
  std::optional<std::int64_t> num_outputs_;
};

constexpr OperatorEntry kEntries[] = {{"Split", 7, 21, &MakeOperator<Split>, ""}};

}  // namespace

std::span<const OperatorEntry> SplitOperators() { return kEntries; }

}  // namespace visavis
