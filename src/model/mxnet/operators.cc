// One translator per MXNet operator. Semantics and defaults are those of MXNet 1.9's documentation
// of each operator.
#include <algorithm>
#include <array>
#include <numeric>

#include "base/try.h"
#include "model/mxnet/translation.h"

namespace visavis::mxnet {
namespace {

using Ints = std::vector<std::int64_t>;

// Begin and end padding are the same in MXNet; ONNX lists all begins, then all ends.
Ints BothSides(const Ints& pad) {
  Ints both = pad;
  both.insert(both.end(), pad.begin(), pad.end());
  return both;
}

// The attributes of a sliding window over `rank` spatial dimensions.
struct Window {
  Ints kernel;
  Ints stride;
  Ints pad;
  Ints dilate;
};

Result<Window> ReadWindow(NodeTranslation& t) {
  AttributeReader& attributes = t.attributes();
  Window window;
  window.kernel = attributes.Tuple("kernel", {});
  const std::size_t rank = window.kernel.size();
  window.stride = attributes.Tuple("stride", Ints(rank, 1));
  window.pad = attributes.Tuple("pad", Ints(rank, 0));
  window.dilate = attributes.Tuple("dilate", Ints(rank, 1));
  VISAVIS_RETURN_IF_ERROR(attributes.status());
  // "()" stands for the default.
  if (window.stride.empty()) window.stride.assign(rank, 1);
  if (window.pad.empty()) window.pad.assign(rank, 0);
  if (window.dilate.empty()) window.dilate.assign(rank, 1);
  if (rank < 1 || rank > 3 || window.stride.size() != rank || window.pad.size() != rank ||
      window.dilate.size() != rank) {
    return t.Fail(ErrorCode::kCorruptData,
                  "kernel, stride, pad and dilate have {}, {}, {} and {} extents, want the same "
                  "1 to 3",
                  rank, window.stride.size(), window.pad.size(), window.dilate.size());
  }
  constexpr std::int64_t kLargest = 1 << 16;
  const auto within = [](const Ints& values, std::int64_t least) {
    return std::ranges::all_of(values,
                               [least](std::int64_t v) { return v >= least && v <= kLargest; });
  };
  if (!within(window.kernel, 1) || !within(window.stride, 1) || !within(window.pad, 0) ||
      !within(window.dilate, 1)) {
    return t.Fail(ErrorCode::kCorruptData, "a window extent is out of range");
  }
  return window;
}

Status CheckShape(NodeTranslation& t, std::size_t input, const Tensor& tensor, const Shape& want) {
  if (tensor.shape() == want) return {};
  return t.Fail(ErrorCode::kCorruptData, "tensor '{}' has shape {}, want {}", t.WeightName(input),
                tensor.shape().ToString(), want.ToString());
}

// Input `i` as a constant of the given shape.
Result<ValueId> ShapedWeight(NodeTranslation& t, std::size_t i, const Shape& want) {
  VISAVIS_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> tensor, t.Weight(i));
  VISAVIS_RETURN_IF_ERROR(CheckShape(t, i, *tensor, want));
  return t.all().AddWeight(t.WeightName(i), std::move(tensor));
}

Status Convolution(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  VISAVIS_ASSIGN_OR_RETURN(const Window window, ReadWindow(t));
  const std::int64_t filters = t.attributes().Int("num_filter", 0);
  const std::int64_t group = t.attributes().Int("num_group", 1);
  const bool no_bias = t.attributes().Bool("no_bias", false);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());

  VISAVIS_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> weight, t.Weight(1));
  const int rank = static_cast<int>(window.kernel.size()) + 2;
  Ints want{filters, weight->shape().rank() > 1 ? weight->shape()[1] : 1};
  want.insert(want.end(), window.kernel.begin(), window.kernel.end());
  VISAVIS_RETURN_IF_ERROR(CheckShape(t, 1, *weight, Shape(want)));
  if (filters < 1 || group < 1 || filters % group != 0) {
    return t.Fail(ErrorCode::kCorruptData, "{} filters in {} groups, want a multiple", filters,
                  group);
  }
  std::vector<ValueId> inputs{data, t.all().AddWeight(t.WeightName(1), std::move(weight))};
  if (!no_bias) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId bias, ShapedWeight(t, 2, Shape{filters}));
    inputs.push_back(bias);
  }
  t.SetOutput(0, t.Emit("Conv", "", std::move(inputs), rank,
                        {{"kernel_shape", window.kernel},
                         {"strides", window.stride},
                         {"pads", BothSides(window.pad)},
                         {"dilations", window.dilate},
                         {"group", group}}));
  return {};
}

