#include "model/onnx/onnx_import.h"

#include <limits>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/huge_pages.h"
#include "base/try.h"
#include "model/defects.h"
#include "model/graph/onnx_types.h"
#include "model/onnx/attribute_types.h"
#include "model/onnx/tensor_proto.h"
#include "model/onnx/wire_split.h"
#include "model/rewrite/constants.h"

namespace visavis {
namespace onnx_format {
namespace {

std::string DomainOf(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

// Files from before IR version 2 leave the type of an attribute out.
onnx::AttributeProto::AttributeType TypeOf(const onnx::AttributeProto& attribute) {
  if (attribute.type() != onnx::AttributeProto::UNDEFINED) return attribute.type();
  if (attribute.has_f()) return onnx::AttributeProto::FLOAT;
  if (attribute.has_i()) return onnx::AttributeProto::INT;
  if (attribute.has_s()) return onnx::AttributeProto::STRING;
  if (attribute.has_t()) return onnx::AttributeProto::TENSOR;
  if (attribute.floats_size() > 0) return onnx::AttributeProto::FLOATS;
  if (attribute.ints_size() > 0) return onnx::AttributeProto::INTS;
  if (attribute.strings_size() > 0) return onnx::AttributeProto::STRINGS;
  return onnx::AttributeProto::UNDEFINED;
}

class Importer {
 public:
  Importer(const onnx::ModelProto& model, const SplitModel& split, std::string_view where,
           const Limits& limits, const RawCopied& copied)
      : model_(model), split_(split), where_(where), limits_(limits), copied_(copied) {}

  Result<OnnxAsIs> Import() {
    VISAVIS_RETURN_IF_ERROR(ReadHeader());
    VISAVIS_RETURN_IF_ERROR(ReadInitializers());
    VISAVIS_RETURN_IF_ERROR(ReadInputs());
    VISAVIS_RETURN_IF_ERROR(ReadNodes());
    VISAVIS_RETURN_IF_ERROR(ReadOutputs());
    VISAVIS_RETURN_IF_ERROR(ReadValueInfo());
    VISAVIS_RETURN_IF_ERROR(ValidateAndSort(graph_, where_));
    return OnnxAsIs{std::move(graph_), listed_};
  }

 private:
  Status ReadHeader() {
    const onnx::GraphProto& graph = model_.graph();
    if (graph.output_size() == 0) {
      return MakeError(ErrorCode::kCorruptData, "{}: has no outputs, want an ONNX model", where_);
    }
    if (model_.functions_size() > 0) {
      return MakeError(ErrorCode::kUnsupported, "{}: defines its own functions, e.g. {}", where_,
                       model_.functions(0).name());
    }
    if (graph.sparse_initializer_size() > 0) {
      return MakeError(ErrorCode::kUnsupported, "{}: sparse initializer '{}', want dense", where_,
                       graph.sparse_initializer(0).values().name());
    }
    if (graph.node_size() > limits_.graph_nodes) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: has {} nodes, limit {}", where_,
                       graph.node_size(), limits_.graph_nodes);
    }
    std::int64_t opset = 0;
    for (const onnx::OperatorSetIdProto& import : model_.opset_import()) {
      if (DomainOf(import.domain()).empty()) opset = import.version();
    }
    if (opset < kMinOpset || opset > kMaxOpset) {
      return MakeError(ErrorCode::kUnsupported, "{}: uses operator set {}, want {} to {}", where_,
                       opset, kMinOpset, kMaxOpset);
    }
    graph_.opset = static_cast<int>(opset);
    graph_.name = graph.name();
    graph_.producer = model_.producer_name();
    if (!model_.producer_version().empty()) graph_.producer += " " + model_.producer_version();
    for (const onnx::StringStringEntryProto& entry : model_.metadata_props()) {
      graph_.metadata[entry.key()] = entry.value();
    }
    return {};
  }

  // The value of that name, made at its first mention. No name means no value.
  ValueId ValueNamed(const std::string& name) {
    if (name.empty()) return kNoValue;
    const auto [it, added] = ids_.try_emplace(name, kNoValue);
    if (added) it->second = graph_.AddValue(name);
    return it->second;
  }

  Status ReadInitializers() {
    for (int i = 0; i < model_.graph().initializer_size(); ++i) {
      const onnx::TensorProto& proto = model_.graph().initializer(i);
      const std::string at = fmt::format("{}: initializer '{}'", where_, proto.name());
      if (proto.name().empty() || ids_.contains(proto.name())) {
        return MakeError(ErrorCode::kCorruptData, "{}: want a name of its own", at);
      }
      const auto& raw = split_.raw_data[static_cast<std::size_t>(i)];
      VISAVIS_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(proto, raw, at, limits_, copied_));
      ids_.emplace(proto.name(), graph_.AddConstant(proto.name(), std::move(tensor)));
    }
    return {};
  }

