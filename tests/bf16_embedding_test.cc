// What bfloat16 arithmetic costs in accuracy, on real faces.
#include <cmath>
#include <cstdio>

#include "lfw_embeddings.h"
#include "model/arch/arch.h"

namespace visavis {
namespace {

Result<Embedder> CreateEmbedder(const Model& model, Precision precision, bool reference = false) {
  EmbedOptions options;
  options.session.precision = precision;
  options.session.reference = reference;
  return Embedder::Create(model, options);
}

/// Whether the processor multiplies bfloat16 numbers; emulated, all of LFW would take an hour.
bool HasBf16(const Result<Embedder>& embedder) {
  if (!embedder) return embedder.error().code != ErrorCode::kUnsupported;
  return embedder->session().isa() != "scalar";
}

std::vector<std::string> EveryNth(const std::vector<std::string>& names, std::size_t step) {
  std::vector<std::string> some;
  for (std::size_t i = 0; i < names.size(); i += step) some.push_back(names[i]);
  return some;
}

std::vector<double> CosinesOf(const std::vector<Embedding>& a, const std::vector<Embedding>& b) {
  std::vector<double> cosines;
  for (std::size_t i = 0; i < a.size(); ++i) cosines.push_back(Similarity(a[i], b[i]).value());
  return cosines;
}

void Print(const char* what, std::size_t images, const Agreement& agreement) {
  std::printf("%s, %zu images: cosine at least %.6f, for 99 %% at least %.6f, mean %.6f\n", what,
              images, agreement.smallest, agreement.hundredth, agreement.mean);
}

TEST(Bf16Golden, MobileFaceNetOnLfw) {
  VISAVIS_REQUIRE_SHARED(kExpectedRows);
  const std::vector<std::string> names = ReadSharedLines(kLfwNames);
  const NpyArray expected = ReadSharedNpy(kExpectedRows);
  const Result<Embedder> embedder = CreateEmbedder(LoadMobileFaceNet(), Precision::kBf16);
  if (!HasBf16(embedder)) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  ASSERT_TRUE(embedder) << embedder.error().message;
  std::vector<Image> crops = ReadCrops(names);
  std::vector<Embedding> rows = EmbedAll(*embedder, crops);
  const Agreement agreement = Summarize(Cosines(rows, expected, 1));
  Print("MobileFaceNet", rows.size(), agreement);
  EXPECT_GE(agreement.hundredth, 0.999);
  // Within 0.1 point of what fp32 gives.
  const LfwAccuracy accuracy = MeasureLfw(*embedder, crops, std::move(rows), names);
  EXPECT_NEAR(accuracy.plain.mean, 0.99333, 0.001);
  EXPECT_NEAR(accuracy.flipped.mean, 0.99450, 0.001);
}

// Seeded weights: nothing trained is smooth, but a hundred layers are as deep.
TEST(Bf16Golden, LResNet100OnSomeOfLfw) {
  if (!RunFull()) GTEST_SKIP() << "SKIPPED: takes a minute; VISAVIS_FULL=1 runs it";
  VISAVIS_REQUIRE_SHARED(kLfwNames);
  Result<Graph> graph = BuildArch("lresnet100e-ir", 1);
  ASSERT_TRUE(graph) << graph.error().message;
  const Model model = Model::FromGraph(std::move(graph).value());
  const Result<Embedder> bf16 = CreateEmbedder(model, Precision::kBf16);
  if (!HasBf16(bf16)) GTEST_SKIP() << "SKIPPED: no AVX512-BF16 here";
  ASSERT_TRUE(bf16) << bf16.error().message;
  const Result<Embedder> fp32 = CreateEmbedder(model, Precision::kFp32);
  ASSERT_TRUE(fp32) << fp32.error().message;
  const std::vector<Image> crops = ReadCrops(EveryNth(ReadSharedLines(kLfwNames), 77));
  const Agreement agreement = Summarize(CosinesOf(EmbedAll(*bf16, crops), EmbedAll(*fp32, crops)));
  Print("LResNet100E-IR", crops.size(), agreement);
  EXPECT_GE(agreement.hundredth, 0.995);
}

// The engine's fp32 against the same network run operator by operator.
TEST(Fp32Golden, LResNet100AgainstTheReference) {
  if (!RunFull()) GTEST_SKIP() << "SKIPPED: takes a minute; VISAVIS_FULL=1 runs it";
  VISAVIS_REQUIRE_SHARED(kLfwNames);
  Result<Graph> graph = BuildArch("lresnet100e-ir", 1);
  ASSERT_TRUE(graph) << graph.error().message;
  const Model model = Model::FromGraph(std::move(graph).value());
  const Result<Embedder> fast = CreateEmbedder(model, Precision::kFp32);
  const Result<Embedder> reference = CreateEmbedder(model, Precision::kFp32, true);
  ASSERT_TRUE(fast && reference);
  const std::vector<Image> crops = ReadCrops(EveryNth(ReadSharedLines(kLfwNames), 1925));
  const std::vector<Embedding> got = EmbedAll(*fast, crops);
  const std::vector<Embedding> want = EmbedAll(*reference, crops);
  for (std::size_t i = 0; i < crops.size(); ++i) {
    double error = 0;
    double norm = 0;
    for (std::size_t k = 0; k < want[i].size(); ++k) {
      error += std::pow(double{got[i][k]} - want[i][k], 2);
      norm += std::pow(double{want[i][k]}, 2);
    }
    std::printf("crop %zu: relative error %.2e\n", i, std::sqrt(error / norm));
    EXPECT_LE(std::sqrt(error / norm), 1e-4);
  }
}

}  // namespace
}  // namespace visavis
