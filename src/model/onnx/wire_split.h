// Takes the weights out of a serialized ONNX model before it is parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis::onnx_format {

/// A ModelProto without the raw_data of its graph's initializers. Parsing the rest costs little,
/// and each weight is copied once, from the file into its tensor.
struct SplitModel {
  std::string without_weights;  ///< a serialized ModelProto
  /// raw_data of initializer i, borrowed from the input; absent where it has none.
  std::vector<std::optional<std::span<const std::uint8_t>>> raw_data;
};

/// Walks the protobuf wire format three messages deep (model, graph, initializer).
/// Errors:  kCorruptData when a field runs over the end of its message.
/// Threads: pure.
/// Source:  https://protobuf.dev/programming-guides/encoding; field numbers of onnx.proto.
Result<SplitModel> SplitWeights(std::span<const std::uint8_t> model, std::string_view where);

}  // namespace visavis::onnx_format
