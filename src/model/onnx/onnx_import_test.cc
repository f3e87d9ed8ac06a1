#include "model/onnx/onnx_import.h"

#include <gtest/gtest.h>

#include <functional>

#include "model/graph/onnx_types.h"
#include "model/onnx/tensor_proto.h"
#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

Result<Graph> Import(const onnx::ModelProto& model, const Limits& limits = {}) {
  const std::string bytes = model.SerializeAsString();
  return ImportOnnx({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, "m.onnx",
                    limits);
}

void SetFloatType(onnx::ValueInfoProto* info, const std::string& name,
                  const std::vector<std::int64_t>& extents) {
  info->set_name(name);
  auto* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t extent : extents) {
    type->mutable_shape()->add_dim()->set_dim_value(extent);
  }
}

onnx::NodeProto* AddNode(onnx::ModelProto& model, const std::string& op_type,
                         const std::vector<std::string>& inputs, const std::string& output) {
  onnx::NodeProto* node = model.mutable_graph()->add_node();
  node->set_name(op_type + "_node");
  node->set_op_type(op_type);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

onnx::TensorProto* AddInitializer(onnx::ModelProto& model, const std::string& name,
                                  onnx::TensorProto::DataType type,
                                  const std::vector<std::int64_t>& extents) {
  onnx::TensorProto* tensor = model.mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  for (const std::int64_t extent : extents) tensor->add_dims(extent);
  return tensor;
}

// x [1,2,3,4] -> Relu -> y
onnx::ModelProto ReluModel(int opset = 11) {
  onnx::ModelProto model;
  model.set_ir_version(6);
  model.add_opset_import()->set_version(opset);
  model.mutable_graph()->set_name("g");
  SetFloatType(model.mutable_graph()->add_input(), "x", {1, 2, 3, 4});
  SetFloatType(model.mutable_graph()->add_output(), "y", {1, 2, 3, 4});
  AddNode(model, "Relu", {"x"}, "y");
  return model;
}

void ExpectError(const Result<Graph>& result, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_EQ(result.error().message, message);
}

TEST(OnnxImportTest, ReadsHeaderPortsAndAttributes) {
  onnx::ModelProto model = ReluModel();
  model.set_producer_name("maker");
  model.set_producer_version("1.2");
  auto* entry = model.add_metadata_props();
  entry->set_key("k");
  entry->set_value("v");
  auto* dim = model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  dim->mutable_shape()->mutable_dim(0)->set_dim_param("N");
  onnx::AttributeProto* untyped = model.mutable_graph()->mutable_node(0)->add_attribute();
  untyped->set_name("old");
  untyped->set_f(0.5f);
  const auto graph = Import(model);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->opset, 11);
  EXPECT_EQ(graph->producer, "maker 1.2");
  EXPECT_EQ(graph->metadata.at("k"), "v");
  EXPECT_EQ((*graph->value(graph->inputs[0]).shape)[0], (Dim{-1, "N"}));
  EXPECT_EQ(graph->nodes[0].Float("old", 0), 0.5f);
}

