#include "model/onnx/attribute_types.h"

#include <map>

namespace visavis::onnx_format {

std::optional<onnx::AttributeProto::AttributeType> AttributeTypeOf(const std::string& op_type,
                                                                   const std::string& name) {
  using Type = onnx::AttributeProto;
  // The one name here that means something else to different operators.
  if (name == "value") return op_type == "Pad" ? Type::FLOAT : Type::TENSOR;

  static const std::map<std::string, Type::AttributeType> kTypes{
      {"allowzero", Type::INT},
      {"alpha", Type::FLOAT},
      {"antialias", Type::INT},
      {"auto_pad", Type::STRING},
      {"axes", Type::INTS},
      {"axis", Type::INT},
      {"beta", Type::FLOAT},
      {"block_size", Type::INT},
      {"ceil_mode", Type::INT},
      {"channels_last", Type::INT},
      {"coordinate_transformation_mode", Type::STRING},
      {"count_include_pad", Type::INT},
      {"cubic_coeff_a", Type::FLOAT},
      {"dilations", Type::INTS},
      {"end", Type::INT},
      {"ends", Type::INTS},
      {"epsilon", Type::FLOAT},
      {"exclude_outside", Type::INT},
      {"extrapolation_value", Type::FLOAT},
      {"gamma", Type::FLOAT},
      {"group", Type::INT},
      {"keep_aspect_ratio_policy", Type::STRING},
      {"keepdims", Type::INT},
      {"kernel_shape", Type::INTS},
      {"max", Type::FLOAT},
      {"min", Type::FLOAT},
      {"mode", Type::STRING},
      {"nearest_mode", Type::STRING},
      {"noop_with_empty_axes", Type::INT},
      {"num_outputs", Type::INT},
      {"output_dtype", Type::INT},
      {"p", Type::INT},
      {"pads", Type::INTS},
      {"perm", Type::INTS},
      {"saturate", Type::INT},
      {"scales", Type::FLOATS},
      {"spatial", Type::INT},
      {"split", Type::INTS},
      {"start", Type::INT},
      {"starts", Type::INTS},
      {"storage_order", Type::INT},
      {"strides", Type::INTS},
      {"to", Type::INT},
      {"training_mode", Type::INT},
      {"transA", Type::INT},
      {"transB", Type::INT},
      {"value_float", Type::FLOAT},
      {"value_floats", Type::FLOATS},
      {"value_int", Type::INT},
      {"value_ints", Type::INTS},
  };
  const auto it = kTypes.find(name);
  return it == kTypes.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace visavis::onnx_format