Result<ValueId> Flattened(NodeTranslation& t, ValueId data) {
  if (t.all().rank(data) == 2) return data;
  return t.Emit("Flatten", "_flatten", {data}, 2, {{"axis", std::int64_t{1}}});
}

Status FullyConnected(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(ValueId data, t.Input(0));
  const std::int64_t hidden = t.attributes().Int("num_hidden", 0);
  const bool no_bias = t.attributes().Bool("no_bias", false);
  const bool flatten = t.attributes().Bool("flatten", true);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  VISAVIS_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> weight, t.Weight(1));
  const Shape want{hidden, weight->shape().rank() > 1 ? weight->shape()[1] : 1};
  VISAVIS_RETURN_IF_ERROR(CheckShape(t, 1, *weight, want));
  if (!flatten && t.all().rank(data) != 2) {
    return t.Fail(ErrorCode::kUnsupported, "flatten=False on {} dimensions, want 2",
                  t.all().rank(data));
  }
  VISAVIS_ASSIGN_OR_RETURN(data, Flattened(t, data));
  std::vector<ValueId> inputs{data, t.all().AddWeight(t.WeightName(1), std::move(weight))};
  if (!no_bias) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId bias, ShapedWeight(t, 2, Shape{hidden}));
    inputs.push_back(bias);
  }
  t.SetOutput(0, t.Emit("Gemm", "", std::move(inputs), 2, {{"transB", std::int64_t{1}}}));
  return {};
}

// The running statistics are inputs 3 and 4; symbols from before 0.9 leave them out and the file
// has them under the node's name.
Result<ValueId> RunningStatistic(NodeTranslation& t, std::size_t input, const char* suffix,
                                 const Shape& want) {
  if (t.node().inputs.size() > input) return ShapedWeight(t, input, want);
  const std::string name = t.node().name + suffix;
  VISAVIS_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> tensor, t.all().WeightOf(name, t.node()));
  if (tensor->shape() != want) {
    return t.Fail(ErrorCode::kCorruptData, "tensor '{}' has shape {}, want {}", name,
                  tensor->shape().ToString(), want.ToString());
  }
  return t.all().AddWeight(name, std::move(tensor));
}

Status BatchNorm(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const double epsilon = t.attributes().Number("eps", 1e-3);
  const double momentum = t.attributes().Number("momentum", 0.9);
  const bool fix_gamma = t.attributes().Bool("fix_gamma", true);
  const std::int64_t axis = t.attributes().Int("axis", 1);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  if (axis != 1) return t.Fail(ErrorCode::kUnsupported, "axis is {}, want 1", axis);

  VISAVIS_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> beta, t.Weight(2));
  const Shape channels{beta->elements()};
  VISAVIS_RETURN_IF_ERROR(CheckShape(t, 2, *beta, channels));
  ValueId gamma = kNoValue;
  if (fix_gamma) {
    // Whatever is stored, MXNet computes with 1.
    const std::vector<float> ones(static_cast<std::size_t>(channels[0]), 1.0f);
    gamma = t.all().graph().AddConstant(t.all().UniqueName(t.WeightName(1)),
                                        Tensor::From<float>(channels, ones));
  } else {
    VISAVIS_ASSIGN_OR_RETURN(gamma, ShapedWeight(t, 1, channels));
  }
  VISAVIS_ASSIGN_OR_RETURN(const ValueId mean, RunningStatistic(t, 3, "_moving_mean", channels));
  VISAVIS_ASSIGN_OR_RETURN(const ValueId variance, RunningStatistic(t, 4, "_moving_var", channels));
  const ValueId shift = t.all().AddWeight(t.WeightName(2), std::move(beta));
  t.SetOutput(
      0, t.Emit("BatchNormalization", "", {data, gamma, shift, mean, variance}, t.all().rank(data),
                {{"epsilon", static_cast<float>(epsilon)},
                 {"momentum", static_cast<float>(momentum)}}));
  return {};
}

