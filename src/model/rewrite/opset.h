// The same network at another version of ONNX's operator set.
#pragma once

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// `graph` at operator set `opset` (kMinOpset to kMaxOpset), up or down: attributes become inputs
/// and inputs attributes, semantics that changed (Softmax until 12) are spelled out with more
/// nodes, operators that do not exist yet (HardSwish, CastLike) are taken apart. Nodes of other
/// domains stay as they are. Errors:  kInvalidArgument for an opset out of range; kUnsupported
/// where a node cannot be said at
///          `opset`: the node and the reason are named.
/// Threads: pure.
/// Source:  onnx/onnx, docs/Changelog.md.
Result<Graph> ChangeOpset(Graph graph, int opset);

}  // namespace visavis
