// WIDER FACE's text files: annotations, lists of the faces that count, detections.
// docs/formats/wider-face.md
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

/// Bounds of each of these files.
inline constexpr std::int64_t kMaxWiderFileBytes = 256LL << 20;

/// One photo's annotations.
struct WiderPhoto {
  std::string path;         ///< relative to the folder of photos, "event/name.jpg"
  std::vector<Box> faces;   ///< corners x, y and x + width, y + height
  std::vector<bool> valid;  ///< one per face: false where annotators could not tell
};

/// wider_face_val_bbx_gt.txt and its like: a path, a number of faces, and a line for each that
/// starts with x, y, width, height and may go on with blur, expression, illumination, invalid,
/// occlusion, pose. A photo without faces has one line of zeros, or none.
/// Errors: kCorruptData with the line number; kLimitExceeded.
Result<std::vector<WiderPhoto>> ParseWiderAnnotations(std::string_view text,
                                                      const std::string& name);

/// The faces that count in one setting ("easy"): lines of a path and 1-based places among the
/// photo's annotations; photos not listed have none. Errors: kCorruptData.
using CountedFaces = std::map<std::string, std::vector<int>>;
Result<CountedFaces> ParseCountedFaces(std::string_view text, const std::string& name);

/// One photo's detections as submitted to WIDER FACE: its name, their number, and lines of x, y,
/// width, height and score. Errors: kCorruptData.
Result<std::vector<Face>> ParseWiderDetections(std::string_view text, const std::string& name);
/// The same as text.
std::string FormatWiderDetections(std::string_view photo, const std::vector<Face>& faces);

}  // namespace visavis