Status PRelu(NodeTranslation& t, ValueId data) {
  VISAVIS_ASSIGN_OR_RETURN(std::shared_ptr<const Tensor> slope, t.Weight(1));
  const std::int64_t channels = slope->elements();
  VISAVIS_RETURN_IF_ERROR(CheckShape(t, 1, *slope, Shape{channels}));
  const int rank = t.all().rank(data);
  if (rank < 2) return t.Fail(ErrorCode::kUnsupported, "the rank of its input is unknown");
  // ONNX aligns the slope with the last dimensions; the channel is dimension 1.
  Ints shape(static_cast<std::size_t>(rank) - 1, 1);
  shape[0] = channels;
  const ValueId aligned = t.all().AddWeight(t.WeightName(1), std::move(slope), Shape(shape));
  t.SetOutput(0, t.Emit("PRelu", "", {data, aligned}, rank));
  return {};
}

Status LeakyRelu(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const std::string type = t.attributes().String("act_type", "leaky");
  const double slope = t.attributes().Number("slope", 0.25);
  const double lower = t.attributes().Number("lower_bound", 0.125);
  const double upper = t.attributes().Number("upper_bound", 0.334);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  const int rank = t.all().rank(data);
  if (type == "prelu") return PRelu(t, data);
  if (type == "leaky" || type == "rrelu") {
    // rrelu draws its slope in training and uses the middle afterwards.
    const double alpha = type == "leaky" ? slope : (lower + upper) / 2;
    t.SetOutput(0, t.Emit("LeakyRelu", "", {data}, rank, {{"alpha", static_cast<float>(alpha)}}));
    return {};
  }
  if (type == "elu") {
    t.SetOutput(0, t.Emit("Elu", "", {data}, rank, {{"alpha", static_cast<float>(slope)}}));
    return {};
  }
  return t.Fail(ErrorCode::kUnsupported, "act_type is '{}', want leaky, prelu, rrelu or elu", type);
}

Status Pooling(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const std::string type = t.attributes().String("pool_type", "max");
  const std::string convention = t.attributes().String("pooling_convention", "valid");
  const bool global = t.attributes().Bool("global_pool", false);
  const bool count_include_pad = t.attributes().Bool("count_include_pad", true);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  if (type != "max" && type != "avg") {
    return t.Fail(ErrorCode::kUnsupported, "pool_type is '{}', want max or avg", type);
  }
  if (convention != "valid" && convention != "full") {
    return t.Fail(ErrorCode::kUnsupported, "pooling_convention is '{}', want valid or full",
                  convention);
  }
  const bool max = type == "max";
  if (global) {
    t.SetOutput(
        0, t.Emit(max ? "GlobalMaxPool" : "GlobalAveragePool", "", {data}, t.all().rank(data)));
    return {};
  }
  VISAVIS_ASSIGN_OR_RETURN(const Window window, ReadWindow(t));
  std::map<std::string, Attribute, std::less<>> attributes{
      {"kernel_shape", window.kernel},
      {"strides", window.stride},
      {"pads", BothSides(window.pad)},
      {"ceil_mode", std::int64_t{convention == "full"}}};
  if (!max) attributes.emplace("count_include_pad", std::int64_t{count_include_pad});
  t.SetOutput(0, t.Emit(max ? "MaxPool" : "AveragePool", "", {data},
                        static_cast<int>(window.kernel.size()) + 2, std::move(attributes)));
  return {};
}

Status Activation(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const std::string type = t.attributes().String("act_type", "");
  const char* op = type == "relu"       ? "Relu"
                   : type == "sigmoid"  ? "Sigmoid"
                   : type == "tanh"     ? "Tanh"
                   : type == "softrelu" ? "Softplus"
                   : type == "softsign" ? "Softsign"
                                        : nullptr;
  if (op == nullptr) return t.Fail(ErrorCode::kUnsupported, "act_type is '{}'", type);
  t.SetOutput(0, t.Emit(op, "", {data}, t.all().rank(data)));
  return {};
}

