#include "model/caffe/caffe_import.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "model/caffe/caffe_files.h"
#include "model/graph/shape_inference.h"
#include "model/recognise.h"

namespace visavis {
namespace caffe {
namespace {

constexpr int kOpset = 13;  // the first whose Softmax works along one axis, as Caffe's does
constexpr std::int64_t kLargestWindow = 1 << 16;

using IntList = std::vector<std::int64_t>;
using Attributes = std::map<std::string, Attribute, std::less<>>;
using Layer = format::LayerParameter;

// Vertical and horizontal.
using Pair = std::array<std::int64_t, 2>;

class Importer {
 public:
  Importer(const format::NetParameter& net, const Blobs& blobs, std::string_view where,
           std::string_view weights_path)
      : net_(net), blobs_(blobs), where_(where), weights_path_(weights_path) {
    graph_.opset = kOpset;
    graph_.name = net.name();
    graph_.producer = "Caffe";
  }

  Result<Graph> Import() {
    VISAVIS_RETURN_IF_ERROR(ReadInputs());
    for (const Layer& layer : net_.layer()) VISAVIS_RETURN_IF_ERROR(ReadLayer(layer));
    if (graph_.inputs.empty()) {
      return MakeError(ErrorCode::kCorruptData,
                       "{}: has no input (input, input_dim or a layer "
                       "Input)",
                       where_);
    }
    for (const std::string& top : made_) {
      if (!read_.contains(top)) graph_.outputs.push_back(values_.at(top));
    }
    if (graph_.outputs.empty()) {
      return MakeError(ErrorCode::kCorruptData, "{}: every blob is read, none is left as output",
                       where_);
    }
    // Two blobs may be one value where a layer only passes it on.
    std::set<ValueId> seen;
    std::erase_if(graph_.outputs, [&](ValueId id) { return !seen.insert(id).second; });
    VISAVIS_RETURN_IF_ERROR(ValidateAndSort(graph_, where_));
    return std::move(graph_);
  }

 private:
  template <typename... Args>
  Error Fail(ErrorCode code, const Layer& layer, fmt::format_string<Args...> what,
             Args&&... args) const {
    return MakeError(code, "{}: layer '{}' ({}): {}", where_, layer.name(), layer.type(),
                     fmt::format(what, std::forward<Args>(args)...));
  }

  // --- Inputs

  Status AddInput(const std::string& name, IntList extents) {
    if (name.empty() || values_.contains(name)) {
      return MakeError(ErrorCode::kCorruptData, "{}: input '{}': want a name of its own", where_,
                       name);
    }
    std::vector<Dim> dims;
    for (const std::int64_t extent : extents) {
      if (extent < 1 || extent > kLargestWindow) {
        return MakeError(ErrorCode::kCorruptData, "{}: input '{}': extent {}", where_, name,
                         extent);
      }
      dims.push_back(Dim{extent, ""});
    }
    if (dims.empty() || dims.size() > 5) {
      return MakeError(ErrorCode::kCorruptData, "{}: input '{}' has {} dimensions, want 1 to 5",
                       where_, name, dims.size());
    }
    dims[0] = Dim{-1, "N"};
    const bool convolutional = std::ranges::none_of(
        net_.layer(), [](const Layer& layer) { return layer.type() == "InnerProduct"; });
    if (convolutional && dims.size() == 4) {
      dims[2] = Dim{-1, "height"};
      dims[3] = Dim{-1, "width"};
    }
    const ValueId id = graph_.AddValue(name);
    graph_.value(id).shape = std::move(dims);
    graph_.inputs.push_back(id);
    ranks_[id] = static_cast<int>(extents.size());
    values_[name] = id;
    return {};
  }

  Status ReadInputs() {
    for (int i = 0; i < net_.input_size(); ++i) {
      IntList extents;
      if (i < net_.input_shape_size()) {
        extents.assign(net_.input_shape(i).dim().begin(), net_.input_shape(i).dim().end());
      } else if (std::int64_t{net_.input_dim_size()} >= (std::int64_t{i} + 1) * 4) {
        extents.assign(net_.input_dim().begin() + i * 4, net_.input_dim().begin() + i * 4 + 4);
      } else {
        return MakeError(ErrorCode::kCorruptData, "{}: input '{}' has no shape", where_,
                         net_.input(i));
      }
      VISAVIS_RETURN_IF_ERROR(AddInput(net_.input(i), std::move(extents)));
    }
    return {};
  }

