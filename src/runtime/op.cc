#include "runtime/op.h"

#include <utility>

#include "base/check.h"
#include "tensor/convert.h"

namespace visavis {
namespace {

class DenseStep final : public Step {
 public:
  DenseStep(const DenseOperator& op, const NodeTypes& types) : op_(op), types_(types) {}

  Status Run(const StepContext& context) const override {
    return op_.Run(DenseContext(context, types_));
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = "dense";
    info.algorithm = op_.algorithm();
    info.flops = op_.Flops(types_);
    return info;
  }

 private:
  const DenseOperator& op_;
  const NodeTypes& types_;
};

template <typename To, typename From>
std::vector<To> Converted(const Tensor& tensor) {
  std::vector<To> result;
  for (const From x : tensor.data<From>()) result.push_back(static_cast<To>(x));
  return result;
}

}  // namespace

std::unique_ptr<Step> DenseOperator::MakeStep(const NodeTypes& types) const {
  return std::make_unique<DenseStep>(*this, types);
}

Status InferOutputs(const Operator& op, InferContext& context) {
  VISAVIS_RETURN_IF_ERROR(op.Infer(context));
  for (int i = 0; i < context.output_count(); ++i) {
    if (!context.is_set(i)) {
      return MakeError(ErrorCode::kUnsupported, "output {} is not implemented", i);
    }
  }
  return {};
}

const Tensor* InferContext::known(int i) const {
  if (!has(i)) return nullptr;
  const Input& in = At(i);
  if (in.value != nullptr && in.value_used != nullptr) *in.value_used = true;
  return in.value;
}

Result<std::vector<std::int64_t>> InferContext::KnownInts(int i) const {
  const Tensor* value = known(i);
  if (value == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "input {} must be known before running (a constant or shape arithmetic)", i);
  }
  if (value->dtype() == DType::kI64) return Converted<std::int64_t, std::int64_t>(*value);
  if (value->dtype() == DType::kI32) return Converted<std::int64_t, std::int32_t>(*value);
  return MakeError(ErrorCode::kInvalidArgument, "input {} is {}, want int64 or int32", i,
                   Name(value->dtype()));
}

Result<std::vector<float>> InferContext::KnownFloats(int i) const {
  const Tensor* value = known(i);
  if (value == nullptr) {
    return MakeError(ErrorCode::kUnsupported,
                     "input {} must be known before running (a constant or shape arithmetic)", i);
  }
  if (!IsFloat(value->dtype())) {
    return MakeError(ErrorCode::kInvalidArgument, "input {} is {}, want a float type", i,
                     Name(value->dtype()));
  }
  return Converted<float, float>(ToFloat32(*value));
}

Status InferContext::SetOutput(int i, DType dtype, Shape shape) {
  VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                           CheckedElements(shape, limits_.tensor_elements));
  Storage storage;
  storage.dtype = dtype;
  storage.bytes = static_cast<std::size_t>(elements) * SizeOf(dtype);
  return SetOutput(i, dtype, std::move(shape), storage);
}

Status InferContext::SetOutput(int i, DType dtype, Shape shape, const Storage& storage) {
  if (i >= output_count()) return {};  // a trailing optional output that nobody names
  if (shape.rank() > kMaxRank) {
    return MakeError(ErrorCode::kUnsupported, "output {} has rank {}, want at most {}", i,
                     shape.rank(), kMaxRank);
  }
  VISAVIS_RETURN_IF_ERROR(CheckedElements(shape, limits_.tensor_elements));
  Output& output = outputs_[static_cast<std::size_t>(i)];
  output.type = TensorType{dtype, std::move(shape)};
  output.storage = storage;
  output.set = true;
  return {};
}

}  // namespace visavis
