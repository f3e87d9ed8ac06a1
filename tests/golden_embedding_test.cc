// MobileFaceNet's embeddings of the aligned LFW images against an independent implementation, and
// the published LFW accuracy from them.
#include <algorithm>
#include <cstdio>

#include "lfw_embeddings.h"

namespace visavis {
namespace {

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

  const LfwAccuracy accuracy = MeasureLfw(*embedder, crops, std::move(rows), names);
  EXPECT_NEAR(accuracy.plain.mean, 0.9933, 0.0003);
  EXPECT_NEAR(accuracy.flipped.mean, 0.9945, 0.0003);
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
