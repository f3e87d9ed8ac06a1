// Any bytes as an MXNet .params file, under a network that reads some of its tensors.
#include <cstddef>
#include <cstdint>

#include "model/mxnet/mxnet_import.h"
#include "model/mxnet/test_files.h"
#include "use_graph.h"

namespace {

constexpr char kSymbol[] = R"json({"nodes": [
  {"op": "null", "name": "data"}, {"op": "null", "name": "w"}, {"op": "null", "name": "c"},
  {"op": "Convolution", "name": "conv", "inputs": [[0, 0], [1, 0], [2, 0]],
   "attrs": {"kernel": "(3, 3)", "num_filter": "2"}},
  {"op": "LeakyReLU", "name": "relu", "inputs": [[3, 0], [2, 0]], "attrs": {"act_type": "prelu"}},
  {"op": "null", "name": "f"}, {"op": "null", "name": "b"},
  {"op": "FullyConnected", "name": "fc", "inputs": [[4, 0], [5, 0], [6, 0]],
   "attrs": {"num_hidden": "3"}}], "heads": [[7, 0]]})json";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  visavis::fuzz::UseGraph(visavis::ImportMxnet(visavis::mxnet::AsBytes(kSymbol), "fuzz-symbol.json",
                                               {data, size}, "fuzz-0000.params",
                                               visavis::fuzz::SmallLimits()));
  return 0;
}
