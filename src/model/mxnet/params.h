// The weights of MXNet: `*.params`, a list of named NDArrays.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "visavis/limits.h"
#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis::mxnet {

/// Tensors by name, without the prefix "arg:" or "aux:".
using Params = std::map<std::string, std::shared_ptr<const Tensor>, std::less<>>;

/// Reads a .params file of any MXNet version (docs/formats/mxnet.md). float16, bfloat16 and float64
/// become float32; integers stay.
/// Errors: kCorruptData, kUnsupported (sparse arrays), kLimitExceeded; sizes are checked against
///         the bytes present before allocation.
Result<Params> ParseParams(std::span<const std::uint8_t> bytes, std::string_view where,
                           const Limits& limits);

}  // namespace visavis::mxnet
