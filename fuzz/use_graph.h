// What every model fuzzer does with a graph that was read.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "model/convert.h"
#include "model/graph/graph.h"
#include "model/info.h"
#include "model/onnx/onnx_export.h"
#include "model/onnx/onnx_import.h"

namespace visavis::fuzz {

/// Small enough that a fuzzer's memory limit never stands in for ours.
inline Limits SmallLimits() {
  Limits limits;
  limits.tensor_elements = 1 << 20;
  limits.graph_nodes = 1000;
  return limits;
}

[[noreturn]] inline void Fail(const char* what, const Error& error) {
  std::fprintf(stderr, "%s: %s\n", what, error.message.c_str());
  std::abort();
}

/// An error must say something; a graph must survive being described, cleaned, written and read
/// again.
inline void UseGraph(const Result<Graph>& graph) {
  if (!graph) {
    if (graph.error().message.empty() || graph.error().code == ErrorCode::kInternal) {
      Fail("import", graph.error());
    }
    return;
  }
  InfoOf(*graph, {});
  const auto clean = CleanGraph(*graph);
  if (!clean) Fail("clean", clean.error());
  const auto written = ExportOnnx(*clean);
  if (!written) return;
  const auto* data = reinterpret_cast<const std::uint8_t*>(written->data());
  const auto again = ImportOnnx({data, written->size()}, "again", Limits{});
  // Shapes that only follow from the nodes may turn out too large.
  if (!again && again.error().code != ErrorCode::kLimitExceeded) {
    Fail("import of an exported model", again.error());
  }
}

}  // namespace visavis::fuzz
