// A model as other programs like it best.
#pragma once

#include "model/graph/graph.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

/// The same network without what inference does not need: Identity and Dropout are gone, Constant
/// nodes and reshaped constants are initializers, nodes and constants that nothing reads are left
/// out. An input whose batch is fixed at one image gets the open batch "N" where no shape inside
/// the network depends on it.
/// Errors: kInternal only.
Result<Graph> CleanGraph(const Graph& graph);

/// CleanGraph as a model that SaveOnnx can write.
Result<Model> Clean(const Model& model);

}  // namespace visavis
