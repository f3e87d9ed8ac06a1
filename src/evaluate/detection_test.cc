#include "evaluate/detection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace visavis {
namespace {

Face At(float x, float y, float side, float score) {
  return {{x, y, x + side, y + side}, score, {}};
}

// The protocol's steps as its authors' program takes them: claims first, then for every threshold
// and photo the last box above it.
double PlainAveragePrecision(const std::vector<DetectionSample>& samples, double overlap,
                             int thresholds) {
  double low = 1e9, high = -1e9;
  double faces = 0;
  for (const DetectionSample& s : samples) {
    for (const Face& f : s.found) {
      low = std::min(low, double{f.score});
      high = std::max(high, double{f.score});
    }
    for (const bool counts : s.counted) faces += counts;
  }
  std::vector<double> boxes_at(static_cast<std::size_t>(thresholds)), faces_at(boxes_at.size());
  for (const DetectionSample& s : samples) {
    if (s.faces.empty() || s.found.empty()) continue;
    std::vector<Face> found = s.found;
    std::stable_sort(found.begin(), found.end(),
                     [](const Face& a, const Face& b) { return a.score > b.score; });
    std::vector<int> recalled(s.faces.size(), 0), proposed(found.size(), 1), total(found.size());
    for (std::size_t h = 0; h < found.size(); ++h) {
      double most = -1;
      std::size_t best = 0;
      for (std::size_t k = 0; k < s.faces.size(); ++k) {
        const Box &a = found[h].box, &b = s.faces[k];
        const double w = std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1;
        const double v = std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1;
        const double shared = w > 0 && v > 0 ? w * v : 0;
        const double iou = shared / ((a.width() + 1.0) * (a.height() + 1.0) +
                                     (b.width() + 1.0) * (b.height() + 1.0) - shared);
        if (iou > most) most = iou, best = k;
      }
      if (most >= overlap) {
        if (!s.counted[best]) {
          recalled[best] = -1;
          proposed[h] = -1;
        } else if (recalled[best] == 0) {
          recalled[best] = 1;
        }
      }
      total[h] = static_cast<int>(std::count(recalled.begin(), recalled.end(), 1));
    }
    for (int t = 0; t < thresholds; ++t) {
      const double threshold = 1 - double(t + 1) / thresholds;
      int last = -1;
      for (std::size_t h = 0; h < found.size(); ++h) {
        const double score = high > low ? (found[h].score - low) / (high - low) : 1;
        if (score >= threshold) last = static_cast<int>(h);
      }
      if (last < 0) continue;
      const auto at = static_cast<std::size_t>(t);
      boxes_at[at] +=
          static_cast<double>(std::count(proposed.begin(), proposed.begin() + last + 1, 1));
      faces_at[at] += total[static_cast<std::size_t>(last)];
    }
  }
  std::vector<double> recall{0}, precision{0};
  for (std::size_t t = 0; t < boxes_at.size(); ++t) {
    recall.push_back(faces == 0 ? 0 : faces_at[t] / faces);
    precision.push_back(boxes_at[t] == 0 ? 0 : faces_at[t] / boxes_at[t]);
  }
  recall.push_back(1);
  precision.push_back(0);
  for (std::size_t i = precision.size() - 1; i > 0; --i) {
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  }
  double area = 0;
  for (std::size_t i = 0; i + 1 < recall.size(); ++i) {
    area += (recall[i + 1] - recall[i]) * precision[i + 1];
  }
  return area;
}

TEST(Detection, RandomSamplesAgreeWithThePlainProgram) {
  std::mt19937 random(7);
  const auto uniform = [&](float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random);
  };
  for (int round = 0; round < 20; ++round) {
    std::vector<DetectionSample> samples(static_cast<std::size_t>(1 + round));
    for (DetectionSample& s : samples) {
      const int faces = static_cast<int>(uniform(0, 8));
      for (int i = 0; i < faces; ++i) {
        const float side = uniform(5, 60);
        const float x = uniform(0, 200), y = uniform(0, 200);
        s.faces.push_back({x, y, x + side, y + side});
        s.counted.push_back(uniform(0, 1) < 0.7f);
        // Some faces are found, once or more often, near or not so near.
        while (uniform(0, 1) < 0.6f) {
          s.found.push_back(
              At(x + uniform(-8, 8), y + uniform(-8, 8), side, uniform(0.02f, 0.98f)));
        }
      }
      while (uniform(0, 1) < 0.5f) {
        s.found.push_back(
            At(uniform(0, 200), uniform(0, 200), uniform(5, 60), uniform(0.02f, 0.7f)));
      }
    }
    for (const int thresholds : {1, 10, 1000}) {
      const DetectionCurve curve =
          EvaluateDetection(samples, {.overlap = 0.5, .thresholds = thresholds});
      EXPECT_NEAR(curve.average_precision, PlainAveragePrecision(samples, 0.5, thresholds), 1e-12);
    }
  }
}

TEST(Detection, APerfectDetectorHasPrecisionOne) {
  DetectionSample sample;
  for (int i = 0; i < 5; ++i) {
    sample.found.push_back(
        At(100.0f * static_cast<float>(i), 0, 40, 0.5f + 0.1f * static_cast<float>(i)));
    sample.faces.push_back(sample.found.back().box);
    sample.counted.push_back(true);
  }
  const DetectionCurve curve = EvaluateDetection({&sample, 1});
  EXPECT_EQ(curve.faces, 5);
  EXPECT_EQ(curve.found, 5);
  EXPECT_DOUBLE_EQ(curve.average_precision, 1);
  EXPECT_DOUBLE_EQ(curve.points.back().recall, 1);
  EXPECT_NEAR(curve.points.back().score, 0.5, 1e-6);
}

TEST(Detection, FalseAlarmsAndMissesCost) {
  // Face A is found with 0.9, an alarm has 0.8, face B 0.7, face C is missed.
  DetectionSample sample;
  sample.faces = {{0, 0, 40, 40}, {100, 0, 140, 40}, {200, 0, 240, 40}};
  sample.counted = {true, true, true};
  sample.found = {At(0, 0, 40, 0.9f), At(300, 300, 40, 0.8f), At(100, 0, 40, 0.7f)};
  // Recall 1/3 at precision 1, then 2/3 at precision 2/3.
  EXPECT_NEAR(EvaluateDetection({&sample, 1}).average_precision, 1.0 / 3 + 2.0 / 9, 1e-9);
  // Where C does not count, missing it costs nothing.
  sample.counted[2] = false;
  EXPECT_NEAR(EvaluateDetection({&sample, 1}).average_precision, 0.5 + 1.0 / 3, 1e-9);
  // A second box on A is a false alarm like any other.
  sample.found.push_back(At(1, 1, 40, 0.85f));
  EXPECT_NEAR(EvaluateDetection({&sample, 1}).average_precision, 0.5 + 0.5 * 0.5, 1e-9);
}

TEST(Detection, NothingFoundAndNothingThere) {
  DetectionSample sample;
  sample.faces = {{0, 0, 40, 40}};
  sample.counted = {true};
  EXPECT_EQ(EvaluateDetection({&sample, 1}).average_precision, 0);
  EXPECT_TRUE(EvaluateDetection({&sample, 1}).points.empty());
  EXPECT_EQ(EvaluateDetection({}).faces, 0);
  DetectionSample empty;
  empty.found = {At(0, 0, 40, 0.9f)};
  EXPECT_EQ(EvaluateDetection({&empty, 1}).average_precision, 0);
}

}  // namespace
}  // namespace visavis
