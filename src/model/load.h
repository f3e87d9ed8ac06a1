// Which files make up a model, and reading them.
#pragma once

#include <cstdint>
#include <string>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

/// A graph and the file it came from.
struct LoadedModel {
  Graph graph;
  std::string format;        ///< "onnx" or "mxnet"
  std::string weights_path;  ///< the .onnx or .params file
  std::int64_t file_bytes = 0;
};

/// Reads the model at `path` as Model::Load describes. The kind of a file is told by its content;
/// names only tell which file is the other half of an MXNet pair.
/// Errors: kNotFound (also for a missing half, named), kIo, kCorruptData, kUnsupported,
///         kLimitExceeded.
Result<LoadedModel> LoadModel(const std::string& path, const Limits& limits);

}  // namespace visavis
