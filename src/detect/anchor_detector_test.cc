// Detectors made of networks that say what the test wants them to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "model/graph/graph.h"
#include "visavis/detect.h"
#include "visavis/image.h"

namespace visavis {
namespace {

constexpr int kSide = 64;
constexpr int kStrides[] = {8, 16, 32};

/// Writes the rows of one output: `columns` numbers per anchor.
using Fill = std::function<void(int stride, int columns, std::span<float> values)>;

/// A network whose outputs do not depend on the picture: per stride a score (or two), boxes and
/// landmarks for `per_cell` anchors in each cell.
Model Scripted(int per_cell, int scores, const Fill& fill, const Shape& input) {
  Graph graph;
  graph.opset = 11;
  const ValueId picture = graph.AddValue("picture");
  std::vector<Dim> dims;
  for (const std::int64_t extent : input.dims()) dims.push_back({extent, ""});
  graph.value(picture).shape = dims;
  graph.inputs = {picture};
  std::vector<int> columns(static_cast<std::size_t>(scores), 1);
  columns.insert(columns.end(), {4, 10});
  for (const int width : columns) {
    for (const int stride : kStrides) {
      const std::int64_t cells = (kSide / stride) * (kSide / stride);
      Tensor values(DType::kF32, Shape{1, cells * per_cell, width});
      fill(stride, width, values.data<float>());
      const std::string name = "out" + std::to_string(graph.outputs.size());
      const ValueId constant = graph.AddConstant(name + "_constant", std::move(values));
      const ValueId output = graph.AddValue(name);
      Node node;
      node.name = name;
      node.op_type = "Identity";
      node.inputs = {constant};
      node.outputs = {output};
      graph.nodes.push_back(node);
      graph.outputs.push_back(output);
    }
  }
  return Model::FromGraph(std::move(graph));
}

const Shape kPicture{1, 3, kSide, kSide};

/// All scores 0 but the anchor's.
Fill OneFace(int at_stride, std::size_t anchor, float score, std::array<float, 4> box) {
  return [=](int stride, int columns, std::span<float> values) {
    if (stride != at_stride) return;
    if (columns == 1) values[anchor] = score;
    if (columns == 4)
      std::copy(box.begin(), box.end(), values.begin() + 4 * static_cast<int>(anchor));
  };
}

TEST(AnchorDetector, FindsTheFaceThatAScriptedNetworkPutsOut) {
  // Stride 16, row 1, column 2, second anchor: around (32, 16).
  const Model model =
      Scripted(2, 1, OneFace(16, 2 * (4 + 2) + 1, 0.9f, {1, 0.5f, 1, 1.5f}), kPicture);
  const auto detector = CreateScrfd(model);
  ASSERT_TRUE(detector) << detector.error().message;
  EXPECT_EQ((*detector)->name(), "scrfd");
  const auto faces = (*detector)->Detect(Image(kSide, kSide));
  ASSERT_TRUE(faces) << faces.error().message;
  ASSERT_EQ(faces->size(), 1u);
  EXPECT_EQ((*faces)[0].box, (Box{16, 8, 48, 40}));
  EXPECT_EQ((*faces)[0].score, 0.9f);
  EXPECT_EQ((*faces)[0].landmarks[0], (Point{32, 16}));
}

TEST(AnchorDetector, YunetsScoreIsTheGeometricMean) {
  const Model model = Scripted(1, 2, OneFace(32, 3, 0.81f, {0, 0, 0, 0}), kPicture);
  const auto detector = CreateAnchorDetector(model);
  ASSERT_TRUE(detector) << detector.error().message;
  EXPECT_EQ((*detector)->name(), "yunet");
  const auto faces = (*detector)->Detect(Image(kSide, kSide));
  ASSERT_TRUE(faces && faces->size() == 1);
  EXPECT_FLOAT_EQ((*faces)[0].score, 0.81f);
  EXPECT_EQ((*faces)[0].box, (Box{16, 16, 48, 48}));
}

TEST(AnchorDetector, NonsenseOfNetworksIsIgnored) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(), 1e38f, -1e38f}) {
    for (const int scores : {1, 2}) {
      const Model model = Scripted(
          1, scores,
          [bad](int, int columns, std::span<float> values) {
            std::ranges::fill(values, columns == 1 ? 1.0f : bad);
          },
          kPicture);
      const auto detector = CreateAnchorDetector(model);
      ASSERT_TRUE(detector) << detector.error().message;
      const auto faces = (*detector)->Detect(Image(100, 7));
      ASSERT_TRUE(faces) << faces.error().message;
      EXPECT_TRUE(faces->empty()) << bad;
    }
  }
}

TEST(AnchorDetector, FacesEverywhereEndInTime) {
  const Model model = Scripted(
      2, 1,
      [](int stride, int columns, std::span<float> values) {
        std::ranges::fill(values, columns == 1 ? 1.0f : 24.0f / static_cast<float>(stride));
      },
      kPicture);
  const auto detector = CreateScrfd(model);
  ASSERT_TRUE(detector) << detector.error().message;
  const auto faces = (*detector)->Detect(Image(1500, 1500));
  ASSERT_TRUE(faces) << faces.error().message;
  EXPECT_FALSE(faces->empty());
}

TEST(AnchorDetector, OtherOutputsAndInputsAreRefused) {
  const Fill nothing = [](int, int, std::span<float>) {};
  const auto message = [](const Model& model) {
    const auto detector = CreateAnchorDetector(model);
    EXPECT_FALSE(detector);
    return detector ? std::string() : detector.error().message;
  };
  EXPECT_THAT(message(Scripted(7, 1, nothing, kPicture)), testing::HasSubstr("outputs are"));
  EXPECT_THAT(message(Scripted(1, 3, nothing, kPicture)), testing::HasSubstr("outputs are"));
  EXPECT_THAT(message(Scripted(1, 1, nothing, Shape{1, 3, 96, 64})),
              testing::HasSubstr("outputs are"));
  EXPECT_THAT(message(Scripted(1, 1, nothing, Shape{1, 4, kSide, kSide})),
              testing::HasSubstr("want one float32 input"));
  EXPECT_THAT(message(Scripted(1, 1, nothing, Shape{1, 3, kSide, -1})),
              testing::HasSubstr("both open or both fixed"));
  EXPECT_THAT(message(Scripted(1, 1, nothing, Shape{1, 3, 1 << 15, 1 << 13})),
              testing::HasSubstr("at most"));
}

TEST(AnchorDetector, OptionsOutOfRangeAreRefused) {
  const Model model = Scripted(
      2, 1, [](int, int, std::span<float>) {}, kPicture);
  const auto refused = [&](const AnchorDetectorOptions& options) {
    const auto detector = CreateScrfd(model, options);
    return !detector && detector.error().code == ErrorCode::kInvalidArgument;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {0.0f, -1.0f, nan, std::numeric_limits<float>::infinity()}) {
    AnchorDetectorOptions options;
    options.min_size_px = bad;
    EXPECT_TRUE(refused(options));
    options = {};
    options.score_threshold = bad;
    EXPECT_TRUE(refused(options));
    options = {};
    options.nms_overlap = bad;
    EXPECT_TRUE(refused(options));
  }
  AnchorDetectorOptions options;
  options.input_side_px = 31;
  EXPECT_TRUE(refused(options));
  options = {};
  options.max_faces = -1;
  EXPECT_TRUE(refused(options));
}

}  // namespace
}  // namespace visavis