  Status ReadInputLayer(const Layer& layer) {
    const auto& shapes = layer.input_param().shape();
    if (layer.top_size() == 0 || (shapes.size() != 1 && shapes.size() != layer.top_size())) {
      return Fail(ErrorCode::kCorruptData, layer, "has {} shapes for {} blobs", shapes.size(),
                  layer.top_size());
    }
    for (int i = 0; i < layer.top_size(); ++i) {
      const auto& shape = shapes.Get(shapes.size() == 1 ? 0 : i);
      VISAVIS_RETURN_IF_ERROR(
          AddInput(layer.top(i), IntList(shape.dim().begin(), shape.dim().end())));
    }
    return {};
  }

  // --- Names and values

  std::string UniqueName(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 1; name.empty() || !names_.insert(name).second; ++i) {
      name = fmt::format("{}_{}", wanted, i);
    }
    return name;
  }

  Result<ValueId> Bottom(const Layer& layer, int i) {
    if (i >= layer.bottom_size()) {
      return Fail(ErrorCode::kCorruptData, layer, "has {} bottoms, want {}", layer.bottom_size(),
                  i + 1);
    }
    const auto it = values_.find(layer.bottom(i));
    if (it == values_.end()) {
      return Fail(ErrorCode::kCorruptData, layer, "bottom '{}' is made by no layer before",
                  layer.bottom(i));
    }
    read_.insert(layer.bottom(i));
    return it->second;
  }

  // The blob's name now means `value`. A layer may write in place: bottom and top are one name.
  void SetTop(const Layer& layer, int i, ValueId value) {
    const std::string& top = layer.top(i);
    values_[top] = value;
    read_.erase(top);
    std::erase(made_, top);
    made_.push_back(top);
  }

  Status ExpectOneTop(const Layer& layer) const {
    if (layer.top_size() == 1) return {};
    return Fail(ErrorCode::kCorruptData, layer, "has {} tops, want 1", layer.top_size());
  }

  ValueId Emit(const Layer& layer, std::string_view op, std::string_view suffix,
               std::vector<ValueId> inputs, int rank, Attributes attributes = {}) {
    const std::string name = UniqueName(layer.name() + std::string(suffix));
    const ValueId output = graph_.AddValue(name);
    graph_.nodes.push_back(
        Node{name, std::string(op), "", std::move(inputs), {output}, std::move(attributes)});
    ranks_[output] = rank;
    return output;
  }

  int Rank(ValueId id) const {
    const auto it = ranks_.find(id);
    return it == ranks_.end() ? -1 : it->second;
  }

  // --- Weights

  Result<std::shared_ptr<const Tensor>> Blob(const Layer& layer, std::size_t i) const {
    const auto it = blobs_.find(layer.name());
    const std::size_t count = it == blobs_.end() ? 0 : it->second.size();
    if (i >= count) {
      return Fail(ErrorCode::kCorruptData, layer, "{} has {} blobs for it, want {}", weights_path_,
                  count, i + 1);
    }
    return it->second[i];
  }

  // Old files give every blob four extents: only the order of the numbers matters.
  Result<ValueId> Weight(const Layer& layer, std::size_t i, const Shape& shape) {
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> blob, Blob(layer, i));
    if (blob->elements() != shape.elements()) {
      return Fail(ErrorCode::kCorruptData, layer, "blob {} has shape {}, want {}", i,
                  blob->shape().ToString(), shape.ToString());
    }
    Tensor tensor = Tensor::Uninitialized(DType::kF32, shape);
    if (tensor.size_bytes() > 0) std::memcpy(tensor.raw(), blob->raw(), tensor.size_bytes());
    return graph_.AddConstant(UniqueName(fmt::format("{}_blob{}", layer.name(), i)),
                              std::move(tensor));
  }

  ValueId Floats(const std::string& name, const Shape& shape, const std::vector<float>& values) {
    return graph_.AddConstant(UniqueName(name), Tensor::From<float>(shape, values));
  }

  // --- Windows