Status SoftmaxAlong(NodeTranslation& t, ValueId data, std::int64_t axis) {
  t.SetOutput(0, t.Emit("Softmax", "", {data}, t.all().rank(data), {{"axis", axis}}));
  return {};
}

Status SoftmaxActivation(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const std::string mode = t.attributes().String("mode", "instance");
  if (mode == "channel") return SoftmaxAlong(t, data, 1);
  if (mode == "instance" && t.all().rank(data) == 2) return SoftmaxAlong(t, data, 1);
  return t.Fail(ErrorCode::kUnsupported,
                "mode '{}' on {} dimensions, want channel, or instance on 2", mode,
                t.all().rank(data));
}

// The loss layer predicts with a plain softmax; its second input, the label, is not read.
Status SoftmaxOutput(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const bool multi_output = t.attributes().Bool("multi_output", false);
  const bool preserve_shape = t.attributes().Bool("preserve_shape", false);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  if (multi_output || t.all().rank(data) == 2) return SoftmaxAlong(t, data, 1);
  if (preserve_shape) return SoftmaxAlong(t, data, -1);
  return t.Fail(ErrorCode::kUnsupported, "softmax over {} dimensions at once, want 2",
                t.all().rank(data));
}

Status Softmax(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const std::int64_t axis = t.attributes().Int("axis", -1);
  const double temperature = t.attributes().Number("temperature", 1);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  if (temperature != 1) {
    return t.Fail(ErrorCode::kUnsupported, "temperature is {}, want 1", temperature);
  }
  return SoftmaxAlong(t, data, axis);
}

Status SliceChannel(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const std::int64_t count = t.attributes().Int("num_outputs", 1);
  const std::int64_t axis = t.attributes().Int("axis", 1);
  const bool squeeze = t.attributes().Bool("squeeze_axis", false);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  constexpr std::int64_t kMostOutputs = 4096;
  if (count < 1 || count > kMostOutputs) {
    return t.Fail(ErrorCode::kCorruptData, "num_outputs is {}, want 1 to {}", count, kMostOutputs);
  }
  if (squeeze) return t.Fail(ErrorCode::kUnsupported, "squeeze_axis is True, want False");
  const std::vector<ValueId> parts =
      t.EmitMany("Split", {data}, static_cast<int>(count), t.all().rank(data), {{"axis", axis}});
  for (int i = 0; i < static_cast<int>(parts.size()); ++i) {
    t.SetOutput(i, parts[static_cast<std::size_t>(i)]);
  }
  return {};
}

Result<std::vector<ValueId>> AllInputs(NodeTranslation& t) {
  VISAVIS_RETURN_IF_ERROR(t.ExpectInputs(1));
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < t.node().inputs.size(); ++i) {
    VISAVIS_ASSIGN_OR_RETURN(const ValueId input, t.Input(i));
    inputs.push_back(input);
  }
  return inputs;
}

Status Concat(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(std::vector<ValueId> inputs, AllInputs(t));
  const std::int64_t axis = t.attributes().Int("dim", 1);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  const int rank = t.all().rank(inputs[0]);
  t.SetOutput(0, t.Emit("Concat", "", std::move(inputs), rank, {{"axis", axis}}));
  return {};
}

Status Sum(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<ValueId> inputs, AllInputs(t));
  ValueId sum = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const bool last = i + 1 == inputs.size();
    sum = t.Emit("Add", last ? "" : fmt::format("_part{}", i), {sum, inputs[i]},
                 t.all().rank(inputs[0]));
  }
  t.SetOutput(0, sum);
  return {};
}

Status Binary(NodeTranslation& t, const char* op) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId a, t.Input(0));
  VISAVIS_ASSIGN_OR_RETURN(const ValueId b, t.Input(1));
  t.SetOutput(0, t.Emit(op, "", {a, b}, std::max(t.all().rank(a), t.all().rank(b))));
  return {};
}

