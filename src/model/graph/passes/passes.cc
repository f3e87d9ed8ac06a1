#include "model/graph/passes/passes.h"

#include <utility>

#include "base/try.h"

namespace visavis {

Result<Graph> OptimizeGraph(Graph graph) {
  graph = RemoveIdentities(std::move(graph));
  graph = FuseLinear(std::move(graph));
  graph = AttachEpilogues(std::move(graph));
  graph = FoldAffineBefore(std::move(graph));
  graph = AttachQuantization(std::move(graph));
  graph = MergeHeads(std::move(graph));
  VISAVIS_RETURN_IF_ERROR(ValidateAndSort(graph, "after the graph passes"));
  return graph;
}

}  // namespace visavis
