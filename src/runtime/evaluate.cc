#include "runtime/evaluate.h"

#include <utility>

namespace visavis {

Result<std::vector<Tensor>> Evaluate(const Operator& op, std::span<const Tensor* const> inputs,
                                     std::size_t outputs, const Limits& limits,
                                     std::size_t max_bytes) {
  NodeTypes types;
  types.inputs.resize(inputs.size());
  types.input_storage.resize(inputs.size());
  std::vector<InferContext::Input> infer_inputs(inputs.size());
  std::vector<const void*> data(inputs.size(), nullptr);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] == nullptr) continue;
    types.inputs[i] = TensorType{inputs[i]->dtype(), inputs[i]->shape()};
    types.input_storage[i].dtype = inputs[i]->dtype();
    types.input_storage[i].bytes = inputs[i]->size_bytes();
    infer_inputs[i] = {&types.inputs[i], &types.input_storage[i], inputs[i], nullptr};
    data[i] = inputs[i]->raw();
  }
  std::vector<InferContext::Output> infer_outputs(outputs);
  InferContext context(infer_inputs, infer_outputs, limits, 1);
  VISAVIS_RETURN_IF_ERROR(InferOutputs(op, context));

  types.integers = context.TakeIntegers();
  types.floats = context.TakeFloats();
  std::size_t bytes = context.scratch_bytes();
  for (InferContext::Output& output : infer_outputs) {
    bytes += output.storage.bytes;
    types.outputs.push_back(std::move(output.type));
    types.output_storage.push_back(output.storage);
  }
  if (bytes > max_bytes) {
    return MakeError(ErrorCode::kLimitExceeded, "result needs {} bytes, want at most {}", bytes,
                     max_bytes);
  }
  return RunOnce(op, types, data, context.scratch_bytes());
}

Result<std::vector<Tensor>> RunOnce(const Operator& op, const NodeTypes& types,
                                    std::span<const void* const> inputs,
                                    std::size_t scratch_bytes) {
  const auto at = [](const void* data) {
    Location location;
    location.fixed = static_cast<const std::byte*>(data);
    return location;
  };
  std::vector<Location> input_locations;
  for (const void* data : inputs) input_locations.push_back(at(data));
  std::vector<Tensor> results;
  std::vector<Location> output_locations;
  for (const TensorType& type : types.outputs) {
    results.emplace_back(type.dtype, type.shape);
    output_locations.push_back(at(results.back().raw()));
  }
  const Tensor scratch(DType::kU8, Shape{static_cast<std::int64_t>(scratch_bytes)});
  const Location scratch_location = at(scratch.raw());
  const std::unique_ptr<Step> step = op.MakeStep(types);
  VISAVIS_RETURN_IF_ERROR(step->Run(StepContext(
      nullptr, input_locations.data(), output_locations.data(), scratch_location, nullptr)));
  return results;
}

}  // namespace visavis
