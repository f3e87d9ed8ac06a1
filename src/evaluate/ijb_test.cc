#include "evaluate/ijb.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "evaluate/roc.h"

namespace visavis {
namespace {

IjbMeta SmallMeta() {
  IjbMeta meta;
  EXPECT_TRUE(ParseIjbTemplates("1.jpg 7 1\n2.jpg 7 1\n3.jpg 7 2\n4.jpg 3 9\n", "t", meta));
  EXPECT_TRUE(
      ParseIjbImages("1.jpg 0 0 0 0 0 0 0 0 0 0 1\n2.jpg 0 0 0 0 0 0 0 0 0 0 0.5\n"
                     "3.jpg 0 0 0 0 0 0 0 0 0 0 1\n4.jpg 0 0 0 0 0 0 0 0 0 0 1\n",
                     "i", meta));
  return meta;
}

TEST(Ijb, PoolsMediaThenTemplates) {
  const IjbMeta meta = SmallMeta();
  const std::vector<float> rows = {2, 0, 0, 4, 0, 1, 5, 5};
  const std::vector<bool> all(4, true);
  const auto kept = PoolTemplates(meta, {rows, 2}, all, {.detector_score = false});
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->numbers, (std::vector<std::int32_t>{3, 7}));
  // Template 7: mean of (2,0) and (0,4), plus (0,1): (1,3).
  EXPECT_NEAR(kept->values[2], 1 / std::sqrt(10.0), 1e-6);
  EXPECT_NEAR(kept->values[3], 3 / std::sqrt(10.0), 1e-6);
  // Unit norms and scores: mean of (1,0) and (0,0.5), plus (0,1): (0.5,1.25).
  const auto unit = PoolTemplates(meta, {rows, 2}, all, {.unit_norm = true});
  EXPECT_NEAR(unit->values[3] / unit->values[2], 2.5, 1e-5);
  // Without its images a template is absent.
  const auto less = PoolTemplates(meta, {rows, 2}, {true, true, true, false}, {});
  EXPECT_EQ(less->RowOf(3), -1);
  EXPECT_EQ(less->RowOf(7), 0);
}

TEST(Ijb, NearestFprPrefersTheLargestTpr) {
  const Roc roc = Roc::Create({0.9, 0.8, 0.7, 0.3}, {0.75, 0.5, 0.2, 0.1}).value();
  const IjbPoint point = TprAtNearestFpr(roc, 0.25);
  EXPECT_EQ(point.fpr, 0.25);
  EXPECT_EQ(point.tpr, 0.75);
  EXPECT_EQ(TprAtNearestFpr(roc, 0.1).fpr, 0);
}

// 1:N against the published rules written out plainly.
TEST(Ijb, SearchesAsPublished) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  IjbMeta meta;
  IjbTemplates templates;
  templates.dimension = 4;
  const auto add = [&](IjbSubjects& list, std::int64_t subject, const std::vector<float>& centre) {
    const auto number = static_cast<std::int32_t>(templates.numbers.size());
    templates.numbers.push_back(number);
    double squares = 0;
    std::vector<float> row;
    for (const float v : centre) row.push_back(v + 0.5f * normal(random));
    for (const float v : row) squares += v * v;
    for (const float v : row)
      templates.values.push_back(static_cast<float>(v / std::sqrt(squares)));
    list.templates.push_back(number);
    list.subjects.push_back(subject);
  };
  meta.galleries.resize(2);
  meta.galleries[0].name = "S1";
  meta.galleries[1].name = "S2";
  for (std::int64_t s = 0; s < 60; ++s) {
    std::vector<float> centre(4);
    for (float& v : centre) v = normal(random);
    add(meta.galleries[static_cast<std::size_t>(s % 2)], s, centre);
    for (int i = 0; i < 2; ++i) add(meta.probes, s, centre);
  }
  const auto dot = [&](std::int32_t a, std::int32_t b) {
    float sum = 0;
    for (std::size_t k = 0; k < 4; ++k)
      sum += templates.values[static_cast<std::size_t>(a) * 4 + k] *
             templates.values[static_cast<std::size_t>(b) * 4 + k];
    return sum;
  };
  const auto joined = IjbSearchJoined(meta, templates, nullptr);
  ASSERT_TRUE(joined) << joined.error().message;
  std::vector<float> others, mates;
  std::size_t first = 0;
  for (std::size_t q = 0; q < meta.probes.templates.size(); ++q) {
    float mate = -2, best_other = -2;
    for (const IjbSubjects& gallery : meta.galleries) {
      for (std::size_t g = 0; g < gallery.templates.size(); ++g) {
        const float s = dot(meta.probes.templates[q], gallery.templates[g]);
        if (gallery.subjects[g] == meta.probes.subjects[q]) {
          mate = s;
        } else {
          others.push_back(s);
          best_other = std::max(best_other, s);
        }
      }
    }
    mates.push_back(mate);
    first += mate > best_other;
  }
  std::sort(others.begin(), others.end(), std::greater<>());
  const auto queries = static_cast<double>(mates.size());
  EXPECT_NEAR(joined->rank1.value, static_cast<double>(first) / queries, 1e-9);
  for (std::size_t t = 0; t < 2; ++t) {
    const double far = t == 0 ? 0.01 : 0.1;
    const float threshold = others[static_cast<std::size_t>(std::ceil(queries * far)) - 1];
    const auto found =
        std::count_if(mates.begin(), mates.end(), [&](float m) { return m > threshold; });
    EXPECT_NEAR(joined->targets[t].tpir.value, static_cast<double>(found) / queries, 1e-9);
  }
  const auto apart = IjbSearchApart(meta, templates, nullptr);
  ASSERT_TRUE(apart);
  ASSERT_EQ(apart->size(), 3u);
  EXPECT_EQ((*apart)[0].mated, 60);
  EXPECT_EQ((*apart)[0].non_mated, 60);
  EXPECT_NEAR((*apart)[2].rank1.value, ((*apart)[0].rank1.value + (*apart)[1].rank1.value) / 2,
              1e-12);
}

TEST(Ijb, SaysWhichLineIsWrong) {
  IjbMeta meta;
  EXPECT_EQ(ParseIjbTemplates("1.jpg 1 1\n1.jpg x 1\n", "t", meta).error().message,
            "t: line 2: want `image template medium`");
  EXPECT_FALSE(ParseIjbPairs("1 2 5\n", "p", meta));
  EXPECT_FALSE(ParseIjbSubjects("T,S\n1,2\n1,3\n", "s"));  // one template, two subjects
  EXPECT_EQ(ParseIjbSubjects("T,S\n1,2\n1,2\n0,4\n", "s")->subjects,
            (std::vector<std::int64_t>{4, 2}));
}

}  // namespace
}  // namespace visavis
