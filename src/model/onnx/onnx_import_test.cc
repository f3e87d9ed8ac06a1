#include "model/onnx/onnx_import.h"

#include <gtest/gtest.h>

#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

TEST(OnnxImportTest, RealDetectors) {
  for (const char* file :
       {"models/scrfd/scrfd_500m_bnkps.onnx", "models/scrfd/scrfd_2.5g_bnkps.onnx",
        "models/yunet/yunet_n_dynamic.onnx", "models/yunet/yunet_s_640_640.onnx"}) {
    VISAVIS_REQUIRE_SHARED(file);
    const auto model = Model::Load(SharedPath(file));
    ASSERT_TRUE(model) << model.error().message;
    const Graph& graph = model->graph();
    EXPECT_EQ(graph.opset, 11);
    EXPECT_EQ(graph.inputs.size(), 1u);
    EXPECT_GE(graph.outputs.size(), 9u);
  }
}

}  // namespace
}  // namespace visavis