  template <typename Values>
  Result<Pair> Repeated(const Layer& layer, const Values& values, bool has_h, std::int64_t h,
                        std::int64_t w, std::int64_t fallback, const char* what) const {
    Pair pair{fallback, fallback};
    if (has_h) {
      pair = {h, w};
    } else if (values.size() == 1) {
      pair = {values[0], values[0]};
    } else if (values.size() == 2) {
      pair = {values[0], values[1]};
    } else if (!values.empty()) {
      return Fail(ErrorCode::kUnsupported, layer, "{} has {} numbers, want 1 or 2", what,
                  values.size());
    }
    return pair;
  }

  Status CheckWindow(const Layer& layer, const Pair& kernel, const Pair& stride, const Pair& pad,
                     const Pair& dilation) const {
    const auto within = [](const Pair& pair, std::int64_t least) {
      return std::ranges::all_of(
          pair, [least](std::int64_t v) { return v >= least && v <= kLargestWindow; });
    };
    if (within(kernel, 1) && within(stride, 1) && within(pad, 0) && within(dilation, 1)) return {};
    return Fail(ErrorCode::kCorruptData, layer, "a window extent is out of range");
  }

  static IntList Ints(const Pair& pair) { return {pair[0], pair[1]}; }
  static IntList Pads(const Pair& pad) { return {pad[0], pad[1], pad[0], pad[1]}; }

  static IntList Wide(const google::protobuf::RepeatedField<std::uint32_t>& values) {
    return {values.begin(), values.end()};
  }

  Status Convolution(const Layer& layer) {
    const format::ConvolutionParameter& p = layer.convolution_param();
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    VISAVIS_ASSIGN_OR_RETURN(const Pair kernel,
                             Repeated(layer, Wide(p.kernel_size()), p.has_kernel_h(), p.kernel_h(),
                                      p.kernel_w(), 0, "kernel_size"));
    VISAVIS_ASSIGN_OR_RETURN(const Pair stride, Repeated(layer, Wide(p.stride()), p.has_stride_h(),
                                                         p.stride_h(), p.stride_w(), 1, "stride"));
    VISAVIS_ASSIGN_OR_RETURN(const Pair pad, Repeated(layer, Wide(p.pad()), p.has_pad_h(),
                                                      p.pad_h(), p.pad_w(), 0, "pad"));
    VISAVIS_ASSIGN_OR_RETURN(const Pair dilation,
                             Repeated(layer, Wide(p.dilation()), false, 0, 0, 1, "dilation"));
    VISAVIS_RETURN_IF_ERROR(CheckWindow(layer, kernel, stride, pad, dilation));
    if (p.axis() != 1) return Fail(ErrorCode::kUnsupported, layer, "axis {}, want 1", p.axis());
    const std::int64_t filters = p.num_output();
    const std::int64_t group = p.group();
    if (filters < 1 || group < 1 || filters % group != 0) {
      return Fail(ErrorCode::kCorruptData, layer, "{} filters in {} groups, want a multiple",
                  filters, group);
    }
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> blob, Blob(layer, 0));
    const std::int64_t per_channel = kernel[0] * kernel[1];
    const std::int64_t columns = blob->elements() / filters / per_channel;
    if (columns < 1) {
      return Fail(ErrorCode::kCorruptData, layer, "blob 0 has shape {}, want {} filters {} x {}",
                  blob->shape().ToString(), filters, kernel[0], kernel[1]);
    }
    VISAVIS_ASSIGN_OR_RETURN(const ValueId weights,
                             Weight(layer, 0, Shape{filters, columns, kernel[0], kernel[1]}));
    std::vector<ValueId> inputs{data, weights};
    if (p.bias_term()) {
      VISAVIS_ASSIGN_OR_RETURN(const ValueId bias, Weight(layer, 1, Shape{filters}));
      inputs.push_back(bias);
    }
    SetTop(layer, 0,
           Emit(layer, "Conv", "", std::move(inputs), 4,
                {{"kernel_shape", Ints(kernel)},
                 {"strides", Ints(stride)},
                 {"pads", Pads(pad)},
                 {"dilations", Ints(dilation)},
                 {"group", group}}));
    return {};
  }

