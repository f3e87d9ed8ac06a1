#include "model/graph/passes/linear_node.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace visavis {
namespace {

// Beyond these a border value or a scaled weight could leave float32's range.
constexpr double kSmallestScale = 1e-20;
constexpr double kLargestBorder = 1e18;

}  // namespace

std::optional<LinearNode> LinearNode::At(GraphEditor& editor, int index) {
  if (index < 0 || editor.erased(index)) return std::nullopt;
  const bool is_conv = IsFused(editor.node(index), kFusedConv);
  if (!is_conv && !IsFused(editor.node(index), kFusedGemm)) return std::nullopt;
  return LinearNode(editor, index, is_conv);
}

LinearNode::LinearNode(GraphEditor& editor, int index, bool is_conv)
    : editor_(&editor), index_(index), is_conv_(is_conv) {
  const Shape& weights = editor.graph().constant(editor.node(index).inputs[kConvWeights])->shape();
  out_channels_ = static_cast<std::size_t>(weights[0]);
  in_channels_ = depthwise() ? out_channels_ : static_cast<std::size_t>(weights[1]);
}

std::vector<double> LinearNode::Doubles(std::size_t input, std::size_t count,
                                        double fallback) const {
  std::vector<double> values = ConstantDoubles(editor_->graph(), node().inputs[input]);
  if (values.empty()) values.assign(count, fallback);
  return values;
}

void LinearNode::SetDoubles(std::size_t input, const char* what, std::span<const double> values) {
  const std::string name = editor_->graph().value(y()).name + what;
  editor_->SetInput(index_, input, editor_->AddDoubles(name, values));
}

void LinearNode::SetSlope(std::span<const float> slope) {
  const std::string name = editor_->graph().value(y()).name + "_slope";
  editor_->SetInput(index_, is_conv_ ? std::size_t{kConvSlope} : std::size_t{kGemmSlope},
                    editor_->AddFloats(name, slope));
}

void LinearNode::SetResidual(ValueId residual, bool first) {
  editor_->SetInput(index_, kConvResidual, residual);
  SetAttribute("residual_first", std::int64_t{first});
}

bool LinearNode::FoldBehind(const ChannelAffine& affine) {
  if (has_activation() || has_residual() || !affine.Fits(out_channels_)) return false;
  const std::size_t bias_input = is_conv_ ? std::size_t{kConvBias} : std::size_t{kGemmBias};
  const std::size_t scale_input =
      is_conv_ ? std::size_t{kConvOutScale} : std::size_t{kGemmOutScale};
  std::vector<double> bias = Doubles(bias_input, out_channels_, 0);
  std::vector<double> scale = Doubles(scale_input, out_channels_, 1);
  for (std::size_t o = 0; o < out_channels_; ++o) {
    bias[o] = bias[o] * affine.ScaleAt(o) + affine.ShiftAt(o);
    scale[o] *= affine.ScaleAt(o);
  }
  SetDoubles(bias_input, "_bias", bias);
  SetDoubles(scale_input, "_out_scale", scale);
  return true;
}

// What padding must hold before the map so that after it padding holds what it held.
std::vector<double> LinearNode::BorderBefore(const ChannelAffine& affine) const {
  std::vector<double> border = Doubles(kConvBorder, in_channels_, 0);
  for (std::size_t c = 0; c < in_channels_; ++c) {
    const double wanted = border[c] - affine.ShiftAt(c);
    border[c] = wanted == 0 ? 0 : wanted / affine.ScaleAt(c);
  }
  return border;
}

