// What the values of a network look like on calibration data, in bounded memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "model/graph/graph.h"
#include "visavis/result.h"
#include "visavis/session.h"
#include "visavis/tensor.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// What long work needs from its caller. All members may be left out.
struct QuantizeHooks {
  /// Told before and after each piece of work of a stage ("calibrate", ...).
  std::function<void(std::string_view stage, std::int64_t done, std::int64_t total)> progress;
  /// Set from anywhere to stop with kCancelled.
  const std::atomic<bool>* cancel = nullptr;
  ThreadPool* pool = nullptr;  ///< borrowed; results do not depend on it

  void Report(std::string_view stage, std::int64_t done, std::int64_t total) const {
    if (progress) progress(stage, done, total);
  }
  /// kCancelled once `cancel` is set.
  Status CheckCancelled() const;
};

/// Least, largest and mean value per channel (axis 1; a value of rank 0 or 1 is one channel).
struct ChannelStatistics {
  std::vector<float> low;
  std::vector<float> high;
  std::vector<double> sum;
  std::int64_t per_channel = 0;  ///< numbers seen in each channel

  double Mean(std::size_t channel) const {
    return per_channel == 0 ? 0 : sum[channel] / static_cast<double>(per_channel);
  }
  /// Largest magnitude of each channel.
  std::vector<float> Ranges() const;
  float Low() const;  ///< of all channels
  float High() const;
};

/// Counts of numbers in equal parts of [low, high].
struct ValueHistogram {
  float low = 0;
  float high = 0;
  std::vector<std::int64_t> counts;

  double width() const { return (double{high} - double{low}) / static_cast<double>(counts.size()); }
  double centre(std::size_t bin) const {
    return double{low} + (static_cast<double>(bin) + 0.5) * width();
  }
};

/// One network input per element: the tensors of one run.
using Sample = std::vector<Tensor>;

/// Runs `graph` once per sample and hands `values` (in the order given) to `look`, by rising sample
/// on this thread. Errors: those of Session, of `look`; kInvalidArgument for a value that is not
/// float32; kCancelled.
Status RunAndLook(
    const Graph& graph, std::span<const ValueId> values, std::span<const Sample> samples,
    const QuantizeHooks& hooks, std::string_view stage,
    const std::function<Status(std::size_t sample, std::span<const Tensor> values)>& look);

/// Statistics of `values` over all samples. Errors: also kInvalidArgument if one is not finite.
Result<std::vector<ChannelStatistics>> ObserveChannels(const Graph& graph,
                                                       std::span<const ValueId> values,
                                                       std::span<const Sample> samples,
                                                       const QuantizeHooks& hooks);

/// Histograms of `values` between the bounds of their statistics.
Result<std::vector<ValueHistogram>> ObserveHistograms(const Graph& graph,
                                                      std::span<const ValueId> values,
                                                      std::span<const ChannelStatistics> statistics,
                                                      std::span<const Sample> samples,
                                                      const QuantizeHooks& hooks);

}  // namespace visavis
