// The packed weights of one dense convolution, shared by all plans of a session.
#pragma once

#include <array>
#include <atomic>
#include <mutex>

#include "runtime/fast/cost.h"
#include "runtime/fast/fast_context.h"
#include "runtime/fast/fused_node.h"

namespace visavis {

/// Weights in the order of one algorithm.
struct PackedConv {
  const void* data = nullptr;
  int vectors = 1;  ///< blocks per group
  std::int64_t bytes = 0;
};

/// Packs a convolution's weights for an algorithm when a plan first asks for it.
/// Threads: safe concurrently.
class ConvWeights {
 public:
  ConvWeights(ScaledWeights weights, const ConvShape& shape, const FastContext& context);

  /// The algorithm of the cost rule for this work.
  ConvAlgorithm Choose(const ConvWork& work) const;
  PackedConv Get(const ConvAlgorithm& algorithm) const;

 private:
  PackedConv Pack(const ConvAlgorithm& algorithm) const;

  ConvShape shape_;
  FastContext context_;
  mutable std::mutex mutex_;
  mutable ScaledWeights weights_;
  mutable std::array<PackedConv, 5> packed_;  // by algorithm
};

/// PackStem's order, made at once.
PackedConv PackStemWeights(const ScaledWeights& weights, const ConvShape& shape,
                           const FastContext& context);

}  // namespace visavis
