#include "bench/model_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "bench/machine.h"
#include "bench/profile.h"
#include "kernels/kernels.h"
#include "visavis/model.h"

namespace visavis {
namespace {

// A convolution of 8 channels and a sum, on images of any size.
Graph SmallNetwork() {
  Graph graph;
  graph.name = "small";
  graph.opset = 13;
  const ValueId x = graph.AddValue("x");
  graph.value(x).shape = std::vector<Dim>{{-1, "N"}, {3, ""}, {-1, "H"}, {-1, "W"}};
  graph.inputs = {x};
  const ValueId weight = graph.AddConstant("weight", Tensor(DType::kF32, {8, 3, 3, 3}));
  const ValueId y = graph.AddValue("y");
  Node conv;
  conv.name = "conv";
  conv.op_type = "Conv";
  conv.inputs = {x, weight};
  conv.outputs = {y};
  conv.attributes = {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}};
  graph.nodes.push_back(conv);
  graph.outputs = {y};
  return graph;
}

constexpr OpenExtents kExtents{.batch = 2, .width = 20, .height = 10};

TEST(MakePixelInputs, ClosesOpenExtents) {
  const auto inputs = MakePixelInputs(SmallNetwork(), kExtents);
  ASSERT_TRUE(inputs.has_value()) << inputs.error().message;
  ASSERT_EQ(inputs->size(), 1u);
  EXPECT_EQ((*inputs)[0].shape(), (Shape{2, 3, 10, 20}));
  float largest = 0;
  for (const float pixel : (*inputs)[0].data<float>()) {
    ASSERT_EQ(pixel, static_cast<float>(static_cast<int>(pixel)));
    ASSERT_GE(pixel, 0);
    largest = std::max(largest, pixel);
  }
  EXPECT_GT(largest, 200);
  EXPECT_LE(largest, 255);
}

TEST(MakePixelInputs, RefusesWhatItCannotGuess) {
  Graph undeclared = SmallNetwork();
  undeclared.value(undeclared.inputs[0]).shape.reset();
  EXPECT_EQ(MakePixelInputs(undeclared, {}).error().code, ErrorCode::kUnsupported);

  Graph open = SmallNetwork();
  open.value(open.inputs[0]).shape = std::vector<Dim>{{-1, "N"}, {-1, "length"}};
  EXPECT_EQ(MakePixelInputs(open, {}).error().code, ErrorCode::kInvalidArgument);

  EXPECT_EQ(MakePixelInputs(SmallNetwork(), {.width = 1 << 16, .height = 1 << 16}).error().code,
            ErrorCode::kLimitExceeded);
}

TEST(CountFlops, CountsMultiplyAddsTwice) {
  const auto flops = CountFlops(Model::FromGraph(SmallNetwork()), kExtents);
  ASSERT_TRUE(flops.has_value()) << flops.error().message;
  EXPECT_EQ(*flops, 2.0 * 2 * 8 * 27 * 10 * 20);
}

TEST(ProfilePlan, TimesEveryStep) {
  const Model model = Model::FromGraph(SmallNetwork());
  BenchSetting setting;
  setting.extents = kExtents;
  const auto described = ProfilePlan(model, setting, 0);
  ASSERT_TRUE(described.has_value()) << described.error().message;
  EXPECT_FALSE(described->steps.empty());
  EXPECT_TRUE(described->step_ms.empty());

  setting.threads = 2;
  const auto profile = ProfilePlan(model, setting, 3);
  ASSERT_TRUE(profile.has_value()) << profile.error().message;
  ASSERT_EQ(profile->step_ms.size(), profile->steps.size());
  for (const double ms : profile->step_ms) EXPECT_GT(ms, 0);

  setting.isa = "z80";
  EXPECT_EQ(ProfilePlan(model, setting, 0).error().code, ErrorCode::kInvalidArgument);
}

TEST(RunBench, ReportsConsistentFigures) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "visavis_model_bench_test.onnx").string();
  ASSERT_TRUE(Model::FromGraph(SmallNetwork()).SaveOnnx(path).has_value());
  BenchSetting setting;
  setting.extents = kExtents;
  const auto result = RunBench(path, setting, {.warmup_runs = 1, .min_runs = 7, .seconds = 0});
  std::filesystem::remove(path);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->shape, "[2,3,10,20]");
  EXPECT_EQ(result->latency.runs, 7);
  EXPECT_LE(result->latency.min_ms, result->latency.median_ms);
  EXPECT_LE(result->latency.median_ms, result->latency.p90_ms);
  EXPECT_DOUBLE_EQ(result->images_per_s, 2e3 / result->latency.median_ms);
  EXPECT_EQ(result->flops, 2.0 * 2 * 8 * 27 * 10 * 20);
  EXPECT_GT(result->peak_rss_bytes, 1 << 20);

  setting.threads = 0;
  EXPECT_EQ(RunBench(path, setting, {}).error().code, ErrorCode::kInvalidArgument);
  setting.threads = 1;
  EXPECT_EQ(RunBench(path, setting, {}).error().code, ErrorCode::kNotFound);
}

TEST(MeasureMachine, SeesTheMachine) {
  const auto report = MeasureMachine(BestIsa(), 1);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_GE(report->cores, 1);
  EXPECT_GT(report->peaks.fp32, 1e8);  // any processor since 2000
  ASSERT_FALSE(report->reads.empty());
  for (const ReadRate& rate : report->reads) EXPECT_GT(rate.bytes_per_s, 1e8);
  EXPECT_EQ(MeasureMachine("z80", 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(MeasureMachine(BestIsa(), 0).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis
