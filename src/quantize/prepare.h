// A float network as quantization wants it.
#pragma once

#include <optional>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// How pixel values 0..255 become numbers of the network's input: (pixel - mean) * scale.
struct PixelGrid {
  double mean = 0;
  double scale = 1;
};

/// The same network at operator set 13 or newer (11 or newer for `for_qoperator`): constants
/// folded, affine maps behind convolutions and fully connected layers folded into them, Gemm
/// weights [out][in].
/// Errors: kUnsupported for operators that changed their meaning on the way, by name;
///         kInvalidArgument for weights that are not finite, and for networks that are quantized
///         already or have no layer to quantize.
Result<Graph> PrepareForQuantization(const Graph& graph, bool for_qoperator);

/// Makes the first layer read whole multiples of one step, so that 8 bits hold pixels exactly: the
/// mean that the network subtracts becomes a whole number (127.5 -> 128), and the layer's bias
/// makes up for it. In the zero padding of that layer the difference, half a grey level, remains.
/// Returns the grid as the first layer then sees it; nothing, and the graph as it was, if the
/// network does not begin with one layer behind scalar affine maps.
std::optional<PixelGrid> CentrePixels(Graph& graph, const PixelGrid& input);

}  // namespace visavis
