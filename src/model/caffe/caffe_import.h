// Caffe .prototxt + .caffemodel -> Graph.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

/// Builds the graph of a Caffe network at ONNX opset 13: `network` is the text of the .prototxt,
/// which says what runs; `weights` are the bytes of the .caffemodel, whose layers give their blobs
/// to the layers of the same name. Batch is the symbol "N"; height and width are those of the file,
/// or open ("height", "width") in networks without fully connected layers. Outputs are the blobs
/// that no layer reads, in the order in which they are made. Layers for training (include phase
/// TRAIN) are left out.
/// Errors: kCorruptData, kUnsupported, kLimitExceeded; messages name file and layer.
Result<Graph> ImportCaffe(std::span<const std::uint8_t> network, std::string_view network_path,
                          std::span<const std::uint8_t> weights, std::string_view weights_path,
                          const Limits& limits);

}  // namespace visavis
