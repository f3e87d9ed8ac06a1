#include "model/onnx/onnx_export.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/graph/onnx_types.h"
#include "model/graph/shape_inference.h"
#include "model/onnx/tensor_proto.h"

namespace visavis {
namespace onnx_format {
namespace {

// The first IR version that came with each operator set, but at least 4: the first in which
// constants need not be inputs too. Source: ONNX, docs/Versioning.md.
int IrVersionFor(int opset) {
  struct Row {
    int opset;
    int ir_version;
  };
  constexpr std::array kRows{Row{21, 10}, Row{19, 9}, Row{15, 8},
                             Row{12, 7},  Row{11, 6}, Row{10, 5}};
  for (const Row& row : kRows) {
    if (opset >= row.opset) return row.ir_version;
  }
  return 4;
}

void WriteAttribute(const std::string& name, const Attribute& value, onnx::AttributeProto& proto) {
  proto.set_name(name);
  struct Writer {
    onnx::AttributeProto& to;
    void operator()(std::int64_t v) const {
      to.set_type(onnx::AttributeProto::INT);
      to.set_i(v);
    }
    void operator()(float v) const {
      to.set_type(onnx::AttributeProto::FLOAT);
      to.set_f(v);
    }
    void operator()(const std::string& v) const {
      to.set_type(onnx::AttributeProto::STRING);
      to.set_s(v);
    }
    void operator()(const std::vector<std::int64_t>& v) const {
      to.set_type(onnx::AttributeProto::INTS);
      to.mutable_ints()->Add(v.begin(), v.end());
    }
    void operator()(const std::vector<float>& v) const {
      to.set_type(onnx::AttributeProto::FLOATS);
      to.mutable_floats()->Add(v.begin(), v.end());
    }
    void operator()(const std::vector<std::string>& v) const {
      to.set_type(onnx::AttributeProto::STRINGS);
      to.mutable_strings()->Add(v.begin(), v.end());
    }
    void operator()(const std::shared_ptr<const Tensor>& v) const {
      to.set_type(onnx::AttributeProto::TENSOR);
      WriteTensor(*v, "", *to.mutable_t());
    }
  };
  std::visit(Writer{proto}, value);
}

void WriteType(DType dtype, const std::vector<Dim>& dims, onnx::ValueInfoProto& info) {
  onnx::TypeProto::Tensor& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(OnnxTypeOf(dtype));
  type.mutable_shape();  // rank 0 is a shape too
  for (const Dim& dim : dims) {
    onnx::TensorShapeProto::Dimension& written = *type.mutable_shape()->add_dim();
    if (dim.known()) {
      written.set_dim_value(dim.extent);
    } else if (!dim.symbol.empty()) {
      written.set_dim_param(dim.symbol);
    }
  }
}

class Exporter {
 public:
  explicit Exporter(const Graph& graph) : graph_(graph), inferred_(InferShapes(graph)) {
    NameValues();
  }

  Result<onnx::ModelProto> Export() {
    onnx::ModelProto model;
    WriteHeader(model);
    onnx::GraphProto& to = *model.mutable_graph();
    to.set_name(graph_.name.empty() ? "graph" : graph_.name);
    for (const ValueId id : graph_.inputs) VISAVIS_RETURN_IF_ERROR(WritePort(id, *to.add_input()));
    WriteInitializers(to);
    for (const Node& node : graph_.nodes) WriteNode(node, *to.add_node());
    VISAVIS_RETURN_IF_ERROR(WriteOutputs(to));
    return model;
  }

 private:
  void WriteHeader(onnx::ModelProto& model) const {
    model.set_ir_version(IrVersionFor(graph_.opset));
    model.set_producer_name("visavis");
    for (const auto& [key, value] : graph_.metadata) {
      onnx::StringStringEntryProto& entry = *model.add_metadata_props();
      entry.set_key(key);
      entry.set_value(value);
    }
    onnx::OperatorSetIdProto& own = *model.add_opset_import();
    own.set_domain("");
    own.set_version(graph_.opset);
    std::unordered_set<std::string> domains{""};
    for (const Node& node : graph_.nodes) {
      if (!domains.insert(node.domain).second) continue;
      onnx::OperatorSetIdProto& other = *model.add_opset_import();
      other.set_domain(node.domain);
      other.set_version(1);
    }
  }

  std::string Unique(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 1; name.empty() || !taken_.insert(name).second; ++i) {
      name = fmt::format("{}_{}", wanted.empty() ? "value" : wanted, i);
    }
    return name;
  }

