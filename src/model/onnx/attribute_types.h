// Which type ONNX gives each attribute that visavis reads.
#pragma once

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <optional>
#include <string>

namespace visavis::onnx_format {

/// The type of attribute `name` of ONNX's own operator `op_type`; nothing for names that no
/// operator here reads. Source: ONNX's Operators.md and Changelog.md, operator sets 7 and later.
std::optional<onnx::AttributeProto::AttributeType> AttributeTypeOf(const std::string& op_type,
                                                                   const std::string& name);

}  // namespace visavis::onnx_format
