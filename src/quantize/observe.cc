#include "quantize/observe.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "visavis/model.h"

namespace visavis {
namespace {

constexpr std::size_t kBins = 2048;

// [outer][channels][inner]
struct ChannelView {
  std::int64_t outer = 1;
  std::int64_t channels = 1;
  std::int64_t inner = 1;
};

ChannelView ViewOf(const Shape& shape) {
  ChannelView view;
  if (shape.rank() < 2) {
    view.inner = shape.elements();
    return view;
  }
  view.outer = shape[0];
  view.channels = shape[1];
  for (int i = 2; i < shape.rank(); ++i) view.inner *= shape[i];
  return view;
}

void Add(const Tensor& tensor, ChannelStatistics& statistics) {
  const ChannelView view = ViewOf(tensor.shape());
  const auto channels = static_cast<std::size_t>(view.channels);
  if (statistics.low.empty()) {
    statistics.low.assign(channels, std::numeric_limits<float>::infinity());
    statistics.high.assign(channels, -std::numeric_limits<float>::infinity());
    statistics.sum.assign(channels, 0);
  }
  const float* data = tensor.data<float>().data();
  for (std::int64_t o = 0; o < view.outer; ++o) {
    for (std::size_t c = 0; c < channels; ++c, data += view.inner) {
      float low = statistics.low[c];
      float high = statistics.high[c];
      double sum = 0;
      for (std::int64_t i = 0; i < view.inner; ++i) {
        low = std::min(low, data[i]);
        high = std::max(high, data[i]);
        sum += double{data[i]};
      }
      statistics.low[c] = low;
      statistics.high[c] = high;
      statistics.sum[c] += sum;
    }
  }
  statistics.per_channel += view.outer * view.inner;
}

void Add(const Tensor& tensor, ValueHistogram& histogram) {
  const auto bins = static_cast<float>(histogram.counts.size());
  const float range = histogram.high - histogram.low;
  const float per_unit = range > 0 ? bins / range : 0.0f;
  for (const float x : tensor.data<float>()) {
    const float at = std::clamp((x - histogram.low) * per_unit, 0.0f, bins - 1);
    ++histogram.counts[static_cast<std::size_t>(at)];
  }
}

}  // namespace

Status QuantizeHooks::CheckCancelled() const {
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    return MakeError(ErrorCode::kCancelled, "quantize: stopped");
  }
  return {};
}

std::vector<float> ChannelStatistics::Ranges() const {
  std::vector<float> ranges(low.size());
  for (std::size_t c = 0; c < low.size(); ++c) ranges[c] = std::max(-low[c], high[c]);
  for (float& range : ranges) range = std::max(range, 0.0f);
  return ranges;
}

float ChannelStatistics::Low() const { return low.empty() ? 0 : *std::ranges::min_element(low); }
float ChannelStatistics::High() const { return high.empty() ? 0 : *std::ranges::max_element(high); }

Status RunAndLook(
    const Graph& graph, std::span<const ValueId> values, std::span<const Sample> samples,
    const QuantizeHooks& hooks, std::string_view stage,
    const std::function<Status(std::size_t sample, std::span<const Tensor> values)>& look) {
  Graph probed = graph;
  probed.outputs.assign(values.begin(), values.end());
  SessionOptions options;
  options.pool = hooks.pool;
  VISAVIS_ASSIGN_OR_RETURN(const Session session,
                           Session::Create(Model::FromGraph(std::move(probed)), options));
  std::vector<Tensor> outputs(values.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    VISAVIS_RETURN_IF_ERROR(hooks.CheckCancelled());
    hooks.Report(stage, static_cast<std::int64_t>(i), static_cast<std::int64_t>(samples.size()));
    const std::vector<TensorView> inputs(samples[i].begin(), samples[i].end());
    VISAVIS_RETURN_IF_ERROR(session.Run(inputs, outputs));
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k].dtype() != DType::kF32) {
        return MakeError(ErrorCode::kInvalidArgument, "value '{}' is {}, want float32",
                         graph.value(values[k]).name, Name(outputs[k].dtype()));
      }
    }
    VISAVIS_RETURN_IF_ERROR(look(i, outputs));
  }
  hooks.Report(stage, static_cast<std::int64_t>(samples.size()),
               static_cast<std::int64_t>(samples.size()));
  return {};
}

Result<std::vector<ChannelStatistics>> ObserveChannels(const Graph& graph,
                                                       std::span<const ValueId> values,
                                                       std::span<const Sample> samples,
                                                       const QuantizeHooks& hooks) {
  std::vector<ChannelStatistics> statistics(values.size());
  VISAVIS_RETURN_IF_ERROR(RunAndLook(
      graph, values, samples, hooks, "ranges",
      [&](std::size_t, std::span<const Tensor> seen) -> Status {
        // By value, so that the order of each one's sums does not depend on threads.
        ParallelFor(hooks.pool, std::ssize(seen), [&](std::int64_t k, int) {
          Add(seen[static_cast<std::size_t>(k)], statistics[static_cast<std::size_t>(k)]);
        });
        return {};
      }));
  for (std::size_t k = 0; k < values.size(); ++k) {
    double total = 0;
    for (const double sum : statistics[k].sum) total += sum;
    if (!std::isfinite(total) || !std::isfinite(statistics[k].Low()) ||
        !std::isfinite(statistics[k].High())) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "value '{}' is not finite on the calibration data",
                       graph.value(values[k]).name);
    }
  }
  return statistics;
}

Result<std::vector<ValueHistogram>> ObserveHistograms(const Graph& graph,
                                                      std::span<const ValueId> values,
                                                      std::span<const ChannelStatistics> statistics,
                                                      std::span<const Sample> samples,
                                                      const QuantizeHooks& hooks) {
  std::vector<ValueHistogram> histograms(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    histograms[k] = {statistics[k].Low(), statistics[k].High(),
                     std::vector<std::int64_t>(kBins, 0)};
  }
  VISAVIS_RETURN_IF_ERROR(RunAndLook(
      graph, values, samples, hooks, "histograms",
      [&](std::size_t, std::span<const Tensor> seen) -> Status {
        ParallelFor(hooks.pool, std::ssize(seen), [&](std::int64_t k, int) {
          Add(seen[static_cast<std::size_t>(k)], histograms[static_cast<std::size_t>(k)]);
        });
        return {};
      }));
  return histograms;
}

}  // namespace visavis
