// The fast program against the reference program: same numbers, layer kinds as expected.
#include "runtime/fast/compile_fast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "model/arch/arch.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/passes.h"
#include "runtime/fold_constants.h"
#include "tests/run_model.h"
#include "tests/shared_data.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

Tensor RandomPicture(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  Tensor picture(DType::kF32, shape);
  for (float& v : picture.data<float>()) v = static_cast<float>(random() % 256);
  return picture;
}

// |a - b| / |b| over all elements.
double RelativeDistance(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  if (a.shape() != b.shape()) return 1;
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.data<float>().size(); ++i) {
    const double d = double{a.data<float>()[i]} - b.data<float>()[i];
    difference += d * d;
    norm += double{b.data<float>()[i]} * b.data<float>()[i];
  }
  return std::sqrt(difference / std::max(norm, 1e-30));
}

void ExpectFastEqualsReference(const Model& model, const Shape& shape, double tolerance,
                               SessionOptions options = {}) {
  const Tensor picture = RandomPicture(shape, 1);
  SessionOptions reference = options;
  reference.reference = true;
  const auto expected = RunModel(model, picture, reference);
  const auto actual = RunModel(model, picture, options);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_LE(RelativeDistance(actual[i], expected[i]), tolerance) << "output " << i;
  }
}

// Sums in another order, and Winograd's transforms, differ by a few units in the last place per
// layer; 1e-5 of the norm is some twenty times what the deepest of these networks shows.
constexpr double kTolerance = 1e-5;

struct FileCase {
  const char* file;
  Shape shape;
};

class FastFiles : public testing::TestWithParam<FileCase> {};

