// One view of FusedConv and FusedGemm for the passes that fold things into them.
#pragma once

#include <optional>
#include <vector>

#include "model/graph/passes/channel_affine.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/graph_editor.h"

namespace visavis {

/// A FusedConv or FusedGemm under edit, by node index.
class LinearNode {
 public:
  /// Nothing if the node is neither.
  static std::optional<LinearNode> At(GraphEditor& editor, int index);

  int index() const { return index_; }
  bool is_conv() const { return is_conv_; }
  int output_rank() const { return is_conv_ ? 4 : 2; }
  ValueId x() const { return node().inputs[0]; }
  ValueId y() const { return node().outputs[0]; }
  std::size_t out_channels() const { return out_channels_; }
  std::size_t in_channels() const { return in_channels_; }  ///< of a FusedGemm: K
  bool has_activation() const { return node().String("activation", "none") != "none"; }
  bool has_residual() const { return is_conv_ && node().inputs[kConvResidual] != kNoValue; }

  /// y := affine(y). False, and nothing done, if it does not fit.
  bool FoldBehind(const ChannelAffine& affine);
  /// x := affine.x, where x was affine(affine.x). False, and nothing done, if it does not fit or
  /// padding could not read the right value.
  bool FoldBefore(const ChannelAffine& affine);
  bool CanFoldBefore(const ChannelAffine& affine) const;
  void SetActivation(const std::string& activation) { SetAttribute("activation", activation); }
  void SetAttribute(const std::string& name, Attribute value) {
    editor_->node(index_).attributes[name] = std::move(value);
  }
  void SetSlope(std::span<const float> slope);
  void SetResidual(ValueId residual, bool first);

 private:
  LinearNode(GraphEditor& editor, int index, bool is_conv);
  const Node& node() const { return editor_->node(index_); }
  bool depthwise() const { return is_conv_ && GeometryOf(node()).group != 1; }
  bool padded() const { return is_conv_ && GeometryOf(node()).padded(); }
  std::vector<double> Doubles(std::size_t input, std::size_t count, double fallback) const;
  void SetDoubles(std::size_t input, const char* what, std::span<const double> values);
  std::vector<double> ShiftThroughWeights(const ChannelAffine& affine) const;
  std::vector<double> BorderBefore(const ChannelAffine& affine) const;

  GraphEditor* editor_;
  int index_;
  bool is_conv_;
  std::size_t out_channels_;
  std::size_t in_channels_;
};

}  // namespace visavis
