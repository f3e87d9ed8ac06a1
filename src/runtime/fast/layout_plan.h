// Which values of a graph are blocked, and what their readers need around them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "model/graph/graph.h"
#include "model/graph/passes/symbolic_shape.h"
#include "runtime/fast/blocked.h"

namespace visavis {

/// How the fast compiler runs a node.
enum class NodeKind : std::uint8_t {
  kDense,           ///< as its dense operator
  kConv,            ///< blocked convolution
  kStem,            ///< convolution of a dense picture of few channels
  kDepthwise,       ///< blocked depthwise convolution
  kFullyConnected,  ///< blocked or dense to dense
  kPool,            ///< blocked pooling
  kAffine,          ///< blocked map or activation
  kAdd,             ///< blocked sum of two values of one shape
  kUpsample,        ///< blocked nearest-neighbour upsampling
  kUpsampleAdd,     ///< an Add together with the upsampling of one summand
  kSkipped,         ///< the upsampling that a kUpsampleAdd took over
  kChannelsLast,    ///< Transpose of a blocked value to channels last
  kQuantConv,       ///< c64 quantized convolution
  kQuantDepthwise,  ///< the same, depthwise
  kQuantPicture,    ///< the same of a dense picture of few channels
  kQuantGemm,       ///< c64 or dense bytes to dense floats
  kQuantizedMap,    ///< c64 or blocked floats to c64
  kQuantize,        ///< QuantizeLinear of a blocked value, to c64
  kDequantize,      ///< DequantizeLinear of a c64 value, to blocked
  kShape            ///< reads only the shape of a value in any layout
};

/// The compiler's decisions, by node and by value of the graph.
struct LayoutPlan {
  std::vector<NodeKind> kinds;     ///< by node
  std::vector<bool> blocked;       ///< by value: made in blocked layout
  std::vector<bool> bytes;         ///< by value: blocked as c64 bytes
  std::vector<int> channels;       ///< by value: of blocked ones; else 0
  std::vector<BlockedSpec> specs;  ///< by value: how its maker lays it out
};

/// Decides layouts front to back: a convolution makes a blocked value, and whatever can stay
/// blocked does. `store`: of all blocked floats.
LayoutPlan PlanLayouts(const Graph& graph, DType store);

/// The border that `node`, blocked as `kind`, needs around its input 0.
struct BorderNeed {
  Border border;
  std::shared_ptr<const PerChannel> values;  ///< null: zeros

  bool any() const;
  bool SameValues(const std::shared_ptr<const PerChannel>& other) const;
};
BorderNeed NeedOf(const Graph& graph, const Node& node, NodeKind kind);
/// True if a value laid out by `spec` serves `need` as it is.
bool Serves(const BlockedSpec& spec, const BorderNeed& need);

}  // namespace visavis
