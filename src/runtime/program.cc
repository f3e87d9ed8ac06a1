#include "runtime/program.h"

#include <utility>

#include "runtime/ops/registry.h"

namespace visavis {

ValueId Program::AddValue(std::string name) {
  values.push_back(ProgramValue{std::move(name), nullptr});
  return static_cast<ValueId>(values.size()) - 1;
}

Program ProgramShell(const Graph& graph) {
  Program program;
  program.values.reserve(graph.values.size());
  for (const Value& value : graph.values) {
    program.values.push_back(ProgramValue{value.name, value.constant});
  }
  program.inputs = graph.inputs;
  program.outputs = graph.outputs;
  return program;
}

Status AppendDense(Program& program, const Graph& graph, const Node& node,
                   const CompileContext& context) {
  ProgramNode compiled;
  VISAVIS_ASSIGN_OR_RETURN(compiled.op, CreateOperator(OperatorArgs{graph, node, context}));
  compiled.name = graph.Describe(node);
  compiled.op_type = node.op_type;
  compiled.inputs = node.inputs;
  compiled.outputs = node.outputs;
  program.nodes.push_back(std::move(compiled));
  return {};
}

Result<Program> CompileDense(const Graph& graph, const CompileContext& context) {
  Program program = ProgramShell(graph);
  for (const Node& node : graph.nodes) {
    VISAVIS_RETURN_IF_ERROR(AppendDense(program, graph, node, context));
  }
  DropUnreadConstants(program);
  return program;
}

void DropUnreadConstants(Program& program) {
  std::vector<bool> read(program.values.size(), false);
  const auto mark = [&](const std::vector<ValueId>& ids) {
    for (const ValueId id : ids) {
      if (id != kNoValue) read[static_cast<std::size_t>(id)] = true;
    }
  };
  for (const ProgramNode& node : program.nodes) mark(node.inputs);
  mark(program.outputs);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (!read[i]) program.values[i].constant.reset();
  }
}

}  // namespace visavis
