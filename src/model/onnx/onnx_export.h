// Graph -> ONNX bytes.
#pragma once

#include <string>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// Serializes a ModelProto that the official checker accepts: nodes as they are, constants as
/// initializers (not as inputs), missing or repeated value names made unique, types and shapes of
/// outputs inferred where they are not declared.
/// Errors:  kUnsupported if an output's type or rank is unknown; kLimitExceeded over 2 GB.
/// Threads: pure.
Result<std::string> ExportOnnx(const Graph& graph);

}  // namespace visavis
