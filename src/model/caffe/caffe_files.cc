#include "model/caffe/caffe_files.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace visavis::caffe {
namespace {

// Deep enough for any network, shallow enough for the stack.
constexpr int kNesting = 32;

class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

const char* NameOfType(format::V1LayerParameter::LayerType type) {
  switch (type) {
    case format::V1LayerParameter::CONCAT:
      return "Concat";
    case format::V1LayerParameter::CONVOLUTION:
      return "Convolution";
    case format::V1LayerParameter::DROPOUT:
      return "Dropout";
    case format::V1LayerParameter::FLATTEN:
      return "Flatten";
    case format::V1LayerParameter::INNER_PRODUCT:
      return "InnerProduct";
    case format::V1LayerParameter::POOLING:
      return "Pooling";
    case format::V1LayerParameter::RELU:
      return "ReLU";
    case format::V1LayerParameter::SIGMOID:
      return "Sigmoid";
    case format::V1LayerParameter::SOFTMAX:
      return "Softmax";
    case format::V1LayerParameter::SPLIT:
      return "Split";
    case format::V1LayerParameter::TANH:
      return "TanH";
    case format::V1LayerParameter::ELTWISE:
      return "Eltwise";
    default:
      return "of a type for training";
  }
}

format::LayerParameter Modern(format::V1LayerParameter& old) {
  format::LayerParameter layer;
  layer.set_name(old.name());
  layer.set_type(NameOfType(old.type()));
  layer.mutable_bottom()->Swap(old.mutable_bottom());
  layer.mutable_top()->Swap(old.mutable_top());
  layer.mutable_blobs()->Swap(old.mutable_blobs());
  layer.mutable_include()->Swap(old.mutable_include());
  layer.mutable_exclude()->Swap(old.mutable_exclude());
  if (old.has_concat_param()) *layer.mutable_concat_param() = old.concat_param();
  if (old.has_convolution_param()) *layer.mutable_convolution_param() = old.convolution_param();
  if (old.has_inner_product_param()) {
    *layer.mutable_inner_product_param() = old.inner_product_param();
  }
  if (old.has_pooling_param()) *layer.mutable_pooling_param() = old.pooling_param();
  if (old.has_eltwise_param()) *layer.mutable_eltwise_param() = old.eltwise_param();
  if (old.has_relu_param()) *layer.mutable_relu_param() = old.relu_param();
  if (old.has_softmax_param()) *layer.mutable_softmax_param() = old.softmax_param();
  return layer;
}

bool ForTraining(const format::LayerParameter& layer) {
  const auto is = [](format::Phase phase) {
    return [phase](const format::NetStateRule& rule) {
      return rule.has_phase() && rule.phase() == phase;
    };
  };
  return std::ranges::any_of(layer.include(), is(format::TRAIN)) ||
         std::ranges::any_of(layer.exclude(), is(format::TEST));
}

Status Modernize(format::NetParameter& net, std::string_view where, const Limits& limits) {
  if (std::int64_t{net.layers_size()} + net.layer_size() > limits.graph_nodes) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: has {} layers, limit {}", where,
                     std::int64_t{net.layers_size()} + net.layer_size(), limits.graph_nodes);
  }
  for (format::V1LayerParameter& old : *net.mutable_layers()) *net.add_layer() = Modern(old);
  net.clear_layers();
  return {};
}

Result<Tensor> ReadBlob(const format::BlobProto& blob, const std::string& at,
                        const Limits& limits) {
  std::vector<std::int64_t> extents;
  if (blob.has_shape()) {
    extents.assign(blob.shape().dim().begin(), blob.shape().dim().end());
  } else {
    extents = {blob.num(), blob.channels(), blob.height(), blob.width()};
  }
  const Shape shape(std::move(extents));
  const Result<std::int64_t> elements = CheckedElements(shape, limits.tensor_elements);
  if (!elements) {
    return MakeError(elements.error().code, "{}: {}", at, elements.error().message);
  }
  const std::int64_t present = std::int64_t{blob.data_size()} + blob.double_data_size();
  if (present != *elements || (blob.data_size() > 0 && blob.double_data_size() > 0)) {
    return MakeError(ErrorCode::kCorruptData, "{}: found {} numbers, want shape {}", at, present,
                     shape.ToString());
  }
  Tensor tensor = Tensor::Uninitialized(DType::kF32, shape);
  const auto to = tensor.data<float>();
  std::ranges::copy(blob.data(), to.begin());
  for (int i = 0; i < blob.double_data_size(); ++i) {
    to[static_cast<std::size_t>(i)] = static_cast<float>(blob.double_data(i));
  }
  return tensor;
}

Status CheckSize(std::span<const std::uint8_t> bytes, std::string_view where) {
  if (bytes.size() <= std::numeric_limits<int>::max()) return {};
  return MakeError(ErrorCode::kLimitExceeded, "{}: too large for protobuf (2 GB)", where);
}

}  // namespace

Result<format::NetParameter> ParseNetwork(std::span<const std::uint8_t> bytes,
                                          std::string_view where, const Limits& limits) {
  VISAVIS_RETURN_IF_ERROR(CheckSize(bytes, where));
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(kNesting);
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  format::NetParameter net;
  if (!parser.Parse(&stream, &net)) {
    return MakeError(ErrorCode::kCorruptData, "{}: {}", where,
                     error.text().empty() ? "want a Caffe network as text" : error.text());
  }
  VISAVIS_RETURN_IF_ERROR(Modernize(net, where, limits));
  auto* layers = net.mutable_layer();
  layers->erase(std::remove_if(layers->begin(), layers->end(), ForTraining), layers->end());
  if (net.layer_size() == 0) {
    return MakeError(ErrorCode::kCorruptData, "{}: has no layers, want a Caffe network", where);
  }
  return net;
}

Result<Blobs> ParseWeights(std::span<const std::uint8_t> bytes, std::string_view where,
                           const Limits& limits) {
  VISAVIS_RETURN_IF_ERROR(CheckSize(bytes, where));
  format::NetParameter net;
  if (!net.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return MakeError(ErrorCode::kCorruptData, "{}: broken, want a Caffe model", where);
  }
  VISAVIS_RETURN_IF_ERROR(Modernize(net, where, limits));
  Blobs blobs;
  for (const format::LayerParameter& layer : net.layer()) {
    if (layer.blobs_size() == 0) continue;
    const auto [it, added] = blobs.try_emplace(layer.name());
    if (!added) {
      return MakeError(ErrorCode::kCorruptData, "{}: two layers '{}' have weights", where,
                       layer.name());
    }
    for (int i = 0; i < layer.blobs_size(); ++i) {
      const std::string at = fmt::format("{}: layer '{}', blob {}", where, layer.name(), i);
      VISAVIS_ASSIGN_OR_RETURN(Tensor tensor, ReadBlob(layer.blobs(i), at, limits));
      it->second.push_back(std::make_shared<const Tensor>(std::move(tensor)));
    }
  }
  return blobs;
}

}  // namespace visavis::caffe
