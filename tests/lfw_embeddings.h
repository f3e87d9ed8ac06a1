// The aligned LFW images, their expected embeddings, and how near and how accurate embeddings are.
#pragma once

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <span>
#include <string>
#include <vector>

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

inline constexpr char kLfwNames[] = "expected/mobilefacenet/lfw_aligned_names.txt";
/// MobileFaceNet's embeddings of those images.
inline constexpr char kExpectedRows[] = "expected/mobilefacenet/lfw_aligned_embeddings.npy";

inline NpyArray ReadSharedNpy(const std::string& relative) {
  const std::string path = SharedPath(relative);
  const auto bytes = FileSystem::Real().ReadFile(path, 1 << 28);
  EXPECT_TRUE(bytes) << bytes.error().message;
  Result<NpyArray> array = ParseNpy(*bytes, path, 1 << 26);
  EXPECT_TRUE(array) << array.error().message;
  return std::move(array).value();
}

/// Embeds crops on all cores, one batch per thread.
inline std::vector<Embedding> EmbedAll(const Embedder& embedder, const std::vector<Image>& crops) {
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

inline std::vector<Image> ReadCrops(const std::vector<std::string>& names) {
  std::vector<Image> crops(names.size());
  ThreadPool pool(0);
  pool.ParallelFor(static_cast<std::int64_t>(names.size()), [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i);
    crops[at] = ReadSharedImage("data/lfw/aligned/" + names[at]);
  });
  return crops;
}

/// Cosines of `rows` with every `step`-th row of the expected array, in order.
inline std::vector<double> Cosines(const std::vector<Embedding>& rows, const NpyArray& expected,
                                   std::size_t step) {
  const auto width = static_cast<std::size_t>(expected.shape[1]);
  std::vector<double> cosines;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Result<double> cosine =
        Similarity(rows[i], std::span(expected.values).subspan(i * step * width, width));
    EXPECT_TRUE(cosine) << cosine.error().message;
    cosines.push_back(cosine ? *cosine : -1);
  }
  return cosines;
}

/// How near two sets of embeddings are, image by image.
struct Agreement {
  double smallest = 0;
  double hundredth = 0;  ///< 99 % of the images are at least as near
  double mean = 0;
};

inline Agreement Summarize(std::vector<double> cosines) {
  std::sort(cosines.begin(), cosines.end());
  return {.smallest = cosines.front(),
          .hundredth = cosines[cosines.size() / 100],
          .mean = std::accumulate(cosines.begin(), cosines.end(), 0.0) /
                  static_cast<double>(cosines.size())};
}

/// LFW's 10-fold protocol on the embeddings of `names`, which are sorted.
inline KFoldResult Accuracy(const std::vector<Embedding>& rows,
                            const std::vector<std::string>& names) {
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

/// LFW's protocol without and with the sum of an image's and its mirror image's embeddings.
struct LfwAccuracy {
  FoldStatistic plain;
  FoldStatistic flipped;
  std::vector<Embedding> mirrored;  ///< of the mirror images
};

/// `rows` are the embeddings of `crops`, which are mirrored in place.
inline LfwAccuracy MeasureLfw(const Embedder& embedder, std::vector<Image>& crops,
                              std::vector<Embedding> rows, const std::vector<std::string>& names) {
  LfwAccuracy result;
  result.plain = Accuracy(rows, names).accuracy;
  for (Image& crop : crops) crop = Mirror(crop);
  result.mirrored = EmbedAll(embedder, crops);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t k = 0; k < rows[i].size(); ++k) rows[i][k] += result.mirrored[i][k];
  }
  result.flipped = Accuracy(rows, names).accuracy;
  std::printf("LFW 10-fold: %.5f +- %.5f, with flip %.5f +- %.5f\n", result.plain.mean,
              result.plain.standard_deviation, result.flipped.mean,
              result.flipped.standard_deviation);
  return result;
}

}  // namespace visavis
