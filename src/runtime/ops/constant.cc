// Constant and ConstantOfShape.
#include <algorithm>
#include <cstring>
#include <string_view>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

Result<std::shared_ptr<const Tensor>> ConstantValue(const Node& node) {
  const auto tensor = [](Tensor t) { return std::make_shared<const Tensor>(std::move(t)); };
  for (const auto& [name, attribute] : node.attributes) {
    if (const auto* value = std::get_if<std::shared_ptr<const Tensor>>(&attribute)) {
      if (name == "value" && *value != nullptr) return *value;
    } else if (const auto* ints = std::get_if<std::vector<std::int64_t>>(&attribute)) {
      if (name == "value_ints") {
        return tensor(Tensor::From<std::int64_t>({static_cast<std::int64_t>(ints->size())}, *ints));
      }
    } else if (const auto* floats = std::get_if<std::vector<float>>(&attribute)) {
      if (name == "value_floats") {
        return tensor(Tensor::From<float>({static_cast<std::int64_t>(floats->size())}, *floats));
      }
    } else if (const auto* i = std::get_if<std::int64_t>(&attribute)) {
      if (name == "value_int") return tensor(Tensor::From<std::int64_t>({}, {i, 1}));
    } else if (const auto* f = std::get_if<float>(&attribute)) {
      if (name == "value_float") return tensor(Tensor::From<float>({}, {f, 1}));
    }
  }
  return MakeError(ErrorCode::kUnsupported, "no value, value_int(s) or value_float(s)");
}

class Constant final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<Constant>();
    VISAVIS_ASSIGN_OR_RETURN(op->value_, ConstantValue(args.node));
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    return context.SetOutput(0, value_->dtype(), value_->shape());
  }

  Status Run(const DenseContext& context) const override {
    if (value_->size_bytes() > 0) {
      std::memcpy(context.out<std::byte>(0), value_->raw(), value_->size_bytes());
    }
    return {};
  }

 private:
  std::shared_ptr<const Tensor> value_;
};

class ConstantOfShape final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<ConstantOfShape>();
    if (const Tensor* value = args.node.TensorAttribute("value")) {
      if (value->elements() != 1) {
        return MakeError(ErrorCode::kCorruptData, "value has {} elements, want 1",
                         value->elements());
      }
      op->value_ = value->Clone();
    }
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_ASSIGN_OR_RETURN(std::vector<std::int64_t> extents, context.KnownInts(0));
    return context.SetOutput(0, value_.dtype(), Shape(std::move(extents)));
  }

  Status Run(const DenseContext& context) const override {
    VisitBits(value_.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::fill_n(context.out<T>(0), context.out_shape(0).elements(),
                  *static_cast<const T*>(value_.raw()));
    });
    return {};
  }

 private:
  Tensor value_{DType::kF32, Shape{1}};
};

constexpr OperatorEntry kEntries[] = {
    {"Constant", 7, 21, &Constant::Make, "strings, sparse tensors"},
    {"ConstantOfShape", 9, 21, &ConstantOfShape::Make, "a shape computed from more than shapes"},
};

}  // namespace

std::span<const OperatorEntry> ConstantOperators() { return kEntries; }

}  // namespace visavis
