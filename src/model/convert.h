// A model as other programs like it best.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/defects.h"
#include "model/graph/graph.h"
#include "model/rewrite/input.h"
#include "visavis/model.h"
#include "visavis/result.h"

namespace visavis {

/// The same network without what inference does not need: Identity and Dropout are gone, Constant
/// nodes and reshaped constants are initializers, nodes and constants that nothing reads are left
/// out. An input whose batch is fixed at one image gets the open batch "N" where no shape inside
/// the network depends on it.
/// Errors: kInternal only.
Result<Graph> CleanGraph(const Graph& graph);

/// CleanGraph as a model that SaveOnnx can write.
Result<Model> Clean(const Model& model);

/// What ConvertGraph does beyond cleaning, in this order.
struct ConvertOptions {
  std::vector<DefectKind> repair = {};                       ///< MendDefects
  std::vector<std::string> outputs = {};                     ///< CutAt, if any
  bool transpose_hw = false;                                 ///< TransposeHeightAndWidth
  bool unfold_normalization = false;                         ///< TakeNormalizationOut
  std::optional<InputNormalization> put_in = std::nullopt;   ///< PutNormalizationIn
  bool fold_normalization = false;                           ///< FoldNormalization
  bool fold_batchnorm = false;                               ///< FoldBatchNorm
  std::optional<ReverseBy> reverse_channels = std::nullopt;  ///< ReverseInputChannels
  std::optional<Dim> batch = std::nullopt;                   ///< SetBatch; else CleanGraph's
  std::optional<int> opset = std::nullopt;                   ///< ChangeOpset
  std::optional<DType> storage = std::nullopt;               ///< StoreWeightsAs: kF16 or kBF16
};

/// One step that changed something.
struct ConvertStep {
  std::string name;                  ///< "repair", "clean", "opset", ...
  std::string remark;                ///< what the user has to know of it; may be empty
  std::vector<std::string> changes;  ///< Differences, one line each
};

struct Conversion {
  Graph graph;
  std::vector<ConvertStep> steps;
};

/// Errors: those of the steps; the message begins with the step.
Result<Conversion> ConvertGraph(const Graph& graph, const ConvertOptions& options);

}  // namespace visavis
