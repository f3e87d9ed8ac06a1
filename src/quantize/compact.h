// What a file can do without: with weights of one byte it would be several per cent of a small one.
#pragma once

#include "model/graph/graph.h"

namespace visavis {

/// Leaves out attributes that say what their absence says, keeps constants of one element and equal
/// type, shape and value once, and gives all values but inputs and outputs names of a few letters.
/// Nodes keep their names. Computes the same.
void MakeCompact(Graph& graph);

}  // namespace visavis
