// Chains of steps by strips of rows: the same bits as step by step, however the rows are cut.
#include "runtime/strip_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "model/arch/arch.h"
#include "runtime/compile.h"
#include "runtime/plan.h"
#include "runtime/workspace.h"
#include "tests/shared_data.h"
#include "visavis/model.h"

namespace visavis {
namespace {

Tensor RandomPicture(const Shape& shape) {
  std::mt19937 random(7);
  Tensor picture(DType::kF32, shape);
  for (float& v : picture.data<float>()) v = static_cast<float>(random() % 256);
  return picture;
}

struct Outcome {
  std::vector<std::string> outputs;  // bytes
  std::size_t chains = 0;
};

Outcome RunBy(const StripBudget& budget, const Model& model, const Tensor& picture,
              std::string_view isa, int threads, Precision precision) {
  Outcome outcome;
  ThreadPool pool(threads);
  CompileContext context;
  context.kernels = FindKernels(isa);
  context.precision = precision;
  context.threads = threads;
  const Result<Program> program = Compile(model.graph(), context);
  EXPECT_TRUE(program.has_value());
  if (!program.has_value()) return outcome;
  const std::vector<TensorView> views{TensorView(picture)};
  const auto plan = Plan::Create(*program, views, context.limits, threads, budget);
  EXPECT_TRUE(plan.has_value());
  if (!plan.has_value()) return outcome;
  for (const StepInfo& step : (*plan)->Describe()) outcome.chains += step.op_type == "Chain";
  Workspace workspace;
  std::vector<Tensor> outputs;
  for (const TensorType& type : (*plan)->outputs()) outputs.emplace_back(type.dtype, type.shape);
  // Twice: the second run finds the first one's remains in memory.
  for (int run = 0; run < 2; ++run) {
    EXPECT_TRUE((*plan)->Run(workspace, views, outputs, &pool).has_value());
  }
  for (const Tensor& t : outputs) {
    outcome.outputs.emplace_back(static_cast<const char*>(t.raw()), t.size_bytes());
  }
  return outcome;
}

void ChainsDoNotChangeBits(const Model& model, const Shape& shape, Precision precision) {
  const Tensor picture = RandomPicture(shape);
  const StripBudget step_by_step{0, 0};
  const bool vectors = FindKernels("avx2") != nullptr;
  for (const std::string_view isa : {vectors ? "avx2" : "scalar", "avx512", "avx512_bf16"}) {
    if (FindKernels(isa) == nullptr) continue;
    if (precision == Precision::kBf16 && !FindKernels(isa)->fast_bf16) continue;
    const Outcome want = RunBy(step_by_step, model, picture, isa, 1, precision);
    EXPECT_EQ(want.chains, 0u);
    // A few rows, some, and all of them at a time.
    for (const std::int64_t kilobytes : {24, 60, 150, 100000}) {
      for (const int threads : {1, 3}) {
        const StripBudget budget{0, kilobytes << 10};
        const Outcome got = RunBy(budget, model, picture, isa, threads, precision);
        EXPECT_GT(got.chains, 0u);
        EXPECT_TRUE(got.outputs == want.outputs)
            << isa << ", " << kilobytes << " KB, " << threads << " threads, " << got.chains
            << " chains, input " << shape.ToString();
      }
    }
  }
}

TEST(StripChain, GivesTheBitsOfItsSteps) {
  const Model model = Model::FromGraph(*BuildArch("mobilefacenet", 1));
  ChainsDoNotChangeBits(model, Shape{2, 3, 112, 112}, Precision::kFp32);
}

TEST(StripChain, GivesTheBitsOfItsStepsInBf16) {
  if (FindKernels("avx512_bf16") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  const Model model = Model::FromGraph(*BuildArch("mobilefacenet", 1));
  ChainsDoNotChangeBits(model, Shape{1, 3, 112, 112}, Precision::kBf16);
}

struct FileCase {
  const char* file;
  Shape shape;
};

class StripChainFiles : public testing::TestWithParam<FileCase> {};

TEST_P(StripChainFiles, GiveTheBitsOfTheirSteps) {
  const std::string file = std::string("models/") + GetParam().file;
  VISAVIS_REQUIRE_SHARED(file);
  const auto model = Model::Load(SharedPath(file));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  ChainsDoNotChangeBits(*model, GetParam().shape, Precision::kFp32);
}

// Detectors want heights and widths that are multiples of 32; MTCNN's first network takes any.
INSTANTIATE_TEST_SUITE_P(
    Networks, StripChainFiles,
    testing::Values(FileCase{"yunet/yunet_n_dynamic.onnx", Shape{1, 3, 96, 160}},
                    FileCase{"yunet/yunet_n_dynamic.onnx", Shape{1, 3, 224, 32}},
                    FileCase{"scrfd/scrfd_500m_bnkps.onnx", Shape{1, 3, 160, 96}},
                    FileCase{"mtcnn/det1-0001.params", Shape{1, 3, 75, 61}},
                    FileCase{"mtcnn/det1-0001.params", Shape{2, 3, 40, 37}}));

// Odd heights: the last strip is short, or only its border is missing.
TEST(StripChain, AnyHeight) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-0001.params");
  const auto model = Model::Load(SharedPath("models/mtcnn/det1-0001.params"));
  ASSERT_TRUE(model.has_value());
  for (int height = 30; height < 46; ++height) {
    const Tensor picture = RandomPicture(Shape{1, 3, height, 33});
    const Outcome want = RunBy({0, 0}, *model, picture, BestIsa(), 1, Precision::kFp32);
    const Outcome got = RunBy({0, 16 << 10}, *model, picture, BestIsa(), 1, Precision::kFp32);
    EXPECT_TRUE(got.outputs == want.outputs) << height;
  }
}

}  // namespace
}  // namespace visavis
