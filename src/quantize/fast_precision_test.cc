// Precision::kFast on a quantized face network.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "model/arch/arch.h"
#include "quantize/quantizer.h"
#include "runtime/compile.h"
#include "runtime/plan.h"
#include "tests/run_model.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

Tensor Pictures(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  Tensor pictures(DType::kF32, Shape{count, 3, 112, 112});
  for (float& v : pictures.data<float>()) v = static_cast<float>(random() % 256);
  return pictures;
}

const Model& FloatModel() {
  static const Model model = Model::FromGraph(*BuildArch("lresnet18e-ir", 1));
  return model;
}

Model Quantized(bool qoperator) {
  std::vector<Sample> samples(1);
  samples[0].push_back(Pictures(1, 9));
  auto quantizer = Quantizer::Create(FloatModel().graph(), {samples, PixelGrid{}}, qoperator, {});
  EXPECT_TRUE(quantizer) << quantizer.error().message;
  Recipe recipe;
  recipe.ranges = RangeMethod::kMinMax;
  if (qoperator) recipe.format = QuantFormat::kQOperator;
  auto graph = quantizer->Quantize(recipe);
  EXPECT_TRUE(graph) << graph.error().message;
  return Model::FromGraph(*std::move(graph));
}

const Model& Int8Model() {
  static const Model model = Quantized(false);
  return model;
}

SessionOptions On(const char* isa, Precision precision) {
  SessionOptions options;
  options.isa = isa;
  options.precision = precision;
  return options;
}

double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

/// "algorithm CxHxW" of every convolution, and "quantize CxHxW".
std::vector<std::string> Steps(const Model& model, const char* isa, Precision precision) {
  CompileContext context;
  context.kernels = FindKernels(isa);
  context.precision = precision;
  const auto program = Compile(model.graph(), context);
  EXPECT_TRUE(program) << program.error().message;
  const Tensor picture = Pictures(1, 1);
  const std::vector<TensorView> views{TensorView(picture)};
  const auto plan = Plan::Create(*program, views, context.limits, 1);
  EXPECT_TRUE(plan) << plan.error().message;
  std::vector<std::string> steps;
  for (const StepInfo& step : (*plan)->Describe()) {
    steps.push_back(step.algorithm + " " + step.outputs[0]);
  }
  return steps;
}

// Winograd in bf16 on maps of 14x14 and more, bytes where the stride is 2 and on 7x7, and one
// change from floats to bytes in front of each of these.
TEST(FastPrecision, MixesAsTheRuleSays) {
  if (FindKernels("avx512_bf16") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  const std::vector<std::string> steps = Steps(Int8Model(), "avx512_bf16", Precision::kFast);
  const auto count = [&](std::string_view what) {
    return std::ranges::count_if(
        steps, [&](const std::string& step) { return step.find(what) != std::string::npos; });
  };
  EXPECT_EQ(count("stem [1,64,112,112]"), 1);
  EXPECT_EQ(count("winograd F(4x4) bf16"), 7);
  EXPECT_EQ(count("winograd F(3x3) bf16"), 3);
  EXPECT_EQ(count("direct [1,64,56,56]"), 1);
  EXPECT_EQ(count("direct [1,128,28,28]"), 1);
  EXPECT_EQ(count("direct [1,256,14,14]"), 1);
  EXPECT_EQ(count("direct [1,512,7,7]"), 4);
  EXPECT_EQ(count("direct bf16"), 3);  // shortcuts: no gain is worth making bytes for them
  EXPECT_EQ(count("quantize"), 5);
  EXPECT_EQ(count("fully connected"), 1);
  EXPECT_EQ(count(""), 27);
}

TEST(FastPrecision, IsInt8WhereThatIsFasterOrBf16IsNotQuick) {
  const Tensor pictures = Pictures(1, 2);
  for (const char* isa : {"avx2", "avx_vnni", "avx512", "avx512_vnni", "amx"}) {
    if (FindKernels(isa) == nullptr) continue;
    SCOPED_TRACE(isa);
    EXPECT_EQ(Steps(Int8Model(), isa, Precision::kFast), Steps(Int8Model(), isa, Precision::kFp32));
    EXPECT_EQ(RunToFloats(Int8Model(), pictures, On(isa, Precision::kFast)),
              RunToFloats(Int8Model(), pictures, On(isa, Precision::kFp32)));
  }
}

TEST(FastPrecision, StaysCloseToFloatAndIsNearerThanInt8) {
  if (FindKernels("avx512_bf16") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  const Tensor pictures = Pictures(1, 3);
  const std::vector<float> fp32 = RunToFloats(FloatModel(), pictures, {});
  for (const bool qoperator : {false, true}) {
    const Model model = Quantized(qoperator);
    const std::vector<float> int8 =
        RunToFloats(model, pictures, On("avx512_bf16", Precision::kFp32));
    const std::vector<float> fast =
        RunToFloats(model, pictures, On("avx512_bf16", Precision::kFast));
    EXPECT_NE(fast, int8);
    EXPECT_GE(Cosine(int8, fp32), 0.99);
    EXPECT_GE(Cosine(fast, fp32), Cosine(int8, fp32)) << qoperator;
    EXPECT_GE(Cosine(fast, int8), 0.99);
  }
}

TEST(FastPrecision, BatchAndThreadsDoNotChangeBits) {
  if (FindKernels("avx512_bf16") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  const SessionOptions alone = On("avx512_bf16", Precision::kFast);
  ThreadPool pool(2);
  SessionOptions threaded = alone;
  threaded.pool = &pool;
  const Tensor pictures = Pictures(3, 4);
  const std::vector<float> all = RunToFloats(Int8Model(), pictures, alone);
  EXPECT_EQ(RunToFloats(Int8Model(), pictures, threaded), all);
  Tensor first(DType::kF32, Shape{1, 3, 112, 112});
  std::copy_n(pictures.data<float>().begin(), first.elements(), first.data<float>().begin());
  const std::vector<float> row(all.begin(),
                               all.begin() + static_cast<std::ptrdiff_t>(all.size() / 3));
  EXPECT_EQ(RunToFloats(Int8Model(), first, alone), row);
  EXPECT_EQ(RunToFloats(Int8Model(), first, threaded), row);
}

TEST(FastPrecision, IsBf16OfAFloatNetworkWhereThatIsQuickElseFloat) {
  const Tensor pictures = Pictures(1, 5);
  for (const auto& [isa, same_as] :
       {std::pair{"avx2", Precision::kFp32}, std::pair{"avx512_bf16", Precision::kBf16},
        std::pair{"amx", Precision::kBf16}}) {
    if (FindKernels(isa) == nullptr) continue;
    EXPECT_EQ(RunToFloats(FloatModel(), pictures, On(isa, Precision::kFast)),
              RunToFloats(FloatModel(), pictures, On(isa, same_as)))
        << isa;
  }
}

}  // namespace
}  // namespace visavis