  // Caffe rounds up and then drops a last window that would begin in the padding behind; ONNX does
  // the same.
  Status Pooling(const Layer& layer) {
    const format::PoolingParameter& p = layer.pooling_param();
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    if (p.pool() == format::PoolingParameter::STOCHASTIC) {
      return Fail(ErrorCode::kUnsupported, layer, "pool STOCHASTIC, want MAX or AVE");
    }
    const bool max = p.pool() == format::PoolingParameter::MAX;
    if (p.global_pooling()) {
      SetTop(layer, 0, Emit(layer, max ? "GlobalMaxPool" : "GlobalAveragePool", "", {data}, 4));
      return {};
    }
    const auto pair = [](bool has_h, std::int64_t h, std::int64_t w, std::int64_t both) {
      return has_h ? Pair{h, w} : Pair{both, both};
    };
    const Pair kernel = pair(p.has_kernel_h(), p.kernel_h(), p.kernel_w(), p.kernel_size());
    const Pair stride = pair(p.has_stride_h(), p.stride_h(), p.stride_w(), p.stride());
    const Pair pad = pair(p.has_pad_h(), p.pad_h(), p.pad_w(), p.pad());
    VISAVIS_RETURN_IF_ERROR(CheckWindow(layer, kernel, stride, pad, {1, 1}));
    const bool ceil = p.round_mode() == format::PoolingParameter::CEIL;
    Attributes attributes{{"kernel_shape", Ints(kernel)},
                          {"strides", Ints(stride)},
                          {"pads", Pads(pad)},
                          {"ceil_mode", std::int64_t{ceil}}};
    if (!max) attributes.emplace("count_include_pad", std::int64_t{1});
    SetTop(layer, 0,
           Emit(layer, max ? "MaxPool" : "AveragePool", "", {data}, 4, std::move(attributes)));
    return {};
  }

