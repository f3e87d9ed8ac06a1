// Repairs of known defects of published ONNX files.
#pragma once

#include <string_view>

#include "model/graph/graph.h"
#include "visavis/result.h"

namespace visavis::onnx_format {

/// Brings files of old exporters into the one form that the rest of visavis expects, and leaves a
/// line in Graph::notes for each kind of repair:
///  - BatchNormalization with spatial=0 but statistics per channel (MXNet's exporter until 2022):
///    the attribute goes.
///  - float64 constants that meet float32 values (MXNet's first exporter): become float32.
///  - PRelu slopes [C] that do not broadcast over N x C x ...: become [C,1,...].
/// Errors: kUnsupported for true spatial=0.
Status RepairLegacy(Graph& graph, std::string_view where);

}  // namespace visavis::onnx_format
