// Inputs for models of which only the file is known.
#pragma once

#include <vector>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"
#include "visavis/tensor.h"

namespace visavis {

/// Extents where a model leaves them open.
struct OpenExtents {
  int batch = 1;
  int width = 640;
  int height = 480;
};

/// Float inputs of whole values 0..255 that are the same in every call: pixels, as far as a network
/// can tell. The first extent becomes the batch, whatever the file says (most files say 1 and take
/// any); open ones of an N x C x H x W input become 3, height and width.
/// Errors:  kInvalidArgument if another extent is open; kUnsupported for inputs that are not
///          float32 or declare no shape; kLimitExceeded.
Result<std::vector<Tensor>> MakePixelInputs(const Graph& graph, const OpenExtents& open,
                                            const Limits& limits = {});

}  // namespace visavis
