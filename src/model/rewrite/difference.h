// What a rewrite has changed, for people.
#pragma once

#include <string>
#include <vector>

#include "model/graph/graph.h"

namespace visavis {

/// One line per node that is gone, new or other ("- NAME (Op)", "+ NAME (Op)", "~ NAME (Op): what")
/// and per input or output whose name or shape is other. Nodes are told apart by name, without one
/// by their first output. Threads: pure.
std::vector<std::string> Differences(const Graph& before, const Graph& after);

}  // namespace visavis
