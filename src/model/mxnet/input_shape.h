// Shapes of network inputs, which MXNet's files do not state.
#pragma once

#include "model/graph/graph.h"

namespace visavis::mxnet {

/// Declares the shape of every input of `graph` from the weights behind it: N x C x H x W, or
/// N x K in front of a fully connected layer.
void DeclareInputShapes(Graph& graph);

}  // namespace visavis::mxnet
