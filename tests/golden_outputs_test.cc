// Raw outputs of the detector networks on a real photo against ONNX Runtime
// (scripts/make_raw_output_goldens.py), operator by operator and compiled for speed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "golden_faces.h"
#include "visavis/session.h"

namespace visavis {
namespace {

nlohmann::json ReadGolden() {
  std::ifstream file(std::string(VISAVIS_SOURCE_DIR) + "/tests/golden/detector_outputs.json");
  return nlohmann::json::parse(file);
}

Image Crop(const Image& photo, const nlohmann::json& box) {
  Image crop(box["width"], box["height"]);
  const int x = box["x"];
  const int y = box["y"];
  for (int row = 0; row < crop.height(); ++row) {
    std::copy_n(photo.row(y + row) + x * Image::kChannels, crop.stride_bytes(), crop.row(row));
  }
  return crop;
}

Tensor NetworkInput(const Image& crop, const nlohmann::json& network) {
  const int height = network.value("pad_height", crop.height());
  const auto mean = network["mean"].get<float>();
  const auto scale = network["scale"].get<float>();
  const bool bgr = network["bgr"];
  Tensor input(DType::kF32, {1, 3, height, crop.width()});
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < crop.height(); ++y) {
      const std::uint8_t* row = crop.row(y) + (bgr ? 2 - c : c);
      float* out =
          input.data<float>().data() + (static_cast<std::ptrdiff_t>(c) * height + y) * crop.width();
      for (int x = 0; x < crop.width(); ++x) {
        out[x] = (static_cast<float>(row[3 * x]) - mean) * scale;
      }
    }
  }
  return input;
}

// ONNX Runtime's logistic function is a rational approximation; near 0 it is off by this much.
constexpr double kLogisticError = 1e-7;

void ExpectOutput(const Tensor& output, const nlohmann::json& want) {
  const std::string name = want["name"];
  EXPECT_EQ(output.shape(), Shape(want["shape"].get<std::vector<std::int64_t>>())) << name;
  const std::span<const float> values = output.data<float>();
  const double largest = want["largest"];
  for (const nlohmann::json& sample : want["samples"]) {
    const auto index = sample[0].get<std::size_t>();
    const double expected = sample[1];
    ASSERT_LT(index, values.size()) << name;
    EXPECT_NEAR(values[index], expected,
                1e-4 * std::abs(expected) + 1e-5 * largest + kLogisticError)
        << name << "[" << index << "]";
  }
  double sum = 0;
  double magnitudes = 0;
  for (const float v : values) {
    sum += v;
    magnitudes += std::abs(v);
  }
  const double scale = want["sum_of_magnitudes"];
  const double tolerance = 1e-4 * scale + kLogisticError * static_cast<double>(values.size());
  EXPECT_NEAR(sum, want["sum"].get<double>(), tolerance) << name;
  EXPECT_NEAR(magnitudes, scale, tolerance) << name;
}

class OutputsGolden : public testing::TestWithParam<bool> {};

TEST_P(OutputsGolden, DetectorNetworksAgreeWithOnnxRuntime) {
  const nlohmann::json golden = ReadGolden();
  VISAVIS_REQUIRE_SHARED(golden["photo"].get<std::string>());
  const Image crop = Crop(ReadSharedImage(golden["photo"]), golden["crop"]);
  std::int64_t pixel_sum = 0;
  for (std::size_t i = 0; i < crop.size_bytes(); ++i) pixel_sum += crop.data()[i];
  ASSERT_EQ(pixel_sum, golden["pixel_sum"].get<std::int64_t>()) << "the photo decodes differently";

  for (const nlohmann::json& network : golden["networks"]) {
    SCOPED_TRACE(network["model"].get<std::string>());
    const Model model = LoadSharedModel(network["model"]);
    SessionOptions options;
    options.reference = GetParam();
    const Result<Session> session = Session::Create(model, options);
    ASSERT_TRUE(session) << session.error().message;
    std::vector<Tensor> outputs(session->outputs().size());
    const Tensor input = NetworkInput(crop, network);
    const Status status = session->Run(std::vector<TensorView>{input}, outputs);
    ASSERT_TRUE(status) << status.error().message;
    ASSERT_EQ(outputs.size(), network["outputs"].size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(session->outputs()[i].name, network["outputs"][i]["name"].get<std::string>());
      ExpectOutput(outputs[i], network["outputs"][i]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, OutputsGolden, testing::Bool(), [](const auto& instance) {
  return instance.param ? std::string("Reference") : std::string("Fast");
});

}  // namespace
}  // namespace visavis
