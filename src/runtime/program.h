// Program: a graph compiled to operators, before any shape is known.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/graph/graph.h"
#include "runtime/op.h"
#include "visavis/limits.h"
#include "visavis/session.h"

namespace visavis {

struct KernelTable;

/// What compiling may depend on.
struct CompileContext {
  Limits limits;
  const KernelTable* kernels = nullptr;  ///< of the session's ISA; never null
  Precision precision = Precision::kFp32;
  bool low_memory = false;
  int threads = 1;             ///< of the session's pool
  ThreadPool* pool = nullptr;  ///< the session's, borrowed, for packing weights; may be null
};

/// One operator and the values it connects (indices into Program::values, kNoValue where left out).
struct ProgramNode {
  std::unique_ptr<Operator> op;
  std::string name;  ///< for messages: Graph::Describe of the node
  std::string op_type;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
};

struct ProgramValue {
  std::string name;
  std::shared_ptr<const Tensor> constant;  ///< kept only if an operator reads it while running
};

/// Operators in execution order. Values with a layout other than dense pass only between operators
/// that agreed on it while compiling; inputs and outputs of the program are dense.
/// Threads: immutable once made.
struct Program {
  std::vector<ProgramValue> values;
  std::vector<ProgramNode> nodes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  /// Every input and output has the batch first, and no node mixes images of a batch.
  bool images_independent = false;
  /// Some layers multiply bytes.
  bool quantized = false;

  ValueId AddValue(std::string name);
};

/// A program with the graph's values (same ids; constants attached), inputs and outputs, and no
/// nodes yet.
Program ProgramShell(const Graph& graph);

/// Appends `node` of `graph` as the dense operator that the registry has for it. kUnsupported names
/// node, operator and opset.
Status AppendDense(Program& program, const Graph& graph, const Node& node,
                   const CompileContext& context);

/// Every node as its dense operator: the reference all faster programs are compared with.
Result<Program> CompileDense(const Graph& graph, const CompileContext& context);

/// Drops constants that no node reads any more, once weights are packed into operators.
void DropUnreadConstants(Program& program);

}  // namespace visavis
