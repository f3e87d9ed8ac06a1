// Embeddings -> similarity and verdict.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

/// e / |e|; a zero vector stays zero. Accumulates in double.
Embedding Normalize(std::span<const float> embedding);

/// Cosine of the angle between two embeddings, in [-1,1]; 0 if either is zero.
/// Errors: kInvalidArgument if sizes differ, or a value is not finite.
Result<double> Similarity(std::span<const float> a, std::span<const float> b);

/// Squared Euclidean distance of the normalised embeddings: 2 - 2 x similarity, in [0,4].
double SquaredDistance(double similarity);

/// A decision rule and where it comes from.
struct Threshold {
  double similarity = 0.5;  ///< same person when similarity >= this
  std::string origin;       ///< e.g. "best 10-fold LFW cut of MobileFaceNet-ArcFace"
};

inline bool SamePerson(double similarity, const Threshold& threshold) {
  return similarity >= threshold.similarity;
}

/// How a similarity becomes a probability. Both maps never fall as the similarity rises.
enum class ProbabilityModel { kLogistic, kIsotonic };

/// A fitted map from similarity to the probability that two faces are the same person: piecewise
/// linear between knots (isotonic), or 1 / (1 + exp(-(slope s + intercept))) (logistic).
/// Threads: a value; const members are safe concurrently.
struct ProbabilityMap {
  ProbabilityModel model = ProbabilityModel::kLogistic;
  double prior = 0.5;  ///< share of same-person pairs that was assumed; the probability means
                       ///< nothing without it
  double slope = 0;
  double intercept = 0;
  struct Knot {
    double similarity = 0;
    double probability = 0;
  };
  std::vector<Knot> knots;  ///< kIsotonic: rising in both

  double At(double similarity) const;
};

}  // namespace visavis
