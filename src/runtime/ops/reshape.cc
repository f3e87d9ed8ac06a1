// Operators that only rename the axes of their input: no step is made for them.
#include <algorithm>
#include <cstring>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

// Output 0 is input 0 under the shape that NewShape gives.
class View : public DenseOperator {
 public:
  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, NewShape(context));
    VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                             CheckedElements(shape, context.limits().tensor_elements));
    if (elements != context.shape(0).elements()) {
      return MakeError(ErrorCode::kInvalidArgument, "{} does not have the elements of {}",
                       shape.ToString(), context.shape(0).ToString());
    }
    return context.SetOutput(0, context.dtype(0), std::move(shape));
  }

  // Only constants are ever copied; a plan shares the memory instead.
  Status Run(const DenseContext& context) const override {
    const std::size_t bytes =
        static_cast<std::size_t>(context.shape(0).elements()) * SizeOf(context.dtype(0));
    if (bytes > 0) {
      std::memcpy(context.out<std::byte>(0), context.in<std::byte>(0), bytes);
    }
    return {};
  }

  bool is_view() const override { return true; }

 protected:
  virtual Result<Shape> NewShape(const InferContext& context) const = 0;
};

class Identity final : public View {
 public:
  explicit Identity(const OperatorArgs&) {}
  Result<Shape> NewShape(const InferContext& context) const override { return context.shape(0); }
};

class Reshape final : public View {
 public:
  explicit Reshape(const OperatorArgs& args) : allow_zero_(args.node.Int("allowzero", 0) != 0) {}

  Result<Shape> NewShape(const InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    VISAVIS_ASSIGN_OR_RETURN(std::vector<std::int64_t> extents, context.KnownInts(1));
    const Shape& in = context.shape(0);
    std::int64_t product = 1;
    std::int64_t* inferred = nullptr;
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (extents[i] == 0 && !allow_zero_) {
        if (static_cast<int>(i) >= in.rank()) return Bad(extents, in);
        extents[i] = in[static_cast<int>(i)];
      }
      if (extents[i] == -1 && inferred == nullptr) {
        inferred = &extents[i];
        continue;
      }
      if (extents[i] < 0 || __builtin_mul_overflow(product, extents[i], &product)) {
        return Bad(extents, in);
      }
    }
    if (inferred != nullptr) {
      if (product == 0 || in.elements() % product != 0) return Bad(extents, in);
      *inferred = in.elements() / product;
    }
    return Shape(std::move(extents));
  }

 private:
  static Error Bad(const std::vector<std::int64_t>& extents, const Shape& in) {
    return MakeError(ErrorCode::kInvalidArgument, "{} cannot become {}", in.ToString(),
                     Shape(extents).ToString());
  }

  bool allow_zero_;
};

class Flatten final : public View {
 public:
  explicit Flatten(const OperatorArgs& args) : axis_(args.node.Int("axis", 1)) {}

  Result<Shape> NewShape(const InferContext& context) const override {
    const Shape& in = context.shape(0);
    if (axis_ < -in.rank() || axis_ > in.rank()) {
      return MakeError(ErrorCode::kInvalidArgument, "axis {} for rank {}", axis_, in.rank());
    }
    const int axis = static_cast<int>(axis_ < 0 ? axis_ + in.rank() : axis_);
    Shape out{1, 1};
    for (int i = 0; i < in.rank(); ++i) out[i < axis ? 0 : 1] *= in[i];
    return out;
  }

 private:
  std::int64_t axis_;
};

class Squeeze final : public View {
 public:
  explicit Squeeze(const OperatorArgs& args) : axes_(IntsFrom::Make(args.node, "axes", 1)) {}

  Result<Shape> NewShape(const InferContext& context) const override {
    const Shape& in = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const auto given, axes_.Get(context));
    std::vector<int> axes;
    if (given.has_value()) {
      VISAVIS_ASSIGN_OR_RETURN(axes, NormalizedAxes(*given, in.rank()));
    } else {
      for (int axis = 0; axis < in.rank(); ++axis) {
        if (in[axis] == 1) axes.push_back(axis);
      }
    }
    std::vector<std::int64_t> out;
    for (int axis = 0; axis < in.rank(); ++axis) {
      const bool dropped = std::ranges::find(axes, axis) != axes.end();
      if (!dropped) out.push_back(in[axis]);
      if (dropped && in[axis] != 1) {
        return MakeError(ErrorCode::kInvalidArgument, "axis {} of {} is not 1", axis,
                         in.ToString());
      }
    }
    return Shape(std::move(out));
  }

 private:
  IntsFrom axes_;
};

class Unsqueeze final : public View {
 public:
  explicit Unsqueeze(const OperatorArgs& args) : axes_(IntsFrom::Make(args.node, "axes", 1)) {}

  Result<Shape> NewShape(const InferContext& context) const override {
    const Shape& in = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const auto given, axes_.Get(context));
    if (!given.has_value()) return MakeError(ErrorCode::kInvalidArgument, "axes are missing");
    if (given->size() > static_cast<std::size_t>(kMaxRank)) {
      return MakeError(ErrorCode::kUnsupported, "{} axes, want at most {}", given->size(),
                       kMaxRank);
    }
    const int rank = in.rank() + static_cast<int>(given->size());
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> axes, NormalizedAxes(*given, rank));
    std::vector<std::int64_t> out;
    int next = 0;
    for (int axis = 0; axis < rank; ++axis) {
      const bool added = std::ranges::find(axes, axis) != axes.end();
      out.push_back(added ? 1 : in[next++]);
    }
    return Shape(std::move(out));
  }

 private:
  IntsFrom axes_;
};

// Inference only: the output is the input, and every element is kept.
class Dropout final : public View {
 public:
  explicit Dropout(const OperatorArgs&) {}

  Status Infer(InferContext& context) const override {
    if (context.has(2)) {
      const Tensor* training = context.known(2);
      const bool off = training != nullptr && training->dtype() == DType::kBool &&
                       training->elements() == 1 &&
                       *static_cast<const std::uint8_t*>(training->raw()) == 0;
      if (!off) return MakeError(ErrorCode::kUnsupported, "training_mode 1");
    }
    return View::Infer(context);
  }

  Result<Shape> NewShape(const InferContext& context) const override { return context.shape(0); }

  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    if (args.node.outputs.size() > 1 && args.node.outputs[1] != kNoValue) {
      return MakeError(ErrorCode::kUnsupported, "output 1 (mask)");
    }
    return MakeOperator<Dropout>(args);
  }
};

constexpr OperatorEntry kEntries[] = {
    {"Dropout", 7, 21, &Dropout::Make, "training; mask"},
    {"Flatten", 7, 21, &MakeOperator<Flatten>, ""},
    {"Identity", 7, 21, &MakeOperator<Identity>, "sequences"},
    {"Reshape", 7, 21, &MakeOperator<Reshape>, "a shape computed from more than shapes"},
    {"Squeeze", 7, 21, &MakeOperator<Squeeze>, ""},
    {"Unsqueeze", 7, 21, &MakeOperator<Unsqueeze>, ""},
};

}  // namespace

std::span<const OperatorEntry> ReshapeOperators() { return kEntries; }

}  // namespace visavis
