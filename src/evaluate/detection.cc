#include "evaluate/detection.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace visavis {
namespace {

double Overlap(const Box& a, const Box& b) {
  const auto side = [](float begin, float end) { return double{end} - double{begin} + 1; };
  const double w = side(std::max(a.x1, b.x1), std::min(a.x2, b.x2));
  const double h = side(std::max(a.y1, b.y1), std::min(a.y2, b.y2));
  if (w <= 0 || h <= 0) return 0;
  const double area_a = side(a.x1, a.x2) * side(a.y1, a.y2);
  const double area_b = side(b.x1, b.x2) * side(b.y1, b.y2);
  return w * h / (area_a + area_b - w * h);
}

/// Adds up, per threshold, the boxes that count and the faces that are found.
struct Counts {
  std::vector<std::int64_t> boxes;
  std::vector<std::int64_t> faces;

  explicit Counts(int thresholds)
      : boxes(static_cast<std::size_t>(thresholds)), faces(static_cast<std::size_t>(thresholds)) {}
};

/// The part of the scores' range that lies between `lowest` and `highest`.
struct ScoreScale {
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();

  double Scaled(double score) const {
    return highest > lowest ? (score - lowest) / (highest - lowest) : 1;
  }
  double Unscaled(double scaled) const { return lowest + scaled * (highest - lowest); }
};

double ThresholdAt(std::size_t i, std::size_t count) {
  return 1 - static_cast<double>(i + 1) / static_cast<double>(count);
}

void CountSample(const DetectionSample& sample, double overlap, const ScoreScale& scale,
                 Counts& counts) {
  std::vector<Face> found = sample.found;
  std::ranges::stable_sort(found, std::ranges::greater(), &Face::score);
  std::vector<bool> claimed(sample.faces.size(), false);
  std::int64_t boxes = 0;
  std::int64_t faces = 0;
  std::size_t next = 0;
  for (std::size_t i = 0; i < counts.boxes.size(); ++i) {
    const double threshold = ThresholdAt(i, counts.boxes.size());
    for (; next < found.size() && scale.Scaled(double{found[next].score}) >= threshold; ++next) {
      std::size_t best = 0;
      double most = -1;
      for (std::size_t k = 0; k < sample.faces.size(); ++k) {
        const double shared = Overlap(found[next].box, sample.faces[k]);
        if (shared > most) {
          most = shared;
          best = k;
        }
      }
      const bool on_face = !sample.faces.empty() && most >= overlap;
      if (on_face && !sample.counted[best]) continue;  // neither right nor wrong
      ++boxes;
      if (on_face && !claimed[best]) {
        claimed[best] = true;
        ++faces;
      }
    }
    counts.boxes[i] += boxes;
    counts.faces[i] += faces;
  }
}

double AveragePrecision(const std::vector<DetectionPoint>& points) {
  double area = 0;
  double best = 0;  // precision at this recall or more
  for (std::size_t i = points.size(); i-- > 0;) {
    best = std::max(best, points[i].precision);
    const double recall_before = i == 0 ? 0 : points[i - 1].recall;
    area += (points[i].recall - recall_before) * best;
  }
  return area;
}

}  // namespace

DetectionCurve EvaluateDetection(std::span<const DetectionSample> samples,
                                 const DetectionOptions& options) {
  VISAVIS_CHECK(options.overlap > 0 && options.overlap <= 1 && options.thresholds >= 1);
  DetectionCurve curve;
  ScoreScale scale;
  for (const DetectionSample& sample : samples) {
    VISAVIS_CHECK(sample.faces.size() == sample.counted.size());
    curve.faces += std::ranges::count(sample.counted, true);
    curve.found += static_cast<std::int64_t>(sample.found.size());
    for (const Face& face : sample.found) {
      scale.lowest = std::min(scale.lowest, double{face.score});
      scale.highest = std::max(scale.highest, double{face.score});
    }
  }

  Counts counts(options.thresholds);
  for (const DetectionSample& sample : samples) {
    // As the protocol's code: a photo without annotated faces accuses nobody.
    if (!sample.faces.empty()) CountSample(sample, options.overlap, scale, counts);
  }
  if (curve.found == 0) return curve;
  const auto ratio = [](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  for (std::size_t i = 0; i < counts.boxes.size(); ++i) {
    curve.points.push_back({scale.Unscaled(ThresholdAt(i, counts.boxes.size())),
                            ratio(counts.faces[i], counts.boxes[i]),
                            ratio(counts.faces[i], curve.faces)});
  }
  curve.average_precision = AveragePrecision(curve.points);
  return curve;
}

}  // namespace visavis
