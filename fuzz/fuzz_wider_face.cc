// WIDER FACE's text files: annotations, lists of counted faces, detections.
#include <cstdint>
#include <string_view>

#include "evaluate/wider_face.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)visavis::ParseWiderAnnotations(text, "annotations");
  (void)visavis::ParseCountedFaces(text, "counted");
  (void)visavis::ParseWiderDetections(text, "detections");
  return 0;
}
