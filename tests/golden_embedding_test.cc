// MobileFaceNet's embeddings of the aligned LFW images against an independent implementation, and
// the published LFW accuracy from them.
#include <algorithm>
#include <cstdio>

#include "evaluate/evaluation.h"
#include "lfw_embeddings.h"

namespace visavis {
namespace {

// Every figure published for MobileFaceNet on LFW, to the digits given and one pair of 6,000.
void ExpectPublishedFigures(const std::vector<Embedding>& rows,
                            const std::vector<Embedding>& mirrored,
                            const std::vector<std::string>& names) {
  const auto set = LoadEvaluationSet(FileSystem::Real(), SharedPath("data/lfw"));
  ASSERT_TRUE(set) << set.error().message;
  SetEmbeddings embeddings;
  embeddings.dimension = rows.front().size();
  embeddings.usable.assign(set->images.size(), true);
  for (const EvaluationImage& image : set->images) {
    const auto at = static_cast<std::size_t>(
        std::lower_bound(names.begin(), names.end(), image.name) - names.begin());
    embeddings.plain.insert(embeddings.plain.end(), rows[at].begin(), rows[at].end());
    embeddings.mirrored.insert(embeddings.mirrored.end(), mirrored[at].begin(), mirrored[at].end());
  }
  EvaluationOptions options;
  options.verification.resamples = 0;
  options.verification.thresholds = {{0.5, "rule"}};
  Evaluation evaluation(*set, options);
  SystemFacts facts;
  facts.label = "mobilefacenet";
  ASSERT_TRUE(evaluation.AddSystem(facts, embeddings));
  const auto report = evaluation.Finish();
  ASSERT_TRUE(report && report->results.size() == 2) << "flip and plain";
  constexpr double kPair = 1.0 / 6000 + 5e-6;
  const auto mean = [&](std::size_t result, const char* protocol) {
    double found = -1;
    for (const ProtocolResult& p : report->results[result].verification->protocols) {
      if (p.protocol == protocol) found = p.mean;
    }
    return found;
  };
  EXPECT_NEAR(report->results[0].mean_norm, 11.128, 5e-4);
  EXPECT_NEAR(mean(0, "k-fold"), 0.99450, kPair);
  EXPECT_NEAR(mean(1, "k-fold"), 0.99333, kPair);
  EXPECT_NEAR(*report->results[0].verification->protocols[0].deviation, 0.00466, 3e-4);
  EXPECT_NEAR(*report->results[1].verification->protocols[0].deviation, 0.00527, 3e-4);
  EXPECT_NEAR(mean(0, "val@far"), 0.98667, 2 * kPair);  // of 3,000 pairs
  EXPECT_NEAR(mean(0, "neural-compressor"), 0.99450, kPair);
  EXPECT_NEAR(mean(1, "neural-compressor"), 0.99433, kPair);
  EXPECT_NEAR(mean(0, "omz"), 0.99350, kPair);
  EXPECT_NEAR(mean(1, "omz"), 0.99333, kPair);
  EXPECT_NEAR(mean(1, "fixed-threshold"), 0.9595, kPair);  // the last one: similarity >= 0.5
}

TEST(EmbeddingGolden, EveryLfwImageAndThePublishedAccuracy) {
  VISAVIS_REQUIRE_SHARED(kExpectedRows);
  const std::vector<std::string> names = ReadSharedLines(kLfwNames);
  const NpyArray expected = ReadSharedNpy(kExpectedRows);
  ASSERT_EQ(expected.shape, (std::vector<std::int64_t>{7701, 128}));
  ASSERT_EQ(names.size(), 7701u);
  ASSERT_TRUE(std::is_sorted(names.begin(), names.end()));

  const Result<Embedder> embedder = Embedder::Create(LoadMobileFaceNet());
  ASSERT_TRUE(embedder) << embedder.error().message;
  EXPECT_EQ(embedder->dimension(), 128);
  EXPECT_EQ(embedder->crop_size_px(), 112);
  std::vector<Image> crops = ReadCrops(names);
  std::vector<Embedding> rows = EmbedAll(*embedder, crops);
  const Agreement agreement = Summarize(Cosines(rows, expected, 1));
  std::printf("%s: 7701 images: smallest cosine %.8f, mean %.8f\n",
              std::string(embedder->session().isa()).c_str(), agreement.smallest, agreement.mean);
  EXPECT_GE(agreement.smallest, 0.9999);
  EXPECT_GE(agreement.mean, 0.99999);

  const LfwAccuracy accuracy = MeasureLfw(*embedder, crops, rows, names);
  EXPECT_NEAR(accuracy.plain.mean, 0.9933, 0.0003);
  EXPECT_NEAR(accuracy.flipped.mean, 0.9945, 0.0003);
  ExpectPublishedFigures(rows, accuracy.mirrored, names);
}

// The instruction sets that the test above did not run. All images of all of them when asked for.
TEST(EmbeddingGolden, EveryInstructionSet) {
  VISAVIS_REQUIRE_SHARED(kExpectedRows);
  const NpyArray expected = ReadSharedNpy(kExpectedRows);
  const std::vector<std::string> all = ReadSharedLines(kLfwNames);
  const Model model = LoadMobileFaceNet();
  for (const auto& [isa, sample_step] : {std::pair{"scalar", 200}, {"avx2", 20}, {"avx512", 20}}) {
    const auto step = static_cast<std::size_t>(RunFull() ? 1 : sample_step);
    EmbedOptions options;
    options.session.isa = isa;
    const Result<Embedder> embedder = Embedder::Create(model, options);
    if (!embedder && embedder.error().code == ErrorCode::kInvalidArgument) {
      std::printf("SKIPPED %s: %s\n", isa, embedder.error().message.c_str());
      continue;
    }
    ASSERT_TRUE(embedder) << embedder.error().message;
    EXPECT_EQ(embedder->session().isa(), isa);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < all.size(); i += step) names.push_back(all[i]);
    const Agreement agreement =
        Summarize(Cosines(EmbedAll(*embedder, ReadCrops(names)), expected, step));
    std::printf("%s: %zu images: smallest cosine %.8f, mean %.8f\n", isa, names.size(),
                agreement.smallest, agreement.mean);
    EXPECT_GE(agreement.smallest, 0.9999) << isa;
    EXPECT_GE(agreement.mean, 0.99999) << isa;
  }
}

}  // namespace
}  // namespace visavis
