// Face crops to calibrate with, and labelled pairs of them to measure with.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "evaluate/pairs.h"
#include "quantize/observe.h"
#include "quantize/prepare.h"
#include "visavis/detect.h"
#include "visavis/image.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

struct FaceSet {
  std::vector<Image> crops;         ///< aligned, side x side
  std::vector<LabelledPair> pairs;  ///< indices into `crops`; none in a calibration set
  std::string description;          ///< what was read and how crops were chosen, one line
  std::string sha256;               ///< of the encoded images that gave crops, in their order
  std::size_t without_face = 0;     ///< photos that were left out
  std::size_t detected = 0;         ///< crops that had to be found in a photo first
};

struct FaceSetOptions {
  int crop_size_px = 112;
  /// At most so many crops, drawn without replacement by `seed`; 0: all, in their order.
  std::size_t samples = 0;
  std::uint64_t seed = 1;
  /// Asked once, when a picture is no crop. May be empty: then photos are kInvalidArgument.
  std::function<Result<std::unique_ptr<Detector>>()> detector;
  QuantizeHooks hooks;
};

/// Crops from a .bin file, or from a folder of pictures. A picture of crop_size_px squared is a
/// crop; in any other all faces are found and aligned. Pictures without a face are left
/// out and counted.
/// Errors: kInvalidArgument for an empty set, for one crop only, and where no picture has a face;
/// those of decoding; kCancelled.
Result<FaceSet> ReadCalibrationFaces(const std::string& path, const FaceSetOptions& options);

/// Labelled pairs: a .bin file, a folder with LFW's pairs.txt (pictures below `aligned/` or beside
/// it), or a CSV of pairs (docs/formats/pairs.md) with paths from its own folder.
Result<FaceSet> ReadLabelledFaces(const std::string& path, const FaceSetOptions& options);

/// A network input per crop, normalised as the network wants it, and how pixels became numbers.
std::vector<Sample> SamplesFromFaces(const FaceSet& faces, const Graph& graph, PixelGrid& grid);

/// Arrays from a folder of .npy files (float32), one sample each, sorted by name and drawn as
/// above: for networks that read no faces. `sha256` of the files. Errors: also kUnsupported for a
/// network of several inputs.
struct TensorSet {
  std::vector<Sample> samples;
  std::string description;
  std::string sha256;
};
Result<TensorSet> ReadTensorFolder(const std::string& path, std::size_t samples,
                                   std::uint64_t seed);
/// True if `path` is a folder that holds .npy files.
bool IsTensorFolder(const std::string& path);

}  // namespace visavis
