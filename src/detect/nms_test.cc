#include "detect/nms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace visavis {
namespace {

Candidate MakeBox(double x1, double y1, double x2, double y2, float score) {
  Candidate box;
  box.x1 = x1;
  box.y1 = y1;
  box.x2 = x2;
  box.y2 = y2;
  box.score = score;
  return box;
}

double OverlapOf(const Candidate& a, const Candidate& b, Overlap overlap) {
  const double w = std::max(0.0, std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1);
  const double h = std::max(0.0, std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1);
  const double area_a = a.width() * a.height();
  const double area_b = b.width() * b.height();
  return w * h / (overlap == Overlap::kUnion ? area_a + area_b - w * h : std::min(area_a, area_b));
}

// The definition, without any pruning.
std::vector<std::size_t> SlowSuppress(const std::vector<Candidate>& boxes, double threshold,
                                      Overlap overlap) {
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < boxes.size(); ++i) left.push_back(i);
  std::stable_sort(left.begin(), left.end(),
                   [&](std::size_t a, std::size_t b) { return boxes[a].score < boxes[b].score; });
  std::vector<std::size_t> kept;
  while (!left.empty()) {
    const std::size_t best = left.back();
    kept.push_back(best);
    std::erase_if(left, [&](std::size_t i) {
      return i == best || OverlapOf(boxes[best], boxes[i], overlap) > threshold;
    });
  }
  return kept;
}

TEST(SuppressNonMaxima, KeepsBestAndDropsItsNeighbour) {
  const std::vector<Candidate> boxes = {MakeBox(0, 0, 9, 9, 0.7f), MakeBox(1, 0, 10, 9, 0.9f),
                                        MakeBox(100, 0, 109, 9, 0.8f)};
  EXPECT_EQ(SuppressNonMaxima(boxes, 0.5, Overlap::kUnion), (std::vector<std::size_t>{1, 2}));
}

TEST(SuppressNonMaxima, OverlapEqualToTheThresholdIsKept) {
  // 10 x 10 and its left half: overlap exactly 0.5 of the union.
  const std::vector<Candidate> boxes = {MakeBox(0, 0, 9, 9, 0.9f), MakeBox(0, 0, 4, 9, 0.8f)};
  EXPECT_EQ(SuppressNonMaxima(boxes, 0.5, Overlap::kUnion).size(), 2u);
  EXPECT_EQ(SuppressNonMaxima(boxes, 0.49, Overlap::kUnion).size(), 1u);
}

TEST(SuppressNonMaxima, BoxInsideAnotherGoesOnlyByTheSmallerArea) {
  const std::vector<Candidate> boxes = {MakeBox(0, 0, 99, 99, 0.8f), MakeBox(40, 40, 59, 59, 0.9f)};
  EXPECT_EQ(SuppressNonMaxima(boxes, 0.7, Overlap::kUnion).size(), 2u);
  EXPECT_EQ(SuppressNonMaxima(boxes, 0.7, Overlap::kSmaller), (std::vector<std::size_t>{1}));
}

TEST(SuppressNonMaxima, LaterOfEqualScoresWins) {
  const std::vector<Candidate> boxes = {MakeBox(0, 0, 9, 9, 0.9f), MakeBox(0, 0, 9, 9, 0.9f)};
  EXPECT_EQ(SuppressNonMaxima(boxes, 0.5, Overlap::kUnion), (std::vector<std::size_t>{1}));
}

TEST(SuppressNonMaxima, NothingGivesNothing) {
  EXPECT_TRUE(SuppressNonMaxima({}, 0.5, Overlap::kUnion).empty());
}

TEST(SuppressNonMaxima, AgreesWithTheDefinitionOnRandomBoxes) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Candidate> boxes;
    const int count = 1 + static_cast<int>(random() % 120);
    for (int i = 0; i < count; ++i) {
      const double x = static_cast<double>(random() % 60) - 10;
      const double y = static_cast<double>(random() % 60) - 10;
      const double w = static_cast<double>(random() % 40);
      const double h = round % 2 == 0 ? w : static_cast<double>(random() % 40);
      boxes.push_back(MakeBox(x, y, x + w, y + h, static_cast<float>(random() % 50) / 50.0f));
    }
    for (const double threshold : {0.1, 0.5, 0.7, 1.0}) {
      for (const Overlap overlap : {Overlap::kUnion, Overlap::kSmaller}) {
        ASSERT_EQ(SuppressNonMaxima(boxes, threshold, overlap),
                  SlowSuppress(boxes, threshold, overlap))
            << "round " << round << " threshold " << threshold;
      }
    }
  }
}

}  // namespace
}  // namespace visavis
