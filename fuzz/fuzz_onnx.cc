// Any bytes as an ONNX model.
#include <cstddef>
#include <cstdint>

#include "use_graph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  visavis::fuzz::UseGraph(
      visavis::ImportOnnx({data, size}, "fuzz.onnx", visavis::fuzz::SmallLimits()));
  return 0;
}