// `scalar_first` for the reversed forms: scalar - x, scalar / x.
Status WithScalar(NodeTranslation& t, const char* op, bool scalar_first) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const double scalar = t.attributes().Number("scalar", 0);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  const ValueId constant = t.all().AddScalar(t.node().name + "_scalar", static_cast<float>(scalar));
  std::vector<ValueId> inputs{data, constant};
  if (scalar_first) std::swap(inputs[0], inputs[1]);
  t.SetOutput(0, t.Emit(op, "", std::move(inputs), t.all().rank(data)));
  return {};
}

Status Clip(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  if (!t.attributes().Has("a_min") || !t.attributes().Has("a_max")) {
    return t.Fail(ErrorCode::kCorruptData, "wants a_min and a_max");
  }
  const double low = t.attributes().Number("a_min", 0);
  const double high = t.attributes().Number("a_max", 0);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  const ValueId low_id = t.all().AddScalar(t.node().name + "_min", static_cast<float>(low));
  const ValueId high_id = t.all().AddScalar(t.node().name + "_max", static_cast<float>(high));
  t.SetOutput(0, t.Emit("Clip", "", {data, low_id, high_id}, t.all().rank(data)));
  return {};
}

Status Flatten(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  t.SetOutput(0, t.Emit("Flatten", "", {data}, 2, {{"axis", std::int64_t{1}}}));
  return {};
}

Status Reshape(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const Ints shape = t.attributes().Tuple("shape", {});
  const bool reverse = t.attributes().Bool("reverse", false);
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  // 0 (keep) and -1 (the rest) mean the same in ONNX; MXNet's -2, -3 and -4 have no counterpart.
  const bool plain = std::ranges::all_of(shape, [](std::int64_t extent) { return extent >= -1; });
  if (shape.empty() || reverse || !plain) {
    return t.Fail(ErrorCode::kUnsupported, "wants a shape of extents >= -1, and reverse=False");
  }
  const ValueId target = t.all().AddIntegers(t.node().name + "_shape", shape);
  t.SetOutput(0, t.Emit("Reshape", "", {data, target}, static_cast<int>(shape.size())));
  return {};
}

Status Transpose(NodeTranslation& t) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  const Ints axes = t.attributes().Tuple("axes", {});
  VISAVIS_RETURN_IF_ERROR(t.attributes().status());
  std::map<std::string, Attribute, std::less<>> attributes;
  if (!axes.empty()) attributes.emplace("perm", axes);
  t.SetOutput(0, t.Emit("Transpose", "", {data}, t.all().rank(data), std::move(attributes)));
  return {};
}

Status Unary(NodeTranslation& t, const char* op) {
  VISAVIS_ASSIGN_OR_RETURN(const ValueId data, t.Input(0));
  t.SetOutput(0, t.Emit(op, "", {data}, t.all().rank(data)));
  return {};
}

struct Entry {
  std::string_view op;
  Translator translate;
};

template <const char* kOp>
Status Two(NodeTranslation& t) {
  return Binary(t, kOp);
}
template <const char* kOp>
Status One(NodeTranslation& t) {
  return Unary(t, kOp);
}
template <const char* kOp>
Status Scalar(NodeTranslation& t) {
  return WithScalar(t, kOp, false);
}
template <const char* kOp>
Status ScalarFirst(NodeTranslation& t) {
  return WithScalar(t, kOp, true);
}

constexpr char kAdd[] = "Add";
constexpr char kSub[] = "Sub";
constexpr char kMul[] = "Mul";
constexpr char kDiv[] = "Div";
constexpr char kPow[] = "Pow";
constexpr char kMax[] = "Max";
constexpr char kMin[] = "Min";
constexpr char kIdentity[] = "Identity";
constexpr char kRelu[] = "Relu";
constexpr char kSigmoid[] = "Sigmoid";
constexpr char kTanh[] = "Tanh";
constexpr char kSqrt[] = "Sqrt";
constexpr char kExp[] = "Exp";
constexpr char kLog[] = "Log";
constexpr char kAbs[] = "Abs";
constexpr char kNeg[] = "Neg";

