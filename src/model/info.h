// What `visavis model info` says about a graph.
#pragma once

#include <map>
#include <string>

#include "model/graph/graph.h"
#include "visavis/model.h"

namespace visavis {

/// All of ModelInfo that follows from the graph; format, file_bytes and sha256 stay empty.
ModelInfo InfoOf(const Graph& graph, const std::map<std::string, Shape>& input_shapes);

}  // namespace visavis
