// Any bytes as an MXNet symbol, over tensors that the corpus' networks use.
#include <cstddef>
#include <cstdint>

#include "model/mxnet/mxnet_import.h"
#include "model/mxnet/test_files.h"
#include "use_graph.h"

namespace {

visavis::mxnet::Bytes Tensors() {
  return visavis::mxnet::ParamsBuilder()
      .Add("arg:w", {2, 1, 3, 3}, std::vector<float>(18, 0.5f))
      .Add("arg:c", {2}, {1, 2})
      .Add("aux:m", {2}, {0, 0})
      .Add("aux:v", {2}, {1, 1})
      .Add("arg:f", {3, 8}, std::vector<float>(24, 0.25f))
      .Add("arg:b", {3}, {1, 2, 3})
      .Build();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const visavis::mxnet::Bytes kParams = Tensors();
  visavis::fuzz::UseGraph(visavis::ImportMxnet({data, size}, "fuzz-symbol.json", kParams,
                                               "fuzz-0000.params", visavis::fuzz::SmallLimits()));
  return 0;
}