bool LinearNode::CanFoldBefore(const ChannelAffine& affine) const {
  if (IsQuantized(editor_->graph(), node())) return false;
  if (is_conv_) {
    if (!affine.Fits(in_channels_)) return false;
  } else {
    const std::size_t channels = std::max(affine.scale.size(), affine.shift.size());
    const std::size_t scales = Doubles(kGemmInScale, 1, 1).size();
    const bool nested = std::max(channels, scales) % std::min(channels, scales) == 0;
    if (!affine.Fits(channels) || in_channels_ % channels != 0 || !nested) return false;
  }
  if (!padded()) return true;
  const std::vector<double> border = BorderBefore(affine);
  for (std::size_t c = 0; c < in_channels_; ++c) {
    const bool reachable = border[c] == 0 || std::abs(affine.ScaleAt(c)) >= kSmallestScale;
    if (!reachable || !(std::abs(border[c]) <= kLargestBorder)) return false;
  }
  return true;
}

// bias[o] += sum over i and taps of weights[o][i] * in_scale[i] * out_scale[o] * shift[i].
std::vector<double> LinearNode::ShiftThroughWeights(const ChannelAffine& affine) const {
  const std::size_t scale_input = is_conv_ ? std::size_t{kConvInScale} : std::size_t{kGemmInScale};
  const std::size_t out_input = is_conv_ ? std::size_t{kConvOutScale} : std::size_t{kGemmOutScale};
  const std::vector<double> in_scale = Doubles(scale_input, 1, 1);
  const std::vector<double> out_scale = Doubles(out_input, out_channels_, 1);
  const Tensor& weights = *editor_->graph().constant(node().inputs[kConvWeights]);
  const std::span<const float> w = weights.data<float>();
  const std::size_t columns = depthwise() ? 1 : in_channels_;  // groups of weights per output
  const std::size_t taps = w.size() / out_channels_ / columns;

  std::vector<double> factor(columns);
  const std::size_t scales = std::max(affine.scale.size(), affine.shift.size());
  for (std::size_t i = 0; i < columns; ++i) {
    const std::size_t channel = is_conv_ ? i : i / (columns / scales);
    const double scale = in_scale[i / (columns / in_scale.size())];
    factor[i] = depthwise() ? 1 : affine.ShiftAt(channel) * scale;
  }
  std::vector<double> sums(out_channels_, 0);
  for (std::size_t o = 0; o < out_channels_; ++o) {
    const float* row = w.data() + o * columns * taps;
    double sum = 0;
    for (std::size_t i = 0; i < columns; ++i) {
      double of_taps = 0;
      for (std::size_t t = 0; t < taps; ++t) of_taps += row[i * taps + t];
      sum += of_taps * factor[i];
    }
    sums[o] = sum * out_scale[o] * (depthwise() ? affine.ShiftAt(o) : 1);
  }
  return sums;
}

bool LinearNode::FoldBefore(const ChannelAffine& affine) {
  if (!CanFoldBefore(affine)) return false;
  const std::size_t bias_input = is_conv_ ? std::size_t{kConvBias} : std::size_t{kGemmBias};
  std::vector<double> bias = Doubles(bias_input, out_channels_, 0);
  const std::vector<double> sums = ShiftThroughWeights(affine);
  for (std::size_t o = 0; o < out_channels_; ++o) bias[o] += sums[o];
  if (padded()) SetDoubles(kConvBorder, "_border", BorderBefore(affine));

  if (depthwise()) {
    std::vector<double> scale = Doubles(kConvOutScale, out_channels_, 1);
    for (std::size_t o = 0; o < out_channels_; ++o) scale[o] *= affine.ScaleAt(o);
    SetDoubles(kConvOutScale, "_out_scale", scale);
  } else {
    const std::size_t scale_input =
        is_conv_ ? std::size_t{kConvInScale} : std::size_t{kGemmInScale};
    std::vector<double> scale = Doubles(scale_input, 1, 1);
    const std::size_t count = is_conv_ ? in_channels_ : std::max(scale.size(), affine.scale.size());
    std::vector<double> product(count);
    for (std::size_t i = 0; i < count; ++i) {
      product[i] =
          scale[i / (count / scale.size())] * affine.scale[i / (count / affine.scale.size())];
    }
    SetDoubles(scale_input, "_in_scale", product);
  }
  SetDoubles(bias_input, "_bias", bias);
  editor_->SetInput(index_, 0, affine.x);
  return true;
}

}  // namespace visavis
