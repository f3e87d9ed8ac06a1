// Embeddings -> similarity and verdict.
#pragma once

#include <span>
#include <string>

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

}  // namespace visavis
