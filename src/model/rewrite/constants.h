// What a network computes from constants alone, without arithmetic.
#pragma once

#include "model/graph/graph.h"

namespace visavis {

/// Constant nodes, and Reshape, Flatten, Squeeze and Unsqueeze of constants, become constants.
Graph FoldPlainConstants(Graph graph);

/// Casts of float16 and bfloat16 constants to float32 become float32 constants; `count`, if given,
/// receives how many.
Graph WidenConstants(Graph graph, int* count = nullptr);

}  // namespace visavis