TEST(OnnxImportTest, ReadsEveryElementTypeRawAndTyped) {
  struct Case {
    onnx::TensorProto::DataType type;
    DType dtype;
    std::function<void(onnx::TensorProto&)> fill;  // with one element of value 3 (bits for halves)
    std::string raw;
  };
  const auto int32 = [](onnx::TensorProto& t) { t.add_int32_data(3); };
  const std::vector<Case> cases{
      {onnx::TensorProto::FLOAT, DType::kF32, [](auto& t) { t.add_float_data(3); },
       std::string("\0\0\x40\x40", 4)},
      {onnx::TensorProto::DOUBLE, DType::kF64, [](auto& t) { t.add_double_data(3); },
       std::string("\0\0\0\0\0\0\x08\x40", 8)},
      {onnx::TensorProto::INT64, DType::kI64, [](auto& t) { t.add_int64_data(3); },
       std::string("\3\0\0\0\0\0\0\0", 8)},
      {onnx::TensorProto::INT32, DType::kI32, int32, std::string("\3\0\0\0", 4)},
      {onnx::TensorProto::INT16, DType::kI16, int32, std::string("\3\0", 2)},
      {onnx::TensorProto::UINT16, DType::kU16, int32, std::string("\3\0", 2)},
      {onnx::TensorProto::INT8, DType::kI8, int32, "\3"},
      {onnx::TensorProto::UINT8, DType::kU8, int32, "\3"},
      {onnx::TensorProto::BOOL, DType::kBool, int32, "\3"},
      {onnx::TensorProto::FLOAT16, DType::kF16, int32, std::string("\3\0", 2)},
      {onnx::TensorProto::BFLOAT16, DType::kBF16, int32, std::string("\3\0", 2)},
  };
  for (const Case& c : cases) {
    for (const bool raw : {false, true}) {
      onnx::TensorProto proto;
      proto.set_data_type(c.type);
      proto.add_dims(1);
      std::optional<std::span<const std::uint8_t>> bytes;
      if (raw) {
        bytes = {reinterpret_cast<const std::uint8_t*>(c.raw.data()), c.raw.size()};
      } else {
        c.fill(proto);
      }
      const auto tensor = onnx_format::ReadTensor(proto, bytes, "t", Limits{});
      ASSERT_TRUE(tensor) << tensor.error().message;
      EXPECT_EQ(tensor->dtype(), c.dtype);
      // 3 in every type; a bool is stored as 1.
      const std::string want = c.dtype == DType::kBool ? "\1" : c.raw;
      EXPECT_EQ(std::string(static_cast<const char*>(tensor->raw()), tensor->size_bytes()), want)
          << Name(c.dtype) << (raw ? " raw" : " typed");
      EXPECT_EQ(OnnxTypeOf(c.dtype), c.type);
    }
  }
}

TEST(OnnxImportTest, InitializersThatAreAlsoInputsAreConstants) {
  onnx::ModelProto model = ReluModel(8);
  AddInitializer(model, "w", onnx::TensorProto::FLOAT, {1})->add_float_data(2);
  SetFloatType(model.mutable_graph()->add_input(), "w", {1});
  const auto graph = Import(model);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->inputs.size(), 1u);
  ASSERT_NE(graph->constant(graph->FindValue("w")), nullptr);
}

TEST(OnnxImportTest, RefusesWhatItDoesNotImplementByName) {
  ExpectError(Import(ReluModel(6)), ErrorCode::kUnsupported,
              "m.onnx: uses operator set 6, want 7 to 21");
  ExpectError(Import(ReluModel(22)), ErrorCode::kUnsupported,
              "m.onnx: uses operator set 22, want 7 to 21");

  onnx::ModelProto external = ReluModel();
  AddInitializer(external, "w", onnx::TensorProto::FLOAT, {1})
      ->set_data_location(onnx::TensorProto::EXTERNAL);
  ExpectError(Import(external), ErrorCode::kUnsupported,
              "m.onnx: initializer 'w': data lie in another file, want them inside");

  onnx::ModelProto text = ReluModel();
  AddInitializer(text, "w", onnx::TensorProto::STRING, {1})->add_string_data("a");
  ExpectError(Import(text), ErrorCode::kUnsupported,
              "m.onnx: initializer 'w': element type 8 is not supported");

  onnx::ModelProto sparse = ReluModel();
  sparse.mutable_graph()->add_sparse_initializer()->mutable_values()->set_name("s");
  ExpectError(Import(sparse), ErrorCode::kUnsupported,
              "m.onnx: sparse initializer 's', want dense");

  onnx::ModelProto branching = ReluModel();
  onnx::AttributeProto* body = branching.mutable_graph()->mutable_node(0)->add_attribute();
  body->set_name("then_branch");
  body->set_type(onnx::AttributeProto::GRAPH);
  ExpectError(Import(branching), ErrorCode::kUnsupported,
              "m.onnx: node Relu_node (Relu): attribute then_branch: is a subgraph, want a plain "
              "value");

  onnx::ModelProto sequence = ReluModel();
  sequence.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type();
  ExpectError(Import(sequence), ErrorCode::kUnsupported, "m.onnx: value 'x' is no tensor");
}

