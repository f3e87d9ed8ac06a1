#include "runtime/compile.h"

#include "model/graph/passes/passes.h"
#include "runtime/fast/compile_fast.h"
#include "runtime/fast/mix_precision.h"
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
  folded = RemoveIdentities(std::move(folded));
  CompileContext chosen = context;
  if (context.precision == Precision::kFast) {
    chosen.precision = context.kernels->fast_bf16 ? Precision::kBf16 : Precision::kFp32;
    if (context.kernels->fast_bf16) {
      folded = MixPrecision(folded, MakeCostModel(*context.kernels, Precision::kBf16,
                                                  context.low_memory, FloatBytesOf(folded)));
    }
  }
  folded = FuseQuantized(std::move(folded));
  VISAVIS_RETURN_IF_ERROR(FoldConstants(folded, chosen));
  VISAVIS_ASSIGN_OR_RETURN(const Graph optimized, OptimizeGraph(std::move(folded)));
  return CompileFast(optimized, chosen);
}

Result<Program> CompileReference(const Graph& graph, const CompileContext& context) {
  VISAVIS_RETURN_IF_ERROR(CheckOpset(graph));
  Graph folded = graph;
  VISAVIS_RETURN_IF_ERROR(FoldConstants(folded, context));
  return CompileDense(folded, context);
}

}  // namespace visavis
