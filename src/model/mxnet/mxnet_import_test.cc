#include "model/mxnet/mxnet_import.h"

#include <gtest/gtest.h>

#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

TEST(MxnetImportTest, RealMobileFaceNet) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface/model-symbol.json");
  const auto model = Model::Load(SharedPath("models/mobilefacenet-arcface/model"));
  ASSERT_TRUE(model) << model.error().message;
  const Graph& graph = model->graph();
  EXPECT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.outputs.size(), 1u);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "fc1");
}

}  // namespace
}  // namespace visavis
