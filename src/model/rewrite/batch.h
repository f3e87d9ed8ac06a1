// How many images a network takes at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// The name of an open batch.
inline constexpr std::string_view kOpenBatch = "N";

/// The first extent that all inputs of rank 2 and more share, if they fix it.
std::optional<std::int64_t> FixedBatch(const Graph& graph);

/// The same network for batches of `batch`: Dim{-1, "N"} or a number. Reshape targets that begin
/// with the old batch begin with 0 ("as it comes") instead.
/// Errors:  kUnsupported if an output would not follow the batch or would change another extent;
///          the output is named.
/// Threads: pure.
Result<Graph> SetBatch(Graph graph, const Dim& batch);

}  // namespace visavis
