#include "evaluate/identification.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace visavis {
namespace {

struct Set {
  std::vector<float> values;
  std::vector<std::int64_t> subjects;
  LabelledEmbeddings view() const { return {{values, 2}, subjects}; }
  void Add(double degrees, std::int64_t subject, float length = 1) {
    values.push_back(length * static_cast<float>(std::cos(degrees * 0.017453292519943295)));
    values.push_back(length * static_cast<float>(std::sin(degrees * 0.017453292519943295)));
    subjects.push_back(subject);
  }
};

TEST(SearchAll, RanksAndBestSimilarities) {
  Set gallery;
  gallery.Add(0, 1);
  gallery.Add(40, 2, 7);  // length does not matter
  gallery.Add(90, 3);
  Set probes;
  probes.Add(10, 1);   // mate first
  probes.Add(30, 1);   // mate second, behind subject 2
  probes.Add(20, 1);   // exactly between subjects 1 and 2 as far as floats go
  probes.Add(80, 99);  // nobody
  const auto outcomes = SearchAll(gallery.view(), probes.view());
  ASSERT_TRUE(outcomes) << outcomes.error().message;
  EXPECT_EQ((*outcomes)[0].rank, 1);
  EXPECT_EQ((*outcomes)[1].rank, 2);
  EXPECT_NEAR((*outcomes)[1].best_similarity, std::cos(10 * 0.0174532925), 1e-6);
  EXPECT_NEAR((*outcomes)[1].mate_similarity, std::cos(30 * 0.0174532925), 1e-6);
  EXPECT_FALSE((*outcomes)[3].mated());
  ThreadPool pool(2);
  const auto threaded = SearchAll(gallery.view(), probes.view(), &pool);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*threaded)[i].rank, (*outcomes)[i].rank);
}

TEST(SearchAll, TiesCountAsAhead) {
  Set gallery;
  gallery.Add(0, 1);
  gallery.Add(0, 2);
  Set probes;
  probes.Add(0, 1);
  EXPECT_EQ(SearchAll(gallery.view(), probes.view())->front().rank, 2);
}

TEST(SearchAll, RefusesWhatCannotBeSearched) {
  Set gallery;
  gallery.Add(0, 1);
  Set empty;
  EXPECT_FALSE(SearchAll(empty.view(), gallery.view()));
  EXPECT_FALSE(SearchAll(gallery.view(), empty.view()));
  Set nan = gallery;
  nan.values[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(SearchAll(gallery.view(), nan.view()));
  EXPECT_FALSE(SearchAll({{gallery.values, 1}, gallery.subjects}, gallery.view()));
}

TEST(CumulativeMatch, CountsMatedProbesOnly) {
  const std::vector<ProbeOutcome> outcomes = {
      {0.9, 0.9, 1}, {0.9, 0.8, 3}, {0.7, -2, 0}, {0.9, 0.1, 50}};
  const auto cmc = CumulativeMatch(outcomes, 4);
  ASSERT_EQ(cmc.size(), 4u);
  EXPECT_DOUBLE_EQ(cmc[0], 1.0 / 3);
  EXPECT_DOUBLE_EQ(cmc[1], 1.0 / 3);
  EXPECT_DOUBLE_EQ(cmc[2], 2.0 / 3);
  EXPECT_DOUBLE_EQ(cmc[3], 2.0 / 3);
}

TEST(TpirAtFpir, EqualsTryingEveryThreshold) {
  std::mt19937 random(5);
  std::normal_distribution<double> mate(0.6, 0.2);
  std::normal_distribution<double> stranger(0.3, 0.1);
  std::vector<ProbeOutcome> outcomes;
  for (int i = 0; i < 300; ++i) {
    const double similarity = mate(random);
    outcomes.push_back({similarity, similarity, 1 + static_cast<std::int64_t>(random() % 3)});
    outcomes.push_back({stranger(random), -2, 0});
  }
  for (const double fpir : {0.0, 0.01, 0.1, 1.0}) {
    double best = 0;
    for (const ProbeOutcome& at : outcomes) {
      int false_positives = 0;
      int found = 0;
      for (const ProbeOutcome& o : outcomes) {
        false_positives += !o.mated() && o.best_similarity >= at.best_similarity;
        found += o.mated() && o.rank <= 2 && o.mate_similarity >= at.best_similarity;
      }
      if (false_positives <= fpir * 300 + 1e-9) best = std::max(best, found / 300.0);
    }
    const auto point = TpirAtFpir(outcomes, fpir, 2);
    ASSERT_TRUE(point);
    EXPECT_DOUBLE_EQ(point->tpir, best) << fpir;
    EXPECT_EQ(point->supported, fpir * 300 >= 3);
  }
}

TEST(TpirAtGallerySize, LargerGalleriesAreHarder) {
  std::mt19937 random(11);
  std::normal_distribution<float> noise(0, 1);
  const std::size_t dimension = 8;
  std::vector<float> gallery, probes;
  std::vector<std::int64_t> subjects;
  for (int s = 0; s < 200; ++s) {
    std::vector<float> centre(dimension);
    for (float& v : centre) v = noise(random);
    for (const float v : centre) gallery.push_back(v + 0.3f * noise(random));
    for (const float v : centre) probes.push_back(v + 0.3f * noise(random));
    subjects.push_back(s);
  }
  const LabelledEmbeddings g{{gallery, dimension}, subjects};
  const LabelledEmbeddings p{{probes, dimension}, subjects};
  const auto small = TpirAtGallerySize(g, p, {.gallery_subjects = 10, .fpir = 0.05});
  const auto large = TpirAtGallerySize(g, p, {.gallery_subjects = 150, .fpir = 0.05});
  ASSERT_TRUE(small && large);
  EXPECT_GT(small->tpir, large->tpir);
  EXPECT_LT(small->threshold, large->threshold);
  EXPECT_FALSE(TpirAtGallerySize(g, p, {.gallery_subjects = 200}));
}

}  // namespace
}  // namespace visavis
