// Networks trained on transposed images.
#pragma once

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// The network that gives for an image what `graph` gives for the transposed image: height and
/// width change places in kernels, windows, and the columns of fully connected layers. Outputs
/// N x C x H x W come transposed too.
/// Errors:  kUnsupported at nodes for which this is not known (named), or if the extents in front
///          of a fully connected layer are unknown.
/// Threads: pure.
Result<Graph> TransposeHeightAndWidth(Graph graph);

}  // namespace visavis
