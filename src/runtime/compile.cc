#include "runtime/compile.h"

#include "model/graph/passes/passes.h"
#include "runtime/fast/compile_fast.h"
#include "runtime/fold_constants.h"
#include "runtime/ops/registry.h"

namespace visavis {
namespace {

Status CheckOpset(const Graph& graph) {
  if (graph.opset < kFirstOpset || graph.opset > kLastOpset) {
    return MakeError(ErrorCode::kUnsupported, "operator set {}, want {} to {}", graph.opset,
                     kFirstOpset, kLastOpset);
  }
  return {};
}

}  // namespace

Result<Program> Compile(const Graph& graph, const CompileContext& context) {
  VISAVIS_RETURN_IF_ERROR(CheckOpset(graph));
  Graph folded = graph;
  VISAVIS_RETURN_IF_ERROR(FoldConstants(folded, context, true));
  folded = FuseQuantized(RemoveIdentities(std::move(folded)));
  VISAVIS_RETURN_IF_ERROR(FoldConstants(folded, context));
  VISAVIS_ASSIGN_OR_RETURN(const Graph optimized, OptimizeGraph(std::move(folded)));
  return CompileFast(optimized, context);
}

Result<Program> CompileReference(const Graph& graph, const CompileContext& context) {
  VISAVIS_RETURN_IF_ERROR(CheckOpset(graph));
  Graph folded = graph;
  VISAVIS_RETURN_IF_ERROR(FoldConstants(folded, context));
  return CompileDense(folded, context);
}

}  // namespace visavis
