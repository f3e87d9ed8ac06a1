// Pad: constant, reflect or edge; negative pads cut.
#include <algorithm>
#include <cstring>
#include <string>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

enum class PadMode { kConstant, kReflect, kEdge };

constexpr std::int64_t kOutside = -1;

// The input index behind output index `o`, or kOutside.
std::int64_t SourceIndex(PadMode mode, std::int64_t o, std::int64_t begin, std::int64_t extent) {
  std::int64_t i = o - begin;
  if (i >= 0 && i < extent) return i;
  if (mode == PadMode::kConstant) return kOutside;
  if (mode == PadMode::kEdge) return std::clamp<std::int64_t>(i, 0, extent - 1);
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

class Pad final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<Pad>();
    const std::string mode = args.node.String("mode", "constant");
    if (mode == "reflect") {
      op->mode_ = PadMode::kReflect;
    } else if (mode == "edge") {
      op->mode_ = PadMode::kEdge;
    } else if (mode != "constant") {
      return MakeError(ErrorCode::kUnsupported, "mode '{}'", mode);
    }
    op->pads_ = IntsFrom::Make(args.node, "pads", 1);
    op->value_ = args.node.Float("value", 0);
    return std::unique_ptr<Operator>(std::move(op));
  }

  // Parameters: the pad in front of each axis.
  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    const Shape& in = context.shape(0);
    const auto rank = static_cast<std::size_t>(in.rank());
    VISAVIS_ASSIGN_OR_RETURN(const auto pads, pads_.Get(context));
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> axes, Axes(context));
    if (!pads.has_value() || pads->size() != 2 * axes.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "want {} pads", 2 * axes.size());
    }
    if (context.has(2)) {
      VISAVIS_RETURN_IF_ERROR(RequireSameType(context, 2));
      if (context.shape(2).elements() != 1) {
        return MakeError(ErrorCode::kInvalidArgument, "constant_value has shape {}, want a scalar",
                         context.shape(2).ToString());
      }
    } else {
      VISAVIS_RETURN_IF_ERROR(VisitElement(context.dtype(0), [](auto) { return Status(); }));
    }
    Shape out = in;
    std::vector<std::int64_t> begins(rank, 0);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::int64_t begin = (*pads)[i];
      const std::int64_t end = (*pads)[i + axes.size()];
      VISAVIS_RETURN_IF_ERROR(CheckPads(begin, end, in[axes[i]]));
      out[axes[i]] += begin + end;
      begins[static_cast<std::size_t>(axes[i])] = begin;
    }
    context.SetParameters(std::move(begins));
    return context.SetOutput(0, context.dtype(0), std::move(out));
  }

  Status Run(const DenseContext& context) const override {
    std::uint64_t value = 0;
    if (context.has(2)) {
      std::memcpy(&value, context.in<std::byte>(2), SizeOf(context.dtype(0)));
    } else {
      VISAVIS_RETURN_IF_ERROR(VisitElement(context.dtype(0), [&](auto tag) -> Status {
        using T = typename decltype(tag)::type;
        const T converted = ConvertElement<T>(value_);
        std::memcpy(&value, &converted, sizeof(T));
        return {};
      }));
    }
    VisitBits(context.dtype(0), [&](auto tag) {
      using T = typename decltype(tag)::type;
      T constant;
      std::memcpy(&constant, &value, sizeof(T));
      Fill(context, constant);
    });
    return {};
  }

 private:
  // Mirrored parts must lie inside the input, and every output index must come from somewhere.
  Status CheckPads(std::int64_t begin, std::int64_t end, std::int64_t extent) const {
    constexpr std::int64_t kLargest = 1 << 30;
    const std::int64_t longest = mode_ == PadMode::kReflect               ? extent - 1
                                 : mode_ == PadMode::kEdge && extent == 0 ? 0
                                                                          : kLargest;
    const bool good = begin >= -extent && end >= -extent && begin <= longest && end <= longest &&
                      extent + begin + end >= 0;
    if (good) return {};
    return MakeError(ErrorCode::kInvalidArgument, "pads {} and {} around an axis of {}", begin, end,
                     extent);
  }

  static Result<std::vector<int>> Axes(const InferContext& context) {
    const int rank = context.shape(0).rank();
    if (context.has(3)) {
      VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::int64_t> axes, context.KnownInts(3));
      return NormalizedAxes(axes, rank);
    }
    std::vector<int> all;
    for (int axis = 0; axis < rank; ++axis) all.push_back(axis);
    return all;
  }

  template <typename T>
  void Fill(const DenseContext& context, T constant) const {
    const Shape& in = context.shape(0);
    const Shape& shape = context.out_shape(0);
    T* out = context.out<T>(0);
    const T* from = context.in<T>(0);
    if (shape.rank() == 0) {
      *out = *from;
      return;
    }
    const Extents strides = DenseStrides(in);
    const int last = shape.rank() - 1;
    const std::int64_t length = shape[last];
    const std::int64_t rows = length == 0 ? 0 : shape.elements() / length;
    for (std::int64_t row = 0; row < rows; ++row, out += length) {
      std::int64_t offset = 0;
      std::int64_t rest = row;
      for (int axis = last - 1; axis >= 0 && offset != kOutside; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        const std::int64_t source =
            SourceIndex(mode_, rest % shape[axis], context.integers()[a], in[axis]);
        offset = source == kOutside ? kOutside : offset + source * strides[a];
        rest /= shape[axis];
      }
      for (std::int64_t i = 0; i < length; ++i) {
        const std::int64_t source =
            SourceIndex(mode_, i, context.integers()[static_cast<std::size_t>(last)], in[last]);
        out[i] = offset == kOutside || source == kOutside ? constant : from[offset + source];
      }
    }
  }

  PadMode mode_ = PadMode::kConstant;
  IntsFrom pads_;
  float value_ = 0;
};

constexpr OperatorEntry kEntries[] = {
    {"Pad", 7, 21, &Pad::Make, "mode wrap; mirrored parts longer than the input"}};

}  // namespace

std::span<const OperatorEntry> PadOperators() { return kEntries; }

}  // namespace visavis
