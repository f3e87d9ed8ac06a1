// Which published network a graph is, told by its layers.
#pragma once

#include <string>

#include "model/graph/graph.h"

namespace visavis {

/// "LResNet100E-IR" (also of other depths), "MobileFaceNet", "MTCNN PNet", "MTCNN RNet",
/// "MTCNN ONet", "MTCNN LNet", "SCRFD" or "YuNet"; empty if it is none of them. Names of nodes and
/// tensors play no part, so files of any exporter are known.
std::string RecogniseNetwork(const Graph& graph);

}  // namespace visavis