TEST_P(FastFiles, EqualTheReference) {
  const std::string file = std::string("models/") + GetParam().file;
  VISAVIS_REQUIRE_SHARED(file);
  const auto model = Model::Load(SharedPath(file));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  for (const char* isa : {"scalar", "avx2", "avx512"}) {
    SessionOptions options;
    options.isa = isa;
    const auto session = Session::Create(*model, options);
    if (!session.has_value()) continue;  // not on this machine
    EXPECT_EQ(session->isa(), isa);
    SCOPED_TRACE(isa);
    ExpectFastEqualsReference(*model, GetParam().shape, kTolerance, options);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, FastFiles,
    testing::Values(FileCase{"mobilefacenet-arcface/model-0000.params", Shape{2, 3, 112, 112}},
                    FileCase{"mtcnn/det1-0001.params", Shape{1, 3, 37, 50}},
                    FileCase{"mtcnn/det2-0001.params", Shape{3, 3, 24, 24}},
                    FileCase{"mtcnn/det3-0001.params", Shape{3, 3, 48, 48}},
                    FileCase{"mtcnn/det4-0001.params", Shape{2, 15, 24, 24}},
                    FileCase{"scrfd/scrfd_500m_bnkps.onnx", Shape{1, 3, 96, 160}},
                    FileCase{"scrfd/scrfd_2.5g_bnkps.onnx", Shape{1, 3, 96, 160}},
                    // Odd levels: the pyramid upsamples 4 rows to 7.
                    FileCase{"scrfd/scrfd_2.5g_bnkps.onnx", Shape{1, 3, 100, 104}},
                    FileCase{"yunet/yunet_n_dynamic.onnx", Shape{1, 3, 96, 160}}));

TEST(CompileFast, LResNet18) {
  auto graph = BuildArch("lresnet18e-ir", 1);
  ASSERT_TRUE(graph.has_value());
  const Model model = Model::FromGraph(*std::move(graph));
  SessionOptions options;
  ExpectFastEqualsReference(model, Shape{1, 3, 112, 112}, kTolerance, options);
  options.low_memory = true;
  ExpectFastEqualsReference(model, Shape{1, 3, 112, 112}, kTolerance, options);
}

double Cosine(const Tensor& a, const Tensor& b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.data<float>().size(); ++i) {
    const double x = a.data<float>()[i];
    const double y = b.data<float>()[i];
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return ab / std::sqrt(aa * bb);
}

TEST(CompileFast, Bf16StaysCloseToFp32) {
  if (FindKernels("avx512_bf16") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  for (const char* arch : {"lresnet18e-ir", "mobilefacenet"}) {
    const Model model = Model::FromGraph(*BuildArch(arch, 1));
    const Tensor picture = RandomPicture(Shape{1, 3, 112, 112}, 3);
    const auto fp32 = RunModel(model, picture, {});
    for (const char* isa : {"avx512_bf16", "amx"}) {
      if (FindKernels(isa) == nullptr) continue;
      SessionOptions bf16;
      bf16.precision = Precision::kBf16;
      bf16.isa = isa;
      const auto half = RunModel(model, picture, bf16);
      ASSERT_EQ(half.size(), 1u);
      EXPECT_GE(Cosine(half[0], fp32[0]), 0.999) << arch << " " << isa;
    }
  }
}

// A product of two floats that keep 16 bits each is within 2^-16 of theirs.
TEST(CompileFast, Fp32HighStaysWithinItsBits) {
  for (const char* arch : {"lresnet18e-ir", "mobilefacenet"}) {
    const Model model = Model::FromGraph(*BuildArch(arch, 1));
    SessionOptions high;
    high.precision = Precision::kFp32High;
    ExpectFastEqualsReference(model, Shape{1, 3, 112, 112}, 1.0 / (1 << 15), high);
  }
}

TEST(CompileFast, Bf16IsRefusedWhereItWouldBeSlow) {
  if (FindKernels("avx2") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX2 here";
  SessionOptions options;
  options.precision = Precision::kBf16;
  options.isa = "avx2";
  const auto session = Session::Create(Model::FromGraph(*BuildArch("mobilefacenet", 1)), options);
  ASSERT_FALSE(session.has_value());
  EXPECT_EQ(session.error().code, ErrorCode::kUnsupported);
}

Graph Optimized(const char* arch) {
  Graph graph = *BuildArch(arch, 1);
  CompileContext context;
  context.kernels = FindKernels("scalar");
  EXPECT_TRUE(FoldConstants(graph, context).has_value());
  return *OptimizeGraph(std::move(graph));
}

TEST(CompileFast, PassesLeaveOnlyFusedNodes) {
  for (const char* arch : {"lresnet18e-ir", "mobilefacenet"}) {
    const Graph graph = Optimized(arch);
    for (const Node& node : graph.nodes) {
      EXPECT_EQ(node.domain, kFusedDomain) << arch << ": " << graph.Describe(node);
    }
    EXPECT_EQ(graph.value(graph.outputs[0]).name, "fc1");
  }
}

// Packing from weights that are let go row by row must read each of them first.
TEST(CompileFast, AModelHandedOverGivesTheSameBits) {
  const auto make = [] { return Model::FromGraph(*BuildArch("lresnet18e-ir", 1)); };
  const Tensor picture = RandomPicture(Shape{1, 3, 112, 112}, 4);
  ThreadPool pool(2);
  SessionOptions low_memory;
  low_memory.low_memory = true;
  SessionOptions threaded;
  threaded.pool = &pool;
  for (const SessionOptions& options : {SessionOptions{}, low_memory, threaded}) {
    const auto kept = RunModel(make(), picture, options);
    const auto session = Session::Create(make(), options);
    ASSERT_TRUE(session.has_value()) << session.error().message;
    std::vector<Tensor> outputs(1);
    const std::vector<TensorView> views{TensorView(picture)};
    ASSERT_TRUE(session->Run(views, outputs).has_value());
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_TRUE(std::ranges::equal(kept[0].data<float>(), outputs[0].data<float>()));
  }
}

void BatchAndThreadsDoNotChangeBits(Precision precision) {
  SessionOptions alone;
  alone.precision = precision;
  const Model model = Model::FromGraph(*BuildArch("lresnet18e-ir", 1));
  const Tensor pictures = RandomPicture(Shape{4, 3, 112, 112}, 2);
  ThreadPool pool(2);
  SessionOptions threaded = alone;
  threaded.pool = &pool;
  const auto batched = RunModel(model, pictures, alone);
  const auto shared = RunModel(model, pictures, threaded);
  const auto bytes = [](const Tensor& t) {
    return std::string(static_cast<const char*>(t.raw()), t.size_bytes());
  };
  ASSERT_EQ(batched.size(), 1u);
  EXPECT_EQ(bytes(batched[0]), bytes(shared[0]));
  for (std::int64_t image = 0; image < 4; ++image) {
    Tensor one(DType::kF32, Shape{1, 3, 112, 112});
    const auto all = pictures.data<float>();
    std::copy_n(all.begin() + image * one.elements(), one.elements(), one.data<float>().begin());
    for (const SessionOptions& options : {alone, threaded}) {
      const auto single = RunModel(model, one, options);
      ASSERT_EQ(single.size(), 1u);
      const std::size_t row = single[0].size_bytes();
      EXPECT_EQ(bytes(single[0]),
                bytes(batched[0]).substr(static_cast<std::size_t>(image) * row, row));
    }
  }
}

TEST(CompileFast, BatchAndThreadsDoNotChangeBits) {
  BatchAndThreadsDoNotChangeBits(Precision::kFp32);
  BatchAndThreadsDoNotChangeBits(Precision::kFp32High);
}

TEST(CompileFast, BatchAndThreadsDoNotChangeBitsOfBf16) {
  if (FindKernels("avx512_bf16") == nullptr) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  BatchAndThreadsDoNotChangeBits(Precision::kBf16);
}

}  // namespace
}  // namespace visavis
