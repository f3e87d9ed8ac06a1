// MobileFaceNet's embeddings of the aligned LFW images against an independent implementation, and
// the published LFW accuracy from them.
#include <algorithm>
#include <cstdio>
#include <mutex>

#include "base/file_system.h"
#include "base/npy.h"
#include "evaluate/pairs.h"
#include "evaluate/verification.h"
#include "golden_faces.h"
#include "image/transform.h"
#include "visavis/embed.h"
#include "visavis/match.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

constexpr char kExpectedRows[] = "expected/mobilefacenet/lfw_aligned_embeddings.npy";

NpyArray ReadSharedNpy(const std::string& relative) {
  const std::string path = SharedPath(relative);
  const auto bytes = FileSystem::Real().ReadFile(path, 1 << 28);
  EXPECT_TRUE(bytes) << bytes.error().message;
  Result<NpyArray> array = ParseNpy(*bytes, path, 1 << 26);
  EXPECT_TRUE(array) << array.error().message;
  return std::move(array).value();
}

/// Embeds crops on all cores, one batch per thread.
std::vector<Embedding> EmbedAll(const Embedder& embedder, const std::vector<Image>& crops) {
  constexpr std::size_t kPart = 32;
  std::vector<Embedding> rows(crops.size());
  ThreadPool pool(0);
  pool.ParallelFor(
      static_cast<std::int64_t>((crops.size() + kPart - 1) / kPart), [&](std::int64_t part, int) {
        const std::size_t begin = static_cast<std::size_t>(part) * kPart;
        const std::size_t end = std::min(begin + kPart, crops.size());
        const std::vector<ImageView> views(crops.begin() + static_cast<std::ptrdiff_t>(begin),
                                           crops.begin() + static_cast<std::ptrdiff_t>(end));
        Result<std::vector<Embedding>> got = embedder.Embed(views);
        ASSERT_TRUE(got) << got.error().message;
        std::move(got->begin(), got->end(), rows.begin() + static_cast<std::ptrdiff_t>(begin));
      });
  return rows;
}

std::vector<Image> ReadCrops(const std::vector<std::string>& names) {
  std::vector<Image> crops(names.size());
  ThreadPool pool(0);
  pool.ParallelFor(static_cast<std::int64_t>(names.size()), [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i);
    crops[at] = ReadSharedImage("data/lfw/aligned/" + names[at]);
  });
  return crops;
}

struct Agreement {
  double smallest = 1;
  double mean = 0;
};

/// Cosines of `rows` with every `step`-th row of the expected array.
Agreement Compare(const std::vector<Embedding>& rows, const NpyArray& expected, std::size_t step) {
  const auto width = static_cast<std::size_t>(expected.shape[1]);
  Agreement agreement;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Result<double> cosine =
        Similarity(rows[i], std::span(expected.values).subspan(i * step * width, width));
    if (!cosine) {
      ADD_FAILURE() << cosine.error().message;
      return {-1, -1};
    }
    agreement.smallest = std::min(agreement.smallest, *cosine);
    agreement.mean += *cosine / static_cast<double>(rows.size());
  }
  return agreement;
}

KFoldResult Accuracy(const std::vector<Embedding>& rows, const std::vector<std::string>& names) {
  std::ifstream file(SharedPath("data/lfw/pairs.txt"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const Result<PairList> list = ParseLfwPairs(text, "pairs.txt");
  EXPECT_TRUE(list) << list.error().message;
  std::vector<const Embedding*> row_of;
  for (const std::string& image : list->images) {
    const auto at = std::lower_bound(names.begin(), names.end(), image);
    EXPECT_TRUE(at != names.end() && *at == image) << image;
    row_of.push_back(&rows[static_cast<std::size_t>(at - names.begin())]);
  }
  ScoredPairs pairs;
  for (const LabelledPair& pair : list->pairs) {
    pairs.squared_distance.push_back(SquaredDistanceOfNormalized(*row_of[pair.a], *row_of[pair.b]));
    pairs.same.push_back(pair.same ? 1 : 0);
  }
  EXPECT_EQ(pairs.size(), 6000u);
  Result<KFoldResult> result = KFoldAccuracy(pairs);
  EXPECT_TRUE(result) << result.error().message;
  return std::move(result).value();
}

TEST(EmbeddingGolden, EveryLfwImageAndThePublishedAccuracy) {
  VISAVIS_REQUIRE_SHARED(kExpectedRows);
  const std::vector<std::string> names =
      ReadSharedLines("expected/mobilefacenet/lfw_aligned_names.txt");
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
  const Agreement agreement = Compare(rows, expected, 1);
  std::printf("%s: 7701 images: smallest cosine %.8f, mean %.8f\n",
              std::string(embedder->session().isa()).c_str(), agreement.smallest, agreement.mean);
  EXPECT_GE(agreement.smallest, 0.9999);
  EXPECT_GE(agreement.mean, 0.99999);

  const KFoldResult plain = Accuracy(rows, names);
  for (Image& crop : crops) crop = Mirror(crop);
  const std::vector<Embedding> mirrored = EmbedAll(*embedder, crops);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < rows[i].size(); ++k) rows[i][k] += mirrored[i][k];
  }
  const KFoldResult flipped = Accuracy(rows, names);
  std::printf("LFW 10-fold: %.5f +- %.5f, with flip %.5f +- %.5f\n", plain.accuracy.mean,
              plain.accuracy.standard_deviation, flipped.accuracy.mean,
              flipped.accuracy.standard_deviation);
  EXPECT_NEAR(plain.accuracy.mean, 0.9933, 0.0003);
  EXPECT_NEAR(flipped.accuracy.mean, 0.9945, 0.0003);
}

// The instruction sets that the test above did not run. All images of all of them when asked for.
TEST(EmbeddingGolden, EveryInstructionSet) {
  VISAVIS_REQUIRE_SHARED(kExpectedRows);
  const NpyArray expected = ReadSharedNpy(kExpectedRows);
  const std::vector<std::string> all =
      ReadSharedLines("expected/mobilefacenet/lfw_aligned_names.txt");
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
    const Agreement agreement = Compare(EmbedAll(*embedder, ReadCrops(names)), expected, step);
    std::printf("%s: %zu images: smallest cosine %.8f, mean %.8f\n", isa, names.size(),
                agreement.smallest, agreement.mean);
    EXPECT_GE(agreement.smallest, 0.9999) << isa;
    EXPECT_GE(agreement.mean, 0.99999) << isa;
  }
}

}  // namespace
}  // namespace visavis