TEST(OnnxImportTest, RefusesBrokenGraphs) {
  onnx::ModelProto dangling = ReluModel();
  dangling.mutable_graph()->mutable_node(0)->set_input(0, "nowhere");
  ExpectError(Import(dangling), ErrorCode::kCorruptData,
              "m.onnx: node Relu_node (Relu): input 'nowhere' is defined nowhere");

  onnx::ModelProto cyclic = ReluModel();
  cyclic.mutable_graph()->mutable_node(0)->set_input(0, "y");
  ExpectError(Import(cyclic), ErrorCode::kCorruptData,
              "m.onnx: node Relu_node (Relu): depends on itself through a cycle");

  onnx::ModelProto lost = ReluModel();
  lost.mutable_graph()->mutable_output(0)->set_name("z");
  ExpectError(Import(lost), ErrorCode::kCorruptData, "m.onnx: output 'z' is defined nowhere");

  onnx::ModelProto short_data = ReluModel();
  AddInitializer(short_data, "w", onnx::TensorProto::FLOAT, {3})->add_float_data(1);
  ExpectError(Import(short_data), ErrorCode::kCorruptData,
              "m.onnx: initializer 'w': found data of 1 elements, want shape [3] of float32");

  onnx::ModelProto odd = ReluModel();
  AddInitializer(odd, "w", onnx::TensorProto::FLOAT, {1})->set_raw_data("12345");
  EXPECT_FALSE(Import(odd));

  onnx::ModelProto twins = ReluModel();
  AddInitializer(twins, "w", onnx::TensorProto::FLOAT, {0});
  AddInitializer(twins, "w", onnx::TensorProto::FLOAT, {0});
  ExpectError(Import(twins), ErrorCode::kCorruptData,
              "m.onnx: initializer 'w': want a name of its own");
  EXPECT_FALSE(Import(onnx::ModelProto()));
}

TEST(OnnxImportTest, RefusesAttributesOfAnotherType) {
  onnx::ModelProto model = ReluModel();
  onnx::NodeProto* node = model.mutable_graph()->mutable_node(0);
  node->set_op_type("LeakyRelu");
  onnx::AttributeProto* alpha = node->add_attribute();
  alpha->set_name("alpha");
  alpha->set_type(onnx::AttributeProto::INT);
  alpha->set_i(2);
  ExpectError(Import(model), ErrorCode::kCorruptData,
              "m.onnx: node Relu_node (LeakyRelu): attribute alpha: has type INT, want FLOAT");

  alpha->set_type(onnx::AttributeProto::FLOAT);
  alpha->set_f(2);
  EXPECT_TRUE(Import(model));

  // `value` is a number to Pad and a tensor to the others.
  alpha->set_name("value");
  ExpectError(Import(model), ErrorCode::kCorruptData,
              "m.onnx: node Relu_node (LeakyRelu): attribute value: has type FLOAT, want TENSOR");
  node->set_op_type("Pad");
  EXPECT_TRUE(Import(model));

  // Other domains and other names are their owners' business.
  node->set_domain("com.example");
  EXPECT_TRUE(Import(model));
}

TEST(OnnxImportTest, AbsurdSizesAreErrorsBeforeAnyAllocation) {
  onnx::ModelProto huge = ReluModel();
  AddInitializer(huge, "w", onnx::TensorProto::FLOAT, {std::int64_t{1} << 40, 1 << 30});
  EXPECT_EQ(Import(huge).error().code, ErrorCode::kLimitExceeded);
  onnx::ModelProto claimed = ReluModel();
  AddInitializer(claimed, "w", onnx::TensorProto::FLOAT, {1 << 29})->set_raw_data("1234");
  EXPECT_EQ(Import(claimed).error().code, ErrorCode::kCorruptData);
  Limits limits;
  limits.graph_nodes = 0;
  EXPECT_EQ(Import(ReluModel(), limits).error().code, ErrorCode::kLimitExceeded);
}

TEST(OnnxImportTest, SortsNodesAndKeepsTheirNamesApart) {
  onnx::ModelProto model = ReluModel();
  model.mutable_graph()->mutable_node(0)->set_input(0, "h");
  AddNode(model, "Relu", {"x"}, "h");
  const auto graph = Import(model);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->value(graph->nodes[0].outputs[0]).name, "h");
  EXPECT_NE(graph->nodes[0].name, graph->nodes[1].name);
}