  // Inputs and outputs keep their names whatever the values between them are called.
  void NameValues() {
    names_.resize(graph_.values.size());
    const auto name = [this](ValueId id) {
      std::string& chosen = names_[static_cast<std::size_t>(id)];
      if (chosen.empty()) chosen = Unique(graph_.value(id).name);
    };
    std::ranges::for_each(graph_.inputs, name);
    std::ranges::for_each(graph_.outputs, name);
    for (std::size_t i = 0; i < names_.size(); ++i) name(static_cast<ValueId>(i));
  }

  const std::string& NameOf(ValueId id) const {
    static const std::string kLeftOut;
    return id == kNoValue ? kLeftOut : names_[static_cast<std::size_t>(id)];
  }

  Status WritePort(ValueId id, onnx::ValueInfoProto& info) const {
    const Value& value = graph_.value(id);
    const InferredValue& inferred = inferred_[static_cast<std::size_t>(id)];
    info.set_name(NameOf(id));
    std::optional<std::vector<Dim>> shape = inferred.shape ? inferred.shape : value.shape;
    if (!shape) {
      return MakeError(ErrorCode::kUnsupported, "export: the rank of '{}' is unknown", value.name);
    }
    if (value.shape && value.shape->size() == shape->size()) {
      for (std::size_t i = 0; i < shape->size(); ++i) {
        if ((*shape)[i] == Dim{}) (*shape)[i] = (*value.shape)[i];
      }
    }
    WriteType(inferred.dtype.value_or(value.dtype), *shape, info);
    return {};
  }

  // Only those that are read.
  void WriteInitializers(onnx::GraphProto& to) const {
    std::vector<bool> read(graph_.values.size(), false);
    for (const Node& node : graph_.nodes) {
      for (const ValueId id : node.inputs) {
        if (id != kNoValue) read[static_cast<std::size_t>(id)] = true;
      }
    }
    for (const ValueId id : graph_.outputs) read[static_cast<std::size_t>(id)] = true;
    for (std::size_t i = 0; i < read.size(); ++i) {
      const Tensor* constant = graph_.values[i].constant.get();
      if (read[i] && constant != nullptr) {
        WriteTensor(*constant, names_[i], *to.add_initializer());
      }
    }
  }

  void WriteNode(const Node& node, onnx::NodeProto& to) const {
    to.set_name(node.name);
    to.set_op_type(node.op_type);
    to.set_domain(node.domain);
    for (const ValueId id : node.inputs) to.add_input(NameOf(id));
    for (const ValueId id : node.outputs) to.add_output(NameOf(id));
    for (const auto& [name, value] : node.attributes) {
      WriteAttribute(name, value, *to.add_attribute());
    }
  }

  // ONNX wants outputs of different names that a node computes.
  Status WriteOutputs(onnx::GraphProto& to) {
    const std::vector<int> producers = Producers(graph_);
    std::unordered_set<ValueId> written;
    for (const ValueId id : graph_.outputs) {
      onnx::ValueInfoProto& info = *to.add_output();
      VISAVIS_RETURN_IF_ERROR(WritePort(id, info));
      const bool computed = producers[static_cast<std::size_t>(id)] >= 0;
      if (written.insert(id).second && computed) continue;
      onnx::NodeProto& copy = *to.add_node();
      info.set_name(Unique(NameOf(id)));
      copy.set_op_type("Identity");
      copy.add_input(NameOf(id));
      copy.add_output(info.name());
    }
    return {};
  }

  const Graph& graph_;
  const std::vector<InferredValue> inferred_;
  std::vector<std::string> names_;  // by ValueId
  std::unordered_set<std::string> taken_;
};

}  // namespace
}  // namespace onnx_format

Result<std::string> ExportOnnx(const Graph& graph) {
  VISAVIS_ASSIGN_OR_RETURN(const onnx::ModelProto model, onnx_format::Exporter(graph).Export());
  if (model.ByteSizeLong() > std::numeric_limits<int>::max()) {
    return MakeError(ErrorCode::kLimitExceeded, "export: {} bytes, protobuf takes 2 GB at most",
                     model.ByteSizeLong());
  }
  std::string bytes;
  if (!model.SerializeToString(&bytes)) {
    return MakeError(ErrorCode::kInternal, "export: protobuf could not serialize the model");
  }
  return bytes;
}

}  // namespace visavis
