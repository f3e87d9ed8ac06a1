// .mar: the archive of Multi Model Server and TorchServe, a zip with MAR-INF/MANIFEST.json.
#pragma once

#include <string>
#include <vector>

#include "visavis/result.h"
#include "zoo/archive.h"

namespace visavis {

struct ModelArchive {
  std::string model_name;
  std::string model_version;
  std::string description;
  std::string handler;  ///< never run: it is a program of somebody else's
  std::string runtime;
  std::string licence;
  std::vector<std::string> model_files;  ///< .onnx, MXNet pairs, Caffe pairs
  std::vector<ArchiveEntry> entries;
};

/// Reads the manifest and the table of contents; unpacks nothing.
/// Errors: those of ListArchive; kNotFound without a manifest; kCorruptData, kLimitExceeded for a
///         manifest that is none.
Result<ModelArchive> ReadModelArchive(const std::string& path);

/// Unpacks the model files into `folder`, each at once or not at all; files that are there are
/// replaced only with `force`. Returns their paths.
/// Errors: those of ReadModelArchive and UnpackArchive; kNotFound if it holds no model we know the
///         form of; kInvalidArgument for a file that is there.
Result<std::vector<std::string>> ExtractModels(const std::string& path, const std::string& folder,
                                               bool force);

}  // namespace visavis
