#include <gtest/gtest.h>

#include <cmath>

#include "model/arch/arch.h"
#include "model/graph/graph.h"
#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

ModelInfo InfoOf(const std::string& arch) {
  auto graph = BuildArch(arch, 1);
  EXPECT_TRUE(graph);
  const auto info = Model::FromGraph(*std::move(graph)).Info();
  EXPECT_TRUE(info);
  return *info;
}

// Open Model Zoo, face-recognition-resnet100-arcface-onnx: 24.2115 GFLOPs, 65.1320 M parameters.
TEST(ModelInfoTest, PublishedFiguresOfLResNet100) {
  const ModelInfo info = InfoOf("lresnet100e-ir");
  EXPECT_EQ(info.recognised_as, "LResNet100E-IR");
  EXPECT_EQ(info.parameters, 65'131'968);
  EXPECT_EQ(std::round(info.flops / 1e5) / 1e4, 24.2115);
  EXPECT_EQ(std::round(info.multiply_adds / 1e5) / 1e4, 12.0896);
  EXPECT_EQ(info.operators.at("Conv"), 103);
  EXPECT_EQ(info.operators.at("BatchNormalization"), 154);
  EXPECT_EQ(info.inputs[0].shape, (std::vector<std::string>{"N", "3", "112", "112"}));
  EXPECT_EQ(info.outputs[0].shape, (std::vector<std::string>{"N", "512"}));
}

TEST(ModelInfoTest, OtherDepthsAreRecognised) {
  EXPECT_EQ(InfoOf("lresnet18e-ir").recognised_as, "LResNet18E-IR");
  EXPECT_EQ(InfoOf("lresnet34e-ir").recognised_as, "LResNet34E-IR");
  EXPECT_EQ(InfoOf("lresnet50e-ir").recognised_as, "LResNet50E-IR");
  EXPECT_EQ(InfoOf("mobilefacenet").recognised_as, "MobileFaceNet");
}

// Open Model Zoo, face-recognition-mobilefacenet-arcface: 0.993 M parameters. 0.451 GFLOPs by the
// same count of operations as above; the zoo says 0.449.
TEST(ModelInfoTest, RealMobileFaceNet) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface/model-0000.params");
  const auto model = Model::Load(SharedPath("models/mobilefacenet-arcface/model-0000.params"));
  ASSERT_TRUE(model) << model.error().message;
  const auto info = model->Info();
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->recognised_as, "MobileFaceNet");
  EXPECT_EQ(info->format, "mxnet");
  EXPECT_EQ(info->parameters, 993'344);
  EXPECT_EQ(std::round(info->flops / 1e6), 451);
  EXPECT_EQ(info->stored_parameters, 1'003'264 + 19'584 + 2);  // and two scalars of the symbol
  EXPECT_EQ(info->file_bytes, 4'115'182);
  EXPECT_EQ(info->sha256, "b151f97e392e68cb540fb9710a91a574a4187d491eeda77d1c1799ae6dc3b82b");
}

TEST(ModelInfoTest, RealDetectorsAreRecognised) {
  const std::map<std::string, std::string> names{
      {"mtcnn/det1-symbol.json", "MTCNN PNet"}, {"mtcnn/det2-symbol.json", "MTCNN RNet"},
      {"mtcnn/det3-symbol.json", "MTCNN ONet"}, {"mtcnn/det4-symbol.json", "MTCNN LNet"},
      {"scrfd/scrfd_500m_bnkps.onnx", "SCRFD"}, {"scrfd/scrfd_2.5g_bnkps.onnx", "SCRFD"},
      {"yunet/yunet_n_dynamic.onnx", "YuNet"},  {"yunet/yunet_s_640_640.onnx", "YuNet"}};
  const std::map<std::string, double> parameters{{"mtcnn/det1-symbol.json", 6'632},
                                                 {"mtcnn/det2-symbol.json", 100'178},
                                                 {"mtcnn/det3-symbol.json", 389'040},
                                                 {"mtcnn/det4-symbol.json", 948'102}};
  for (const auto& [file, name] : names) {
    VISAVIS_REQUIRE_SHARED("models/" + file);
    const auto model = Model::Load(SharedPath("models/" + file));
    ASSERT_TRUE(model) << model.error().message;
    const auto info = model->Info();
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->recognised_as, name) << file;
    if (parameters.contains(file)) {
      EXPECT_EQ(info->parameters, parameters.at(file)) << file;
    }
  }
}

TEST(ModelInfoTest, OpenExtentsCostNothingUntilGiven) {
  VISAVIS_REQUIRE_SHARED("models/scrfd/scrfd_2.5g_bnkps.onnx");
  const auto model = Model::Load(SharedPath("models/scrfd/scrfd_2.5g_bnkps.onnx"));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->Info()->flops, 0);
  const auto info = model->Info({{"input.1", Shape{1, 3, 480, 640}}});
  ASSERT_TRUE(info);
  // Its name: 2.5 G multiply-adds on VGA images.
  EXPECT_GT(info->multiply_adds, 2.3e9);
  EXPECT_LT(info->multiply_adds, 2.7e9);
}

TEST(ModelInfoTest, AStrangeNetworkIsNotRecognised) {
  auto graph = BuildArch("mobilefacenet", 1);
  ASSERT_TRUE(graph);
  for (Node& node : graph->nodes) {
    if (node.op_type == "PRelu") {
      node.op_type = "Relu";
      node.inputs.resize(1);
      break;
    }
  }
  EXPECT_EQ(Model::FromGraph(*std::move(graph)).Info()->recognised_as, "");
}

}  // namespace
}  // namespace visavis