// Later spellings follow the names of symbols written before 0.9.
constexpr std::array kTranslators{
    Entry{"Convolution", Convolution},
    Entry{"Convolution_v1", Convolution},
    Entry{"FullyConnected", FullyConnected},
    Entry{"BatchNorm", BatchNorm},
    Entry{"BatchNorm_v1", BatchNorm},
    Entry{"LeakyReLU", LeakyRelu},
    Entry{"Pooling", Pooling},
    Entry{"Pooling_v1", Pooling},
    Entry{"Activation", Activation},
    Entry{"SoftmaxActivation", SoftmaxActivation},
    Entry{"SoftmaxOutput", SoftmaxOutput},
    Entry{"Softmax", SoftmaxOutput},
    Entry{"softmax", Softmax},
    Entry{"SliceChannel", SliceChannel},
    Entry{"split", SliceChannel},
    Entry{"Concat", Concat},
    Entry{"concat", Concat},
    Entry{"ElementWiseSum", Sum},
    Entry{"add_n", Sum},
    Entry{"clip", Clip},
    Entry{"Flatten", Flatten},
    Entry{"flatten", Flatten},
    Entry{"Reshape", Reshape},
    Entry{"reshape", Reshape},
    Entry{"transpose", Transpose},
    Entry{"Dropout", One<kIdentity>},
    Entry{"identity", One<kIdentity>},
    Entry{"_copy", One<kIdentity>},
    Entry{"BlockGrad", One<kIdentity>},
    Entry{"relu", One<kRelu>},
    Entry{"sigmoid", One<kSigmoid>},
    Entry{"tanh", One<kTanh>},
    Entry{"sqrt", One<kSqrt>},
    Entry{"exp", One<kExp>},
    Entry{"log", One<kLog>},
    Entry{"abs", One<kAbs>},
    Entry{"negative", One<kNeg>},
    Entry{"elemwise_add", Two<kAdd>},
    Entry{"broadcast_add", Two<kAdd>},
    Entry{"broadcast_plus", Two<kAdd>},
    Entry{"_plus", Two<kAdd>},
    Entry{"_Plus", Two<kAdd>},
    Entry{"elemwise_sub", Two<kSub>},
    Entry{"broadcast_sub", Two<kSub>},
    Entry{"broadcast_minus", Two<kSub>},
    Entry{"_minus", Two<kSub>},
    Entry{"_Minus", Two<kSub>},
    Entry{"elemwise_mul", Two<kMul>},
    Entry{"broadcast_mul", Two<kMul>},
    Entry{"_mul", Two<kMul>},
    Entry{"_Mul", Two<kMul>},
    Entry{"elemwise_div", Two<kDiv>},
    Entry{"broadcast_div", Two<kDiv>},
    Entry{"_div", Two<kDiv>},
    Entry{"_Div", Two<kDiv>},
    Entry{"broadcast_maximum", Two<kMax>},
    Entry{"_maximum", Two<kMax>},
    Entry{"broadcast_minimum", Two<kMin>},
    Entry{"_minimum", Two<kMin>},
    Entry{"_plus_scalar", Scalar<kAdd>},
    Entry{"_PlusScalar", Scalar<kAdd>},
    Entry{"_minus_scalar", Scalar<kSub>},
    Entry{"_MinusScalar", Scalar<kSub>},
    Entry{"_rminus_scalar", ScalarFirst<kSub>},
    Entry{"_RMinusScalar", ScalarFirst<kSub>},
    Entry{"_mul_scalar", Scalar<kMul>},
    Entry{"_MulScalar", Scalar<kMul>},
    Entry{"_div_scalar", Scalar<kDiv>},
    Entry{"_DivScalar", Scalar<kDiv>},
    Entry{"_rdiv_scalar", ScalarFirst<kDiv>},
    Entry{"_RDivScalar", ScalarFirst<kDiv>},
    Entry{"_power_scalar", Scalar<kPow>},
    Entry{"_PowerScalar", Scalar<kPow>},
    Entry{"_maximum_scalar", Scalar<kMax>},
    Entry{"_MaximumScalar", Scalar<kMax>},
    Entry{"_minimum_scalar", Scalar<kMin>},
    Entry{"_MinimumScalar", Scalar<kMin>},
};

}  // namespace

Translator FindTranslator(std::string_view op) {
  const auto it = std::ranges::find(kTranslators, op, &Entry::op);
  return it == kTranslators.end() ? nullptr : it->translate;
}

}  // namespace visavis::mxnet
