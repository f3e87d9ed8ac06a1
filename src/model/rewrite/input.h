// What a network does with its input before its first layer: channel order and normalisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis {

/// Where channels are reversed.
enum class ReverseBy : std::uint8_t {
  kGather,   ///< a Gather in front: the numbers afterwards are the original's, bit for bit
  kWeights,  ///< the weights of the first layers: no more work, sums are added in another order
};

/// The same network for inputs [N,C,...] whose C channels come in reverse (BGR for RGB). An even
/// count of groups of three (MTCNN's LNet: 15) is reversed within each group of three.
/// Errors:  kUnsupported if the network has not one input with a known number of channels, a
///          multiple of 3; with kWeights also where a path from the input reaches something other
///          than a convolution or a map that is the same for all channels; the node is named.
/// Threads: pure.
Result<Graph> ReverseInputChannels(Graph graph, ReverseBy by);

/// y = (x - mean) * scale, each one number or one per channel.
struct InputNormalization {
  std::vector<double> mean{0};
  std::vector<double> scale{1};
};

/// Puts a Sub and a Mul in front of the network (each only if it does something).
/// Errors: kInvalidArgument if there are not as many numbers as channels (or one), or one is not
///         finite; kUnsupported if the network has not one float32 input of rank 4.
Result<Graph> PutNormalizationIn(Graph graph, const InputNormalization& normalization);

/// The per-channel map that the nodes behind the input compute, if there is one.
std::optional<InputNormalization> NormalizationIn(const Graph& graph);

/// Takes the map of NormalizationIn out: the caller has to normalise, as `taken` says.
/// Errors: kUnsupported if there is none, or the input is read elsewhere too.
Result<Graph> TakeNormalizationOut(Graph graph, InputNormalization* taken);

/// Folds the map of NormalizationIn into the convolution behind it. A convolution that pads gets
/// the pixel value that normalises to 0 from a Pad node, so that its border stays exact.
/// Errors: kUnsupported, naming the node, if there is no such map or no such convolution, or if it
///         pads and the pixel value differs between channels.
Result<Graph> FoldNormalization(Graph graph);

}  // namespace visavis
