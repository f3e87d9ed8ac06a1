// Any bytes as a Caffe .caffemodel, under a network that reads some of its layers.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/caffe/caffe_import.h"
#include "use_graph.h"

namespace {

constexpr std::string_view kNetwork = R"(
input: "x" input_dim: 1 input_dim: 2 input_dim: 4 input_dim: 4
layer { name: "a" type: "Convolution" bottom: "x" top: "y"
        convolution_param { num_output: 2 kernel_size: 1 } }
layer { name: "n" type: "BatchNorm" bottom: "y" top: "y" }
layer { name: "s" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }
layer { name: "p" type: "PReLU" bottom: "y" top: "y" }
layer { name: "b" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 2 } }
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  visavis::fuzz::UseGraph(visavis::ImportCaffe(
      {reinterpret_cast<const std::uint8_t*>(kNetwork.data()), kNetwork.size()}, "fuzz.prototxt",
      {data, size}, "fuzz.caffemodel", visavis::fuzz::SmallLimits()));
  return 0;
}
