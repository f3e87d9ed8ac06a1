// Principal components of embeddings.
#pragma once

#include <vector>

#include "evaluate/verification.h"
#include "visavis/result.h"

namespace visavis {

/// The directions in which rows vary most. Threads: a value; Transform is safe concurrently.
class Pca {
 public:
  /// Fits `components` directions. Errors: kInvalidArgument for fewer rows or dimensions than
  /// components, or a value that is not finite. Source: scikit-learn's PCA without whitening; a
  /// component's sign is arbitrary, and no distance depends on it.
  static Result<Pca> Fit(const EmbeddingRows& rows, int components);

  int components() const { return components_; }
  /// The row's coordinates, relative to the mean of the fitted rows.
  std::vector<float> Transform(std::span<const float> row) const;

 private:
  Pca() = default;
  int components_ = 0;
  std::vector<double> mean_;
  std::vector<double> directions_;  // [components][dimension]
};

}  // namespace visavis