  Status ReadType(const onnx::ValueInfoProto& info, Value& value) const {
    if (!info.has_type()) return {};
    if (!info.type().has_tensor_type()) {
      return MakeError(ErrorCode::kUnsupported, "{}: value '{}' is no tensor", where_, info.name());
    }
    const onnx::TypeProto::Tensor& type = info.type().tensor_type();
    const std::optional<DType> dtype = DTypeOfOnnxType(type.elem_type());
    if (!dtype) {
      return MakeError(ErrorCode::kUnsupported, "{}: value '{}': element type {} is not supported",
                       where_, info.name(), type.elem_type());
    }
    value.dtype = *dtype;
    if (!type.has_shape()) return {};
    std::vector<Dim> dims;
    for (const onnx::TensorShapeProto::Dimension& dim : type.shape().dim()) {
      if (dim.has_dim_value() && dim.dim_value() > limits_.tensor_elements) {
        return MakeError(ErrorCode::kLimitExceeded, "{}: value '{}': extent {}, limit {}", where_,
                         info.name(), dim.dim_value(), limits_.tensor_elements);
      }
      const bool known = dim.has_dim_value() && dim.dim_value() >= 0;
      // Exporters write "?" for extents that have nothing in common.
      const std::string symbol = dim.dim_param() == "?" ? "" : dim.dim_param();
      dims.push_back(known ? Dim{dim.dim_value(), ""} : Dim{-1, symbol});
    }
    value.shape = std::move(dims);
    return {};
  }

  Status ReadInputs() {
    for (const onnx::ValueInfoProto& info : model_.graph().input()) {
      const ValueId id = ValueNamed(info.name());
      if (id == kNoValue) {
        return MakeError(ErrorCode::kCorruptData, "{}: an input has no name", where_);
      }
      if (graph_.constant(id) != nullptr) {  // IR version 3 lists initializers here too
        ++listed_;
        continue;
      }
      VISAVIS_RETURN_IF_ERROR(ReadType(info, graph_.value(id)));
      // Exporters of 2018 wrote 0 for the batch to come.
      if (graph_.value(id).shape) {
        for (Dim& dim : *graph_.value(id).shape) {
          if (dim.extent == 0) dim.extent = -1;
        }
      }
      graph_.inputs.push_back(id);
    }
    return {};
  }

  Status ReadNodes() {
    std::unordered_set<std::string> names;
    for (int i = 0; i < model_.graph().node_size(); ++i) {
      const onnx::NodeProto& proto = model_.graph().node(i);
      Node node;
      node.name = proto.name();
      // Names are for messages; a repeated one would point at the wrong node.
      if (!node.name.empty() && !names.insert(node.name).second) {
        node.name = fmt::format("{}#{}", node.name, i);
      }
      node.op_type = proto.op_type();
      node.domain = DomainOf(proto.domain());
      for (const std::string& name : proto.input()) node.inputs.push_back(ValueNamed(name));
      for (const std::string& name : proto.output()) node.outputs.push_back(ValueNamed(name));
      for (const onnx::AttributeProto& attribute : proto.attribute()) {
        const std::string at = fmt::format("{}: node {} ({}): attribute {}", where_,
                                           node.name.empty() ? std::to_string(i) : node.name,
                                           node.op_type, attribute.name());
        if (node.domain.empty() || node.domain == "com.microsoft") {
          VISAVIS_RETURN_IF_ERROR(CheckType(node.op_type, attribute, at));
        }
        VISAVIS_ASSIGN_OR_RETURN(Attribute value, ReadAttribute(attribute, at));
        node.attributes[attribute.name()] = std::move(value);
      }
      graph_.nodes.push_back(std::move(node));
    }
    return {};
  }

  // Readers of attributes take one of another type for one that is left out.
  static Status CheckType(const std::string& op_type, const onnx::AttributeProto& attribute,
                          const std::string& at) {
    const auto want = AttributeTypeOf(op_type, attribute.name());
    if (!want || TypeOf(attribute) == *want) return {};
    return MakeError(ErrorCode::kCorruptData, "{}: has type {}, want {}", at,
                     onnx::AttributeProto::AttributeType_Name(TypeOf(attribute)),
                     onnx::AttributeProto::AttributeType_Name(*want));
  }

