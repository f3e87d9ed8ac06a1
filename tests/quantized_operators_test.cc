// Quantized operators against ONNX Runtime on small random inputs
// (scripts/make_quantized_goldens.py).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/graph/graph.h"
#include "model/onnx/onnx_export.h"
#include "model/onnx/onnx_import.h"
#include "tests/tensor_numbers.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

using nlohmann::json;

template <typename T>
Tensor TensorOf(const json& values, Shape shape) {
  const auto list = values.get<std::vector<T>>();
  return Tensor::From<T>(std::move(shape), list);
}

Tensor ReadTensor(const json& text) {
  const std::string type = text["dtype"];
  Shape shape(text["shape"].get<std::vector<std::int64_t>>());
  const json& values = text["values"];
  if (type == "float32") return TensorOf<float>(values, std::move(shape));
  if (type == "uint8") return TensorOf<std::uint8_t>(values, std::move(shape));
  if (type == "int8") return TensorOf<std::int8_t>(values, std::move(shape));
  if (type == "uint16") return TensorOf<std::uint16_t>(values, std::move(shape));
  if (type == "int16") return TensorOf<std::int16_t>(values, std::move(shape));
  return TensorOf<std::int32_t>(values, std::move(shape));
}

Attribute ReadAttribute(const json& value) {
  if (value.is_array()) return value.get<std::vector<std::int64_t>>();
  if (value.is_number_integer()) return value.get<std::int64_t>();
  return value.get<float>();
}

struct Case {
  Graph graph;
  std::vector<Tensor> inputs;
  Tensor output;
};

Case ReadCase(const json& text) {
  Case made;
  made.graph.opset = text["opset"];
  Node node;
  node.op_type = text["op"];
  node.domain = text["domain"];
  for (const auto& [name, value] : text["attributes"].items()) {
    node.attributes[name] = ReadAttribute(value);
  }
  for (const json& input : text["inputs"]) {
    Tensor tensor = ReadTensor(input);
    const ValueId id = made.graph.AddValue(fmt::format("x{}", made.inputs.size()), tensor.dtype());
    made.graph.value(id).shape.emplace();
    for (const std::int64_t extent : tensor.shape().dims()) {
      made.graph.value(id).shape->push_back(Dim{extent, ""});
    }
    made.graph.inputs.push_back(id);
    node.inputs.push_back(id);
    made.inputs.push_back(std::move(tensor));
  }
  made.output = ReadTensor(text["output"]);
  node.outputs.push_back(made.graph.AddValue("y", made.output.dtype()));
  made.graph.outputs = node.outputs;
  made.graph.nodes.push_back(std::move(node));
  return made;
}

json ReadGolden() {
  std::ifstream file(std::string(VISAVIS_SOURCE_DIR) + "/tests/golden/quantized_operators.json");
  return json::parse(file);
}

// QLinearAdd, QLinearMul and QLinearConcat multiply there by a ratio of scales that was rounded
// before; a sum that lies half-way may go the other way.
bool MayDifferByOne(const std::string& op) {
  return op == "QLinearAdd" || op == "QLinearMul" || op == "QLinearConcat";
}

TEST(QuantizedOperatorsTest, AgreeWithOnnxRuntime) {
  const json golden = ReadGolden();
  std::map<std::string, int> off_by_one;
  std::map<std::string, std::size_t> compared;
  for (const json& text : golden["cases"]) {
    const std::string op = text["op"];
    SCOPED_TRACE(op + " " + text["attributes"].dump());
    Case c = ReadCase(text);
    // By way of a file, so that import and shape inference are part of the test.
    const Result<std::string> bytes = ExportOnnx(c.graph);
    ASSERT_TRUE(bytes) << bytes.error().message;
    Result<Graph> graph =
        ImportOnnx({reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()}, op, {});
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ(graph->value(graph->outputs[0]).dtype, c.output.dtype());
    const Model model = Model::FromGraph(*std::move(graph));
    for (const bool reference : {true, false}) {
      SessionOptions options;
      options.reference = reference;
      const Result<Session> session = Session::Create(model, options);
      ASSERT_TRUE(session) << session.error().message;
      const std::vector<TensorView> views(c.inputs.begin(), c.inputs.end());
      std::vector<Tensor> outputs(1);
      const Status ran = session->Run(views, outputs);
      ASSERT_TRUE(ran) << ran.error().message;
      ASSERT_EQ(outputs[0].shape(), c.output.shape());
      ASSERT_EQ(outputs[0].dtype(), c.output.dtype());
      const std::vector<double> got = Numbers(outputs[0]);
      const std::vector<double> want = Numbers(c.output);
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (got[i] == want[i]) continue;
        ASSERT_TRUE(MayDifferByOne(op) && std::abs(got[i] - want[i]) == 1)
            << "element " << i << " is " << got[i] << ", want " << want[i];
        ++off_by_one[op];
      }
      compared[op] += got.size();
    }
  }
  EXPECT_GE(golden["cases"].size(), 50U);
  for (const auto& [op, count] : off_by_one) {
    EXPECT_LE(count, static_cast<int>(compared[op] / 50)) << op;
  }
}

TEST(QuantizedOperatorsTest, BlocksAndUnknownTypesAreRefusedByName) {
  json text = ReadGolden()["cases"][0];
  ASSERT_EQ(text["op"], "QuantizeLinear");
  text["opset"] = 21;
  for (const auto& [attribute, value, reason] : {std::tuple("block_size", 16, "block_size"),
                                                 std::tuple("output_dtype", 17, "data type 17")}) {
    Case c = ReadCase(text);
    c.graph.nodes[0].attributes[attribute] = std::int64_t{value};
    const Result<Session> session =
        Session::Create(Model::FromGraph(std::move(c.graph)), SessionOptions{});
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(session.error().message.find(reason), std::string::npos) << session.error().message;
  }
}

TEST(QuantizedOperatorsTest, UnknownOperatorsOfOnnxRuntimeAreRefused) {
  json text = ReadGolden()["cases"][0];
  text["domain"] = "com.microsoft";
  const Result<Session> session =
      Session::Create(Model::FromGraph(std::move(ReadCase(text).graph)), SessionOptions{});
  ASSERT_FALSE(session);
  EXPECT_NE(session.error().message.find("com.microsoft.QuantizeLinear"), std::string::npos)
      << session.error().message;
}

}  // namespace
}  // namespace visavis
