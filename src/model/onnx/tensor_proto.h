// TensorProto <-> Tensor.
#pragma once

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "visavis/limits.h"
#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis::onnx_format {

/// Told of bytes of raw data that have been copied and are not read again.
using RawCopied = std::function<void(std::span<const std::uint8_t> bytes)>;

/// The tensor's elements, from `raw_data` when present, else from the proto's own fields.
/// `where` names file and tensor in messages; `copied` hears of a few MB of raw data at a time.
/// Errors: kUnsupported (external data, segments, element type), kCorruptData (data that do not
///         fill the shape), kLimitExceeded.
Result<Tensor> ReadTensor(
    const onnx::TensorProto& proto, std::optional<std::span<const std::uint8_t>> raw_data,
    std::string_view where, const Limits& limits, const RawCopied& copied = [](auto) {});

/// Elements as raw_data.
void WriteTensor(const Tensor& tensor, const std::string& name, onnx::TensorProto& proto);

}  // namespace visavis::onnx_format
