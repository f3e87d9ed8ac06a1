// ONNX bytes -> Graph.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

/// The lowest and highest version of ONNX's operator set that is read and written.
inline constexpr int kMinOpset = 7;
inline constexpr int kMaxOpset = 21;

/// Reads a serialized ModelProto. Nodes stay as in the file, but for the repairs listed in
/// Graph::notes; initializers are constants even where the file also lists them as inputs.
/// `where` names the file in messages.
/// Errors: kCorruptData; kUnsupported (opset, subgraphs, sparse tensors, sequences, optionals,
///         local functions, external data; node or tensor named); kLimitExceeded.
Result<Graph> ImportOnnx(std::span<const std::uint8_t> bytes, std::string_view where,
                         const Limits& limits);
/// The same for bytes that nobody needs afterwards: their memory goes back to the system piece by
/// piece, so that a large file and its tensors never lie in memory side by side. They are read
/// into memory and not mapped, since a mapped file that somebody cuts short kills its readers
/// (SIGBUS).
Result<Graph> ImportOnnx(std::vector<std::uint8_t>&& bytes, std::string_view where,
                         const Limits& limits);

/// What the file says, defects included. Not every such graph can run.
struct OnnxAsIs {
  Graph graph;
  int initializers_listed_as_inputs = 0;
};
Result<OnnxAsIs> ImportOnnxAsIs(std::span<const std::uint8_t> bytes, std::string_view where,
                                const Limits& limits);

}  // namespace visavis
