// MobileFaceNet through every option of `model convert`, on real faces.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <cstring>

#include "lfw_embeddings.h"
#include "model/convert.h"
#include "model/onnx/onnx_export.h"
#include "model/onnx/onnx_import.h"
#include "visavis/session.h"

namespace visavis {
namespace {

// Of 7,701 images; all with VISAVIS_FULL=1.
constexpr std::size_t kStep = 60;

// N x 3 x 112 x 112 as `map` makes it of each pixel's numbers, R first, or B first.
Tensor AsInput(const std::vector<Image>& crops, bool bgr, float mean = 0, float scale = 1) {
  constexpr int kSide = 112;
  Tensor input(DType::kF32, Shape{std::ssize(crops), 3, kSide, kSide});
  float* to = input.data<float>().data();
  for (const Image& crop : crops) {
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < kSide; ++y) {
        const std::uint8_t* row = crop.row(y);
        for (int x = 0; x < kSide; ++x) *to++ = (row[3 * x + (bgr ? 2 - c : c)] - mean) * scale;
      }
    }
  }
  return input;
}

Tensor RunOn(const Graph& graph, const Tensor& input) {
  const auto session = Session::Create(Model::FromGraph(graph));
  EXPECT_TRUE(session) << session.error().message;
  std::vector<Tensor> outputs(1);
  const std::vector<TensorView> inputs{input};
  const Status run = session->Run(inputs, outputs);
  EXPECT_TRUE(run) << run.error().message;
  return std::move(outputs[0]);
}

// As a file would hold it.
Graph Written(const Graph& graph) {
  const auto bytes = ExportOnnx(graph);
  EXPECT_TRUE(bytes) << bytes.error().message;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes->data());
  auto again = ImportOnnx({data, bytes->size()}, "converted.onnx", Limits{});
  EXPECT_TRUE(again) << again.error().message;
  return std::move(again).value();
}

class ConvertGolden : public testing::Test {
 protected:
  void SetUp() override {
    VISAVIS_REQUIRE_SHARED(kExpectedRows);
    const std::vector<std::string> names = ReadSharedLines(kLfwNames);
    std::vector<std::string> some;
    for (std::size_t i = 0; i < names.size(); i += step()) some.push_back(names[i]);
    crops_ = ReadCrops(some);
    expected_ = ReadSharedNpy(kExpectedRows);
    original_ = LoadMobileFaceNet().graph();
    rgb_ = AsInput(crops_, false);
  }
  static std::size_t step() { return RunFull() ? 4 : kStep; }

  // The smallest cosine with the expected embeddings.
  double Nearness(const Tensor& embeddings) const {
    const auto width = static_cast<std::size_t>(expected_.shape[1]);
    std::vector<Embedding> rows;
    for (std::size_t i = 0; i < crops_.size(); ++i) {
      const auto row = embeddings.data<float>().subspan(i * width, width);
      rows.emplace_back(row.begin(), row.end());
    }
    return Summarize(Cosines(rows, expected_, step())).smallest;
  }

  void Expect(const char* what, const ConvertOptions& options, const Tensor& input) const {
    const auto converted = ConvertGraph(original_, options);
    ASSERT_TRUE(converted) << what << ": " << converted.error().message;
    const double nearness = Nearness(RunOn(Written(converted->graph), input));
    std::printf("%s: cosine at least %.8f\n", what, nearness);
    EXPECT_GE(nearness, 0.99999) << what;
  }

  std::vector<Image> crops_;
  NpyArray expected_;
  Graph original_;
  Tensor rgb_;
};

TEST_F(ConvertGolden, EveryOptionKeepsTheEmbeddings) {
  Expect("plain", {}, rgb_);
  for (const int opset : {7, 8, 9, 11, 13, 15, 17, 18, 21}) {
    Expect(fmt::format("opset {}", opset).c_str(), {.opset = opset}, rgb_);
  }
  Expect("batch", {.batch = Dim{std::ssize(crops_), ""}}, rgb_);
  Expect("fold-batchnorm", {.fold_batchnorm = true}, rgb_);
  Expect("fold-normalization", {.fold_normalization = true}, rgb_);
  Expect("fold-normalization, opset 8", {.fold_normalization = true, .opset = 8}, rgb_);
  Expect("unfold-normalization", {.unfold_normalization = true},
         AsInput(crops_, false, 127.5f, 0.0078125f));
  Expect("mean and scale put in",
         {.unfold_normalization = true,
          .put_in = InputNormalization{{127.5, 127.5, 127.5}, {0.0078125}}},
         rgb_);
  Expect("reverse by weights", {.reverse_channels = ReverseBy::kWeights}, AsInput(crops_, true));
  Expect("reverse by gather", {.reverse_channels = ReverseBy::kGather}, AsInput(crops_, true));
  Expect("fp16", {.storage = DType::kF16}, rgb_);
  const auto all = AllDefectKinds();
  Expect("repair", {.repair = {all.begin(), all.end()}}, rgb_);
  Expect("everything",
         {.repair = {all.begin(), all.end()},
          .fold_normalization = true,
          .fold_batchnorm = true,
          .reverse_channels = ReverseBy::kWeights,
          .opset = 17,
          .storage = DType::kF16},
         AsInput(crops_, true));
}

TEST_F(ConvertGolden, Bfloat16StorageRoundsWeightsTo8Bits) {
  const auto converted = ConvertGraph(original_, {.storage = DType::kBF16});
  ASSERT_TRUE(converted) << converted.error().message;
  const double nearness = Nearness(RunOn(Written(converted->graph), rgb_));
  std::printf("bf16: cosine at least %.8f\n", nearness);
  EXPECT_GE(nearness, 0.999);
}

TEST_F(ConvertGolden, ReversedChannelsGiveTheSameBits) {
  const auto converted = ConvertGraph(original_, {.reverse_channels = ReverseBy::kGather});
  ASSERT_TRUE(converted) << converted.error().message;
  const Tensor want = RunOn(original_, rgb_);
  const Tensor have = RunOn(Written(converted->graph), AsInput(crops_, true));
  ASSERT_EQ(have.shape(), want.shape());
  EXPECT_EQ(std::memcmp(have.raw(), want.raw(), want.size_bytes()), 0);
}

TEST_F(ConvertGolden, CutAtAnInnerNodeGivesWhatTheNetworkHasThere) {
  const auto cut = ConvertGraph(original_, {.outputs = {"pre_fc1"}});
  ASSERT_TRUE(cut) << cut.error().message;
  ASSERT_EQ(cut->graph.outputs.size(), 1u);
  EXPECT_EQ(cut->graph.value(cut->graph.outputs[0]).name, "pre_fc1");
  EXPECT_EQ(RunOn(Written(cut->graph), rgb_).shape(), (Shape{std::ssize(crops_), 128}));
  const auto nowhere = ConvertGraph(original_, {.outputs = {"fc2"}});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace visavis
