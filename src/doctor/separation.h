// How well embeddings keep people apart.
#pragma once

#include <span>
#include <vector>

#include "visavis/types.h"

namespace visavis {

struct Separation {
  double same_mean = 0;       ///< similarity of two pictures of one person
  double different_mean = 0;  ///< of two people
  /// Distance of the two means in units of the common standard deviation (d').
  double d_prime = 0;
  std::int64_t same_pairs = 0;
  std::int64_t different_pairs = 0;
};
/// Over all pairs. `people[i]` is whose picture `embeddings[i]` is.
Separation Separate(std::span<const Embedding> embeddings, std::span<const int> people);

struct NormStatistics {
  double mean = 0;
  double smallest = 0;
  double largest = 0;
  bool finite = true;
};
NormStatistics Norms(std::span<const Embedding> embeddings);

/// Mean similarity of embeddings of the same pictures.
double MeanSimilarity(std::span<const Embedding> a, std::span<const Embedding> b);

}  // namespace visavis
