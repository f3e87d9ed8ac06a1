// Rewrites of a network's weights and of what it gives out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// Folds each BatchNormalization (and per-channel Add, Sub, Mul, Div) behind a Conv or Gemm into
/// its weights, and each one before a Conv that does not pad. `folded`, if given, receives the
/// names of nodes that went.
/// Threads: pure.
Graph FoldBatchNorm(Graph graph, std::vector<std::string>* folded = nullptr);

/// Stores float32 constants of rank 2 and more as `half` (kF16 or kBF16), each behind a Cast to
/// float32: half the file, float32 arithmetic on rounded weights. Constants that float16 cannot
/// hold (beyond 65504) stay. `stored` and `kept`, if given, receive the names. Errors: kUnsupported
/// for kBF16 below opset 13.
Result<Graph> StoreWeightsAs(Graph graph, DType half, std::vector<std::string>* stored = nullptr,
                             std::vector<std::string>* kept = nullptr);

/// The part of the network that computes `names`: values, or nodes by name (their first output).
/// Errors: kNotFound names the value and some that exist; kInvalidArgument for a constant or input.
Result<Graph> CutAt(Graph graph, const std::vector<std::string>& names);

}  // namespace visavis
