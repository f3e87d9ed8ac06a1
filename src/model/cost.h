// Parameters and operations of a network, counted by the Open Model Zoo's convention.
#pragma once

#include <map>
#include <string>

#include "model/graph/graph.h"
#include "visavis/tensor.h"

namespace visavis {

struct NetworkCost {
  double stored_parameters = 0;  ///< elements of all constants
  double parameters = 0;
  double multiply_adds = 0;  ///< of convolutions and matrix products; 0 if a shape is unknown
  double flops = 0;          ///< 0 if a shape is unknown
};

/// Counts for one image. A BatchNormalization right behind a convolution or matrix product counts
/// as folded into it: its layer then has one bias per output channel. Parameters are weights,
/// biases, PReLU slopes, two per channel of every BatchNormalization left, and other constants of
/// more than one element that meet data. FLOPs are 2 per multiply-add, 1 per output of a layer with
/// bias, 2 per element of PReLU and of a BatchNormalization left, 1 per element read by a pooling
/// window and per output of every other elementwise operator.
/// `input_shapes`, by name, stand in for extents the graph leaves open; an open batch is 1.
/// Source: reproduces the published 24.2115 GFLOPs and 65.1320 M parameters of
///         face-recognition-resnet100-arcface-onnx.
NetworkCost CostOf(const Graph& graph, const std::map<std::string, Shape>& input_shapes);

}  // namespace visavis
