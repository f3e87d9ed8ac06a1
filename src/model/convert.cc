#include "model/convert.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "model/graph/passes/passes.h"
#include "model/rewrite/batch.h"
#include "model/rewrite/constants.h"
#include "model/rewrite/difference.h"
#include "model/rewrite/opset.h"
#include "model/rewrite/transpose_hw.h"
#include "model/rewrite/weights.h"

namespace visavis {
namespace {

Graph WithoutClutter(const Graph& graph) { return FoldPlainConstants(RemoveIdentities(graph)); }

Graph WithOpenBatchIfOne(Graph graph) {
  if (graph.inputs.size() != 1 || FixedBatch(graph) != 1) return graph;
  Result<Graph> open = SetBatch(graph, Dim{-1, std::string(kOpenBatch)});
  return open ? *std::move(open) : std::move(graph);
}

std::string TextOf(const InputNormalization& n) {
  return fmt::format("(x - {}) * {}", fmt::join(n.mean, ","), fmt::join(n.scale, ","));
}

// The graph so far and the record of what changed it.
class Recorder {
 public:
  explicit Recorder(const Graph& graph) { conversion_.graph = graph; }

  const Graph& graph() const { return conversion_.graph; }

  Status Take(const char* name, Result<Graph> next, std::string remark = "") {
    if (!next) return next.error();
    ConvertStep step{name, std::move(remark), Differences(conversion_.graph, *next)};
    conversion_.graph = *std::move(next);
    if (!step.changes.empty() || !step.remark.empty()) {
      conversion_.steps.push_back(std::move(step));
    }
    return {};
  }

  Conversion Finish() && { return std::move(conversion_); }

 private:
  Conversion conversion_;
};

Status Repair(Recorder& recorder, const ConvertOptions& options) {
  std::vector<Defect> mended;
  Result<Graph> repaired = MendDefects(recorder.graph(), options.repair, &mended);
  std::string remark;
  for (const Defect& defect : mended) {
    remark += fmt::format("{}{}: {}", remark.empty() ? "" : "\n", defect.node, defect.message);
  }
  return recorder.Take("repair", std::move(repaired), std::move(remark));
}

Status Normalize(Recorder& recorder, const ConvertOptions& options) {
  if (options.unfold_normalization) {
    InputNormalization taken;
    Result<Graph> bare = TakeNormalizationOut(recorder.graph(), &taken);
    VISAVIS_RETURN_IF_ERROR(
        recorder.Take("unfold-normalization", std::move(bare),
                      fmt::format("the input now has to be {} of what it was", TextOf(taken))));
  }
  if (options.put_in) {
    VISAVIS_RETURN_IF_ERROR(
        recorder.Take("normalization", PutNormalizationIn(recorder.graph(), *options.put_in),
                      fmt::format("the network now computes {} itself", TextOf(*options.put_in))));
  }
  if (options.fold_normalization) {
    VISAVIS_RETURN_IF_ERROR(
        recorder.Take("fold-normalization", FoldNormalization(recorder.graph())));
  }
  return {};
}

}  // namespace

Result<Graph> CleanGraph(const Graph& graph) {
  Graph clean = WithOpenBatchIfOne(WithoutClutter(graph));
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(clean, "cleaned model"));
  return clean;
}

Result<Model> Clean(const Model& model) {
  VISAVIS_ASSIGN_OR_RETURN(Graph graph, CleanGraph(model.graph()));
  return Model::FromGraph(std::move(graph));
}

Result<Conversion> ConvertGraph(const Graph& graph, const ConvertOptions& options) {
  Recorder recorder(graph);
  if (!options.repair.empty()) VISAVIS_RETURN_IF_ERROR(Repair(recorder, options));
  if (!options.outputs.empty()) {
    VISAVIS_RETURN_IF_ERROR(recorder.Take("output", CutAt(recorder.graph(), options.outputs)));
  }
  VISAVIS_RETURN_IF_ERROR(recorder.Take("clean", WithoutClutter(recorder.graph())));
  if (options.transpose_hw) {
    VISAVIS_RETURN_IF_ERROR(
        recorder.Take("transpose-hw", TransposeHeightAndWidth(recorder.graph())));
  }
  VISAVIS_RETURN_IF_ERROR(Normalize(recorder, options));
  if (options.fold_batchnorm) {
    VISAVIS_RETURN_IF_ERROR(recorder.Take("fold-batchnorm", FoldBatchNorm(recorder.graph())));
  }
  if (options.reverse_channels) {
    VISAVIS_RETURN_IF_ERROR(
        recorder.Take("reverse-input-channels",
                      ReverseInputChannels(recorder.graph(), *options.reverse_channels)));
  }
  VISAVIS_RETURN_IF_ERROR(
      recorder.Take("batch", options.batch ? SetBatch(recorder.graph(), *options.batch)
                                           : Result<Graph>(WithOpenBatchIfOne(recorder.graph()))));
  if (options.opset) {
    VISAVIS_RETURN_IF_ERROR(recorder.Take("opset", ChangeOpset(recorder.graph(), *options.opset)));
  }
  if (options.storage) {
    std::vector<std::string> kept;
    Result<Graph> stored = StoreWeightsAs(recorder.graph(), *options.storage, nullptr, &kept);
    VISAVIS_RETURN_IF_ERROR(recorder.Take(
        "storage", std::move(stored),
        kept.empty()
            ? ""
            : fmt::format("left float32, beyond what float16 holds: {}", fmt::join(kept, ", "))));
  }
  Conversion result = std::move(recorder).Finish();
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(result.graph, "converted model"));
  return result;
}

}  // namespace visavis