  Result<Attribute> ReadAttribute(const onnx::AttributeProto& proto, const std::string& at) const {
    switch (TypeOf(proto)) {
      case onnx::AttributeProto::FLOAT:
        return Attribute(proto.f());
      case onnx::AttributeProto::INT:
        return Attribute(std::int64_t{proto.i()});
      case onnx::AttributeProto::STRING:
        return Attribute(proto.s());
      case onnx::AttributeProto::FLOATS:
        return Attribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
      case onnx::AttributeProto::INTS:
        return Attribute(std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end()));
      case onnx::AttributeProto::STRINGS:
        return Attribute(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
      case onnx::AttributeProto::TENSOR: {
        std::optional<std::span<const std::uint8_t>> raw;
        if (proto.t().has_raw_data()) {
          const std::string& bytes = proto.t().raw_data();
          raw = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
        }
        VISAVIS_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(proto.t(), raw, at, limits_));
        return Attribute(std::make_shared<const Tensor>(std::move(tensor)));
      }
      case onnx::AttributeProto::GRAPH:
      case onnx::AttributeProto::GRAPHS:
        return MakeError(ErrorCode::kUnsupported, "{}: is a subgraph, want a plain value", at);
      default:
        return MakeError(ErrorCode::kUnsupported, "{}: type {} is not supported", at,
                         static_cast<int>(proto.type()));
    }
  }

  Status ReadOutputs() {
    for (const onnx::ValueInfoProto& info : model_.graph().output()) {
      const auto it = ids_.find(info.name());
      if (it == ids_.end()) {
        return MakeError(ErrorCode::kCorruptData, "{}: output '{}' is defined nowhere", where_,
                         info.name());
      }
      if (graph_.constant(it->second) == nullptr) {
        VISAVIS_RETURN_IF_ERROR(ReadType(info, graph_.value(it->second)));
      }
      graph_.outputs.push_back(it->second);
    }
    return {};
  }

  Status ReadValueInfo() {
    for (const onnx::ValueInfoProto& info : model_.graph().value_info()) {
      const auto it = ids_.find(info.name());
      if (it == ids_.end() || graph_.constant(it->second) != nullptr) continue;
      VISAVIS_RETURN_IF_ERROR(ReadType(info, graph_.value(it->second)));
    }
    return {};
  }

  const onnx::ModelProto& model_;
  const SplitModel& split_;
  std::string_view where_;
  const Limits& limits_;
  const RawCopied& copied_;
  Graph graph_;
  int listed_ = 0;  // initializers among the inputs
  std::unordered_map<std::string, ValueId> ids_;
};

Result<OnnxAsIs> ImportBytes(std::span<const std::uint8_t> bytes, std::string_view where,
                             const Limits& limits, const RawCopied& copied) {
  VISAVIS_ASSIGN_OR_RETURN(const SplitModel split, SplitWeights(bytes, where));
  if (split.without_weights.size() > std::numeric_limits<int>::max()) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: too large for protobuf (2 GB)", where);
  }
  onnx::ModelProto model;
  if (!model.ParseFromString(split.without_weights)) {
    return MakeError(ErrorCode::kCorruptData, "{}: broken or nested too deep, want an ONNX model",
                     where);
  }
  return Importer(model, split, where, limits, copied).Import();
}

Result<Graph> Mended(Result<OnnxAsIs> read, std::string_view where) {
  if (!read) return read.error();
  Graph graph = std::move(read->graph);
  int widened = 0;
  graph = WidenConstants(std::move(graph), &widened);
  if (widened > 0) {
    graph.notes.push_back(fmt::format("{} weights stored in 16 bits; read as float32", widened));
  }
  VISAVIS_RETURN_IF_ERROR(MendOnRead(graph, where));
  return graph;
}

}  // namespace
}  // namespace onnx_format

Result<Graph> ImportOnnx(std::span<const std::uint8_t> bytes, std::string_view where,
                         const Limits& limits) {
  return onnx_format::Mended(onnx_format::ImportBytes(bytes, where, limits, [](auto) {}), where);
}

Result<Graph> ImportOnnx(std::vector<std::uint8_t>&& bytes, std::string_view where,
                         const Limits& limits) {
  std::vector<std::uint8_t> given = std::move(bytes);
  const auto discard = [&](std::span<const std::uint8_t> raw) {
    DiscardPages(given.data() + (raw.data() - given.data()), raw.size());
  };
  return onnx_format::Mended(onnx_format::ImportBytes(given, where, limits, discard), where);
}

Result<OnnxAsIs> ImportOnnxAsIs(std::span<const std::uint8_t> bytes, std::string_view where,
                                const Limits& limits) {
  return onnx_format::ImportBytes(bytes, where, limits, [](auto) {});
}

}  // namespace visavis
