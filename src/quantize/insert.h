// A prepared float graph with some of its values and weights stored as 8-bit integers.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "model/graph/graph.h"
#include "quantize/layers.h"
#include "quantize/ranges.h"
#include "quantize/recipe.h"
#include "quantize/weights.h"
#include "visavis/result.h"

namespace visavis {

/// Which values are stored as 8 bits.
struct QuantizedValues {
  std::vector<Layer> layers;  ///< those that get 8-bit inputs and weights
  std::set<ValueId> values;
  /// Of `values`: only layers read the 8 bits, everything else the float.
  std::set<ValueId> for_layers_only;
  /// Input of a MaxPool -> its output, whose scale it shares.
  std::map<ValueId, ValueId> shared;
};

/// Every layer but those that the recipe leaves float reads 8 bits. A value is stored as 8 bits
/// only behind everything a layer's kernel can do before it stores (activation, addition): behind
/// Conv, PRelu and Add, not between them. Of an addition's two operands the one that is not the
/// layer just computed is 8 bits too, unless the residual stream stays float. In the operator form
/// every layer and addition stores 8 bits at once.
QuantizedValues ChooseValues(const Graph& graph, const Recipe& recipe);

/// The graph with QuantizeLinear and DequantizeLinear pairs around `chosen`; biases in float or
/// int32 as the recipe says. `weights` and `biases` by layer.
Graph InsertQdq(const Graph& graph, const QuantizedValues& chosen,
                const std::map<ValueId, ActivationScale>& scales,
                const std::vector<QuantizedWeights>& weights,
                const std::vector<std::vector<float>>& biases, const Recipe& recipe);

/// Float operators between DequantizeLinear and QuantizeLinear as QLinearConv, QGemm, QLinearAdd,
/// QLinearGlobalAveragePool and MaxPool on bytes, where there are such; the rest stays.
Graph ToQOperators(Graph qdq);

}  // namespace visavis
