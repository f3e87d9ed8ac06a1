// What a translator of one MXNet operator works with.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "model/graph/graph.h"
#include "model/mxnet/attributes.h"
#include "model/mxnet/params.h"
#include "model/mxnet/symbol.h"

namespace visavis::mxnet {

/// The ONNX operator set that symbols become. 13 is the first whose Softmax works along one axis,
/// as MXNet's does.
inline constexpr int kOpset = 13;

/// A graph under construction: values for edges, ranks of values, unique names.
class Translation {
 public:
  /// `symbol` and `params` must outlive the translation. Inputs of the graph get `input_rank`
  /// dimensions. `where` names the file in messages.
  Translation(const Symbol& symbol, const Params& params, int input_rank, std::string_view where);

  Graph& graph() { return graph_; }
  std::string_view where() const { return where_; }
  const Symbol& symbol() const { return symbol_; }
  const Params& params() const { return params_; }

  /// The value on `edge`. A variable without a tensor becomes an input of the graph.
  Result<ValueId> ValueOf(const Edge& edge);
  /// The tensor of a variable: float32, kCorruptData when it is missing, named in the message.
  Result<std::shared_ptr<const Tensor>> WeightOf(const std::string& variable,
                                                 const SymbolNode& reader) const;
  /// A constant of the graph under the name of the tensor; the same (name, shape) gives the same
  /// value. A `shape` other than the tensor's must have as many elements.
  ValueId AddWeight(const std::string& variable, std::shared_ptr<const Tensor> tensor,
                    const Shape& shape);
  ValueId AddWeight(const std::string& variable, std::shared_ptr<const Tensor> tensor);
  ValueId AddScalar(const std::string& name, float value);
  ValueId AddIntegers(const std::string& name, const std::vector<std::int64_t>& values);

  void Bind(const Edge& edge, ValueId value);
  std::string UniqueName(const std::string& wanted);

  /// Dimensions of a value, or -1 when unknown.
  int rank(ValueId value) const;
  void set_rank(ValueId value, int rank);

 private:
  const Symbol& symbol_;
  const Params& params_;
  const int input_rank_;
  std::string_view where_;
  Graph graph_;
  std::map<std::pair<int, int>, ValueId> edges_;
  std::map<std::pair<std::string, std::string>, ValueId> weights_;  // (name, shape)
  std::map<std::string, int, std::less<>> names_;
  std::vector<int> ranks_;
};

/// One MXNet node being translated.
class NodeTranslation {
 public:
  NodeTranslation(Translation& all, int index);

  const SymbolNode& node() const { return node_; }
  AttributeReader& attributes() { return attributes_; }
  Translation& all() { return all_; }

  /// kCorruptData unless the node has at least `count` inputs.
  Status ExpectInputs(std::size_t count) const;
  /// The value of data input `i`.
  Result<ValueId> Input(std::size_t i);
  /// The tensor of input `i`, which must be a variable with a tensor.
  Result<std::shared_ptr<const Tensor>> Weight(std::size_t i);
  /// The variable's name of input `i`, which Weight(i) has accepted.
  const std::string& WeightName(std::size_t i) const;

  /// Adds an ONNX node. `suffix` "" names it and its output after the MXNet node; helpers take
  /// another suffix. Returns its (only) output, of rank `rank`.
  ValueId Emit(std::string_view op_type, std::string_view suffix, std::vector<ValueId> inputs,
               int rank, std::map<std::string, Attribute, std::less<>> attributes = {});
  /// The same with `count` outputs.
  std::vector<ValueId> EmitMany(std::string_view op_type, std::vector<ValueId> inputs, int count,
                                int rank, std::map<std::string, Attribute, std::less<>> attributes);
  /// Says that output `i` of the MXNet node is `value`.
  void SetOutput(int i, ValueId value);

  template <typename... Args>
  Error Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
    return Error{code, Prefix() + fmt::format(format, std::forward<Args>(args)...)};
  }

 private:
  std::string Prefix() const;

  Translation& all_;
  const int index_;
  const SymbolNode& node_;
  AttributeReader attributes_;
};

/// Translates one operator; outputs are set through `node`.
using Translator = Status (*)(NodeTranslation& node);

/// Null when MXNet's operator `op` is not supported.
Translator FindTranslator(std::string_view op);

}  // namespace visavis::mxnet
