// Caffe files made in memory, for tests.
#pragma once

#include <visavis_caffe.pb.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/graph/graph.h"

namespace visavis::caffe {

inline std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct CaffeFiles {
  std::string network;  ///< .prototxt
  std::string weights;  ///< .caffemodel
};

/// Writes a network of MTCNN's layers the way MTCNN's authors published it: kernels and columns for
/// transposed images, and the channels of the first convolution in RGB order, where `graph` has
/// upright BGR ones.
inline CaffeFiles WriteMtcnn(const Graph& graph, std::int64_t side) {
  CaffeFiles files;
  caffe_format::NetParameter weights;
  files.network = fmt::format(
      "name: \"net\"\ninput: \"data\"\ninput_dim: 1\ninput_dim: 3\ninput_dim: {0}\n"
      "input_dim: {0}\n",
      side);
  const auto name = [&](ValueId id) { return graph.value(id).name; };
  const auto blob = [](caffe_format::LayerParameter& layer, const std::vector<std::int64_t>& shape,
                       const std::vector<float>& values) {
    caffe_format::BlobProto& made = *layer.add_blobs();
    for (const std::int64_t extent : shape) made.mutable_shape()->add_dim(extent);
    made.mutable_data()->Add(values.begin(), values.end());
  };
  const auto floats = [&](ValueId id) {
    const auto data = graph.constant(id)->data<float>();
    return std::vector<float>(data.begin(), data.end());
  };
  std::int64_t channels = 3;  // of the image in front; 0 behind a fully connected layer
  bool first = true;
  for (const Node& node : graph.nodes) {
    if (node.op_type == "Identity" || node.op_type == "Flatten") continue;
    std::string bottom = name(node.inputs[0]);
    for (const Node& before : graph.nodes) {
      const bool passes = before.op_type == "Identity" || before.op_type == "Flatten";
      if (passes && before.outputs[0] == node.inputs[0]) bottom = name(before.inputs[0]);
    }
    std::string parameters;
    caffe_format::LayerParameter layer;
    layer.set_name("layer_" + name(node.outputs[0]));
    const char* type = "";
    if (node.op_type == "Conv") {
      type = "Convolution";
      const Shape& s = graph.constant(node.inputs[1])->shape();
      parameters = fmt::format(
          "convolution_param {{ num_output: {} kernel_size: {} stride: 1 weight_filler {{ type: "
          "\"xavier\" }} }}",
          s[0], s[2]);
      const std::vector<float> upright = floats(node.inputs[1]);
      std::vector<float> turned(upright.size());
      for (std::int64_t m = 0; m < s[0]; ++m) {
        for (std::int64_t c = 0; c < s[1]; ++c) {
          const std::int64_t from = first ? s[1] - 1 - c : c;
          for (std::int64_t y = 0; y < s[2]; ++y) {
            for (std::int64_t x = 0; x < s[3]; ++x) {
              turned[static_cast<std::size_t>(((m * s[1] + c) * s[3] + x) * s[2] + y)] =
                  upright[static_cast<std::size_t>(((m * s[1] + from) * s[2] + y) * s[3] + x)];
            }
          }
        }
      }
      blob(layer, {s[0], s[1], s[3], s[2]}, turned);
      blob(layer, {s[0]}, floats(node.inputs[2]));
      channels = s[0];
      first = false;
    } else if (node.op_type == "PRelu") {
      type = "PReLU";
      const std::vector<float> slopes = floats(node.inputs[1]);
      blob(layer, {static_cast<std::int64_t>(slopes.size())}, slopes);
    } else if (node.op_type == "MaxPool") {
      type = "Pooling";
      parameters = fmt::format("pooling_param {{ pool: MAX kernel_size: {} stride: {} }}",
                               (*node.Ints("kernel_shape"))[0], (*node.Ints("strides"))[0]);
    } else if (node.op_type == "Gemm") {
      type = "InnerProduct";
      const Shape& s = graph.constant(node.inputs[1])->shape();
      parameters = fmt::format("inner_product_param {{ num_output: {} }}", s[0]);
      std::vector<float> columns = floats(node.inputs[1]);
      // Only the first one sees an image; its features are channels x k x k.
      std::int64_t k = 1;
      while (channels > 0 && channels * k * k < s[1]) ++k;
      if (channels > 0 && channels * k * k == s[1] && k > 1) {
        const std::vector<float> upright = columns;
        for (std::int64_t block = 0; block < s[0] * channels; ++block) {
          for (std::int64_t y = 0; y < k; ++y) {
            for (std::int64_t x = 0; x < k; ++x) {
              columns[static_cast<std::size_t>((block * k + x) * k + y)] =
                  upright[static_cast<std::size_t>((block * k + y) * k + x)];
            }
          }
        }
      }
      blob(layer, {s[0], s[1]}, columns);
      blob(layer, {s[0]}, floats(node.inputs[2]));
      channels = 0;
    } else if (node.op_type == "Softmax") {
      type = "Softmax";
    }
    layer.set_type(type);
    files.network += fmt::format(
        "layer {{ name: \"{}\" type: \"{}\" bottom: \"{}\" top: \"{}\" {} param {{ lr_mult: 1 }} "
        "}}\n",
        layer.name(), type, bottom, name(node.outputs[0]), parameters);
    if (layer.blobs_size() > 0) *weights.add_layer() = layer;
  }
  // Names of blobs in the prototxt are those of the graph; the input is "data" there too.
  files.weights = weights.SerializeAsString();
  return files;
}

}  // namespace visavis::caffe