  Status InnerProduct(const Layer& layer) {
    const format::InnerProductParameter& p = layer.inner_product_param();
    VISAVIS_ASSIGN_OR_RETURN(ValueId data, Bottom(layer, 0));
    if (p.axis() != 1) return Fail(ErrorCode::kUnsupported, layer, "axis {}, want 1", p.axis());
    const std::int64_t outputs = p.num_output();
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> blob, Blob(layer, 0));
    if (outputs < 1 || blob->elements() < 1 || blob->elements() % outputs != 0) {
      return Fail(ErrorCode::kCorruptData, layer, "blob 0 has shape {}, want a multiple of {}",
                  blob->shape().ToString(), outputs);
    }
    const std::int64_t features = blob->elements() / outputs;
    const Shape shape = p.transpose() ? Shape{features, outputs} : Shape{outputs, features};
    VISAVIS_ASSIGN_OR_RETURN(const ValueId weights, Weight(layer, 0, shape));
    if (Rank(data) != 2) {
      data = Emit(layer, "Flatten", "_flatten", {data}, 2, {{"axis", std::int64_t{1}}});
    }
    std::vector<ValueId> inputs{data, weights};
    if (p.bias_term()) {
      VISAVIS_ASSIGN_OR_RETURN(const ValueId bias, Weight(layer, 1, Shape{outputs}));
      inputs.push_back(bias);
    }
    SetTop(
        layer, 0,
        Emit(layer, "Gemm", "", std::move(inputs), 2, {{"transB", std::int64_t{!p.transpose()}}}));
    return {};
  }

  // One number per channel, shaped to broadcast over the other axes.
  Result<ValueId> PerChannel(const Layer& layer, std::size_t i, ValueId data) {
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> blob, Blob(layer, i));
    if (Rank(data) < 2) return Fail(ErrorCode::kUnsupported, layer, "its input has no channels");
    IntList extents(static_cast<std::size_t>(Rank(data)) - 1, 1);
    extents[0] = blob->elements();
    return Weight(layer, i, Shape(extents));
  }

  Status PRelu(const Layer& layer) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    VISAVIS_ASSIGN_OR_RETURN(const ValueId slope, PerChannel(layer, 0, data));
    if (layer.prelu_param().channel_shared() && graph_.constant(slope)->elements() != 1) {
      return Fail(ErrorCode::kCorruptData, layer, "channel_shared with {} slopes",
                  graph_.constant(slope)->elements());
    }
    SetTop(layer, 0, Emit(layer, "PRelu", "", {data, slope}, Rank(data)));
    return {};
  }

  Status Relu(const Layer& layer) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    const float slope = layer.relu_param().negative_slope();
    SetTop(layer, 0,
           slope == 0 ? Emit(layer, "Relu", "", {data}, Rank(data))
                      : Emit(layer, "LeakyRelu", "", {data}, Rank(data), {{"alpha", slope}}));
    return {};
  }

  Status Simple(const Layer& layer, const char* op) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    SetTop(layer, 0, Emit(layer, op, "", {data}, Rank(data)));
    return {};
  }

  Status Softmax(const Layer& layer) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    SetTop(layer, 0,
           Emit(layer, "Softmax", "", {data}, Rank(data),
                {{"axis", std::int64_t{layer.softmax_param().axis()}}}));
    return {};
  }

  Status Flatten(const Layer& layer) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    if (layer.flatten_param().axis() != 1 || layer.flatten_param().end_axis() != -1) {
      return Fail(ErrorCode::kUnsupported, layer, "flattens axes {} to {}, want 1 to -1",
                  layer.flatten_param().axis(), layer.flatten_param().end_axis());
    }
    SetTop(layer, 0, Emit(layer, "Flatten", "", {data}, 2, {{"axis", std::int64_t{1}}}));
    return {};
  }

  // Passes one value on, under several names.
  Status PassOn(const Layer& layer) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    for (int i = 0; i < layer.top_size(); ++i) SetTop(layer, i, data);
    return {};
  }

  Result<std::vector<ValueId>> Bottoms(const Layer& layer) {
    std::vector<ValueId> inputs;
    for (int i = 0; i < layer.bottom_size(); ++i) {
      VISAVIS_ASSIGN_OR_RETURN(const ValueId id, Bottom(layer, i));
      inputs.push_back(id);
    }
    if (inputs.empty()) return Fail(ErrorCode::kCorruptData, layer, "has no bottoms");
    return inputs;
  }

  Status Concat(const Layer& layer) {
    const format::ConcatParameter& p = layer.concat_param();
    VISAVIS_ASSIGN_OR_RETURN(std::vector<ValueId> inputs, Bottoms(layer));
    const std::int64_t axis = p.has_concat_dim() ? std::int64_t{p.concat_dim()} : p.axis();
    const int rank = Rank(inputs[0]);
    SetTop(layer, 0, Emit(layer, "Concat", "", std::move(inputs), rank, {{"axis", axis}}));
    return {};
  }

  Status Eltwise(const Layer& layer) {
    const format::EltwiseParameter& p = layer.eltwise_param();
    VISAVIS_ASSIGN_OR_RETURN(std::vector<ValueId> inputs, Bottoms(layer));
    const int rank = Rank(inputs[0]);
    const bool sum = p.operation() == format::EltwiseParameter::SUM;
    if (p.coeff_size() > 0 && (!sum || p.coeff_size() != layer.bottom_size())) {
      return Fail(ErrorCode::kCorruptData, layer, "has {} coefficients for {} bottoms",
                  p.coeff_size(), layer.bottom_size());
    }
    for (int i = 0; i < p.coeff_size(); ++i) {
      if (p.coeff(i) == 1) continue;
      const ValueId factor =
          Floats(fmt::format("{}_coeff{}", layer.name(), i), Shape{}, {p.coeff(i)});
      ValueId& input = inputs[static_cast<std::size_t>(i)];
      input = Emit(layer, "Mul", fmt::format("_times{}", i), {input, factor}, rank);
    }
    const char* op = sum ? "Add" : p.operation() == format::EltwiseParameter::MAX ? "Max" : "Mul";
    ValueId result = inputs[0];
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      const bool last = i + 1 == inputs.size();
      result = Emit(layer, op, last ? "" : fmt::format("_part{}", i), {result, inputs[i]}, rank);
    }
    SetTop(layer, 0, result);
    return {};
  }

  // Blobs: sums of means, sums of variances, and the factor by which both were summed up.
  Status BatchNorm(const Layer& layer) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> mean, Blob(layer, 0));
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> variance, Blob(layer, 1));
    VISAVIS_ASSIGN_OR_RETURN(const std::shared_ptr<const Tensor> factor, Blob(layer, 2));
    if (factor->elements() != 1 || mean->elements() != variance->elements()) {
      return Fail(ErrorCode::kCorruptData, layer, "blobs have shapes {}, {} and {}",
                  mean->shape().ToString(), variance->shape().ToString(),
                  factor->shape().ToString());
    }
    const float weight = factor->data<float>()[0];
    const float scale = weight == 0 ? 0 : 1 / weight;
    const Shape shape{mean->elements()};
    const auto scaled = [&](const Tensor& sums, const char* what) {
      std::vector<float> values(sums.data<float>().begin(), sums.data<float>().end());
      for (float& v : values) v *= scale;
      return Floats(layer.name() + what, shape, values);
    };
    const auto channels = static_cast<std::size_t>(shape[0]);
    const ValueId gamma =
        Floats(layer.name() + "_gamma", shape, std::vector<float>(channels, 1.0f));
    const ValueId beta = Floats(layer.name() + "_beta", shape, std::vector<float>(channels, 0.0f));
    SetTop(layer, 0,
           Emit(layer, "BatchNormalization", "",
                {data, gamma, beta, scaled(*mean, "_mean"), scaled(*variance, "_variance")},
                Rank(data), {{"epsilon", layer.batch_norm_param().eps()}}));
    return {};
  }

  Status Scale(const Layer& layer) {
    const format::ScaleParameter& p = layer.scale_param();
    VISAVIS_ASSIGN_OR_RETURN(const ValueId data, Bottom(layer, 0));
    if (p.axis() != 1 || p.num_axes() != 1 || layer.bottom_size() != 1) {
      return Fail(ErrorCode::kUnsupported, layer, "want one factor per channel from the file");
    }
    VISAVIS_ASSIGN_OR_RETURN(const ValueId factor, PerChannel(layer, 0, data));
    if (!p.bias_term()) {
      SetTop(layer, 0, Emit(layer, "Mul", "", {data, factor}, Rank(data)));
      return {};
    }
    VISAVIS_ASSIGN_OR_RETURN(const ValueId bias, PerChannel(layer, 1, data));
    const ValueId product = Emit(layer, "Mul", "_product", {data, factor}, Rank(data));
    SetTop(layer, 0, Emit(layer, "Add", "", {product, bias}, Rank(data)));
    return {};
  }

  Status ReadLayer(const Layer& layer) {
    const std::string& type = layer.type();
    if (type == "Input") return ReadInputLayer(layer);
    if (type == "Split") return PassOn(layer);
    VISAVIS_RETURN_IF_ERROR(ExpectOneTop(layer));
    if (type == "Convolution") return Convolution(layer);
    if (type == "Pooling") return Pooling(layer);
    if (type == "InnerProduct") return InnerProduct(layer);
    if (type == "PReLU") return PRelu(layer);
    if (type == "ReLU") return Relu(layer);
    if (type == "Sigmoid") return Simple(layer, "Sigmoid");
    if (type == "TanH") return Simple(layer, "Tanh");
    if (type == "Softmax") return Softmax(layer);
    if (type == "Flatten") return Flatten(layer);
    if (type == "Concat") return Concat(layer);
    if (type == "Eltwise") return Eltwise(layer);
    if (type == "BatchNorm") return BatchNorm(layer);
    if (type == "Scale") return Scale(layer);
    if (type == "Dropout") return PassOn(layer);
    return Fail(ErrorCode::kUnsupported, layer, "this type of layer is not supported");
  }

  const format::NetParameter& net_;
  const Blobs& blobs_;
  std::string_view where_;
  std::string_view weights_path_;
  Graph graph_;
  std::map<std::string, ValueId> values_;  // blob -> its value so far
  std::map<ValueId, int> ranks_;
  std::vector<std::string> made_;  // blobs in the order of their last writers
  std::set<std::string> read_;     // blobs read since they were last written
  std::set<std::string> names_;
};

}  // namespace
}  // namespace caffe

Result<Graph> ImportCaffe(std::span<const std::uint8_t> network, std::string_view network_path,
                          std::span<const std::uint8_t> weights, std::string_view weights_path,
                          const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(const caffe::format::NetParameter net,
                           caffe::ParseNetwork(network, network_path, limits));
  VISAVIS_ASSIGN_OR_RETURN(const caffe::Blobs blobs,
                           caffe::ParseWeights(weights, weights_path, limits));
  VISAVIS_ASSIGN_OR_RETURN(Graph graph,
                           caffe::Importer(net, blobs, network_path, weights_path).Import());
  if (RecogniseNetwork(graph).starts_with("MTCNN")) {
    graph.notes.push_back(
        "MTCNN's Caffe files hold kernels for transposed images (W x H) in RGB order; model "
        "convert --transpose-hw --reverse-input-channels=weights gives the network for upright "
        "BGR images");
  }
  return graph;
}

}  // namespace visavis
