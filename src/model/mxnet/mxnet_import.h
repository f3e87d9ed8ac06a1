// MXNet symbol + params -> Graph.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

/// Builds the graph of an MXNet network, at ONNX opset 13. Batch is the symbol "N"; the channels of
/// each input come from its first weights; height and width are those the first fully connected
/// layer fits, else "height" and "width". A training head (nodes fc7*) is cut off behind "fc1".
/// `symbol` and `params` are the bytes of the two files, `symbol_path` and `params_path` their
/// names for messages.
/// Errors: kCorruptData, kUnsupported, kLimitExceeded; messages name file and node.
Result<Graph> ImportMxnet(std::span<const std::uint8_t> symbol, std::string_view symbol_path,
                          std::span<const std::uint8_t> params, std::string_view params_path,
                          const Limits& limits);

}  // namespace visavis
