// Any bytes as a Caffe .prototxt, over weights that some of its layers may take.
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/caffe/caffe_import.h"
#include "use_graph.h"

namespace {

// Field numbers as wire tags: a NetParameter with layers "a" and "b" of one blob [2,2] and [2]
// each.
std::string Weights() {
  const auto floats = [](int n) {
    std::string data(static_cast<std::size_t>(n) * 4, '\0');
    for (std::size_t i = 2; i < data.size(); i += 4) {
      data[i] = '\x80';
      data[i + 1] = '\x3f';
    }
    return data;
  };
  const auto field = [](int number, const std::string& bytes) {
    std::string tag;
    for (int key = number << 3 | 2; key > 0; key >>= 7) {
      tag += static_cast<char>((key & 0x7f) | (key > 0x7f ? 0x80 : 0));
    }
    return tag + static_cast<char>(bytes.size()) + bytes;
  };
  std::string file;
  for (const char* name : {"a", "b"}) {
    const std::string matrix = field(7, field(1, "\x02\x02")) + field(5, floats(4));
    const std::string vector = field(7, field(1, "\x02")) + field(5, floats(2));
    file += field(100, field(1, name) + field(7, matrix) + field(7, vector));
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string kWeights = Weights();
  visavis::fuzz::UseGraph(visavis::ImportCaffe(
      {data, size}, "fuzz.prototxt",
      {reinterpret_cast<const std::uint8_t*>(kWeights.data()), kWeights.size()}, "fuzz.caffemodel",
      visavis::fuzz::SmallLimits()));
  return 0;
}
