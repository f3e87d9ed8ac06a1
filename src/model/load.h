// Which files make up a model, and reading them.
#pragma once

#include <cstdint>
#include <string>

#include "model/graph/graph.h"
#include "visavis/limits.h"
#include "visavis/result.h"

namespace visavis {

/// Whether importers mend what they know to be wrong (defects.h, MendOnRead).
enum class Reading { kMended, kAsIs };

/// A graph and the file it came from.
struct LoadedModel {
  Graph graph;
  std::string format;        ///< "onnx", "mxnet" or "caffe"
  std::string weights_path;  ///< the .onnx, .params or .caffemodel file
  std::int64_t file_bytes = 0;
  int initializers_listed_as_inputs = 0;  ///< with Reading::kAsIs
};

/// Reads the model at `path` as Model::Load describes. The kind of a file is told by its content;
/// names only tell which file is the other half of an MXNet pair.
/// Errors: kNotFound (also for a missing half, named), kIo, kCorruptData, kUnsupported,
///         kLimitExceeded.
Result<LoadedModel> LoadModel(const std::string& path, const Limits& limits,
                              Reading reading = Reading::kMended);

}  // namespace visavis