onnx::ModelProto BatchNormModel(const std::vector<std::int64_t>& statistics) {
  onnx::ModelProto model = ReluModel(8);
  model.mutable_graph()->mutable_node()->RemoveLast();
  onnx::NodeProto* node = AddNode(model, "BatchNormalization", {"x", "s", "b", "m", "v"}, "y");
  onnx::AttributeProto* spatial = node->add_attribute();
  spatial->set_name("spatial");
  spatial->set_type(onnx::AttributeProto::INT);
  spatial->set_i(0);
  std::int64_t elements = 1;
  for (const std::int64_t extent : statistics) elements *= extent;
  for (const char* name : {"s", "b", "m", "v"}) {
    onnx::TensorProto* tensor = AddInitializer(model, name, onnx::TensorProto::FLOAT, statistics);
    for (std::int64_t i = 0; i < elements; ++i) tensor->add_float_data(1);
  }
  return model;
}

TEST(OnnxRepairTest, SpatialZeroWithStatisticsPerChannelIsRepaired) {
  const auto graph = Import(BatchNormModel({2}));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_FALSE(graph->nodes[0].Has("spatial"));
  ASSERT_EQ(graph->notes.size(), 1u);
  EXPECT_EQ(Import(BatchNormModel({2, 3, 4})).error().code, ErrorCode::kUnsupported);
}

TEST(OnnxRepairTest, Float64ConstantsBecomeFloat32UnlessTheNetworkUsesFloat64) {
  onnx::ModelProto model = ReluModel();
  model.mutable_graph()->mutable_node()->RemoveLast();
  AddNode(model, "Sub", {"x", "c"}, "y");
  AddInitializer(model, "c", onnx::TensorProto::DOUBLE, {})->add_double_data(127.5);
  const auto graph = Import(model);
  ASSERT_TRUE(graph) << graph.error().message;
  const Tensor* constant = graph->constant(graph->FindValue("c"));
  ASSERT_EQ(constant->dtype(), DType::kF32);
  EXPECT_EQ(constant->data<float>()[0], 127.5f);
  EXPECT_EQ(graph->notes.size(), 1u);

  model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::DOUBLE);
  const auto wide = Import(model);
  ASSERT_TRUE(wide) << wide.error().message;
  EXPECT_EQ(wide->constant(wide->FindValue("c"))->dtype(), DType::kF64);
}

TEST(OnnxRepairTest, FlatSlopesAreAlignedWithTheChannelsUnlessTheyBroadcast) {
  const auto slope_shape = [](std::int64_t slopes) {
    onnx::ModelProto model = ReluModel();
    model.mutable_graph()->mutable_node()->RemoveLast();
    AddNode(model, "PRelu", {"x", "slope"}, "y");
    onnx::TensorProto* tensor = AddInitializer(model, "slope", onnx::TensorProto::FLOAT, {slopes});
    for (std::int64_t i = 0; i < slopes; ++i) tensor->add_float_data(0.25f);
    const auto graph = Import(model);
    EXPECT_TRUE(graph);
    return graph->constant(graph->nodes[0].inputs[1])->shape();
  };
  EXPECT_EQ(slope_shape(2), (Shape{2, 1, 1}));  // the two channels of x [1,2,3,4]
  EXPECT_EQ(slope_shape(4), (Shape{4}));        // its four columns: valid as it is
  EXPECT_EQ(slope_shape(1), (Shape{1}));
}

TEST(OnnxImportTest, RealDetectors) {
  for (const char* file :
       {"models/scrfd/scrfd_500m_bnkps.onnx", "models/scrfd/scrfd_2.5g_bnkps.onnx",
        "models/yunet/yunet_n_dynamic.onnx", "models/yunet/yunet_s_640_640.onnx"}) {
    VISAVIS_REQUIRE_SHARED(file);
    const auto model = Model::Load(SharedPath(file));
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->graph().opset, 11);
    EXPECT_EQ(model->graph().inputs.size(), 1u);
    EXPECT_TRUE(model->graph().notes.empty());
  }
}

}  // namespace
}  // namespace visavis
