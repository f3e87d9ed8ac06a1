#include "evaluate/all_pairs.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/row_products.h"
#include "kernels/kernels.h"

namespace visavis {
namespace {

// Rows multiplied with one group of columns at a time: the products stay in the first-level cache.
constexpr std::size_t kTileRows = 96;

// One thread's counts. Two copies in turn: the same bin twice in a row would wait for its own
// store.
class Counter {
 public:
  explicit Counter(int bins) : bins_(bins), counts_(2 * static_cast<std::size_t>(bins)) {}

  void Add(const float* similarity, std::size_t count) {
    const float scale = 0.5f * static_cast<float>(bins_);
    const int last = bins_ - 1;
    std::uint32_t* even = counts_.data();
    std::uint32_t* odd = even + bins_;
    std::size_t i = 0;
    const auto bin = [&](float s) {
      return std::clamp(static_cast<int>((s + 1.0f) * scale), 0, last);
    };
    for (; i + 1 < count; i += 2) {
      ++even[bin(similarity[i])];
      ++odd[bin(similarity[i + 1])];
    }
    if (i < count) ++even[bin(similarity[i])];
  }

  void FlushInto(std::vector<std::int64_t>& total) {
    for (std::size_t i = 0; i < total.size(); ++i) {
      total[i] += static_cast<std::int64_t>(counts_[i]) + counts_[i + total.size()];
    }
    std::fill(counts_.begin(), counts_.end(), 0);
  }

 private:
  int bins_;
  std::vector<std::uint32_t> counts_;
};

// Counts pairs (i, j), i < j, of all rows.
std::vector<std::int64_t> CountRows(const KernelTable& kernels, std::span<const float> unit,
                                    std::size_t dimension, const AllPairsOptions& options,
                                    const std::function<void(std::int64_t)>& pairs_done) {
  const std::size_t n = unit.size() / dimension;
  const RowProducts products(kernels, unit, dimension);
  const std::size_t slots =
      options.pool == nullptr ? 1 : static_cast<std::size_t>(options.pool->threads());
  std::vector<Counter> counters(slots, Counter(options.bins));
  std::vector<std::vector<float>> tiles_out(slots, std::vector<float>(kTileRows * kFcGroup));
  std::vector<std::vector<std::int64_t>> totals(
      slots, std::vector<std::int64_t>(static_cast<std::size_t>(options.bins)));

  const std::size_t tiles = (n + kTileRows - 1) / kTileRows;
  ParallelFor(options.pool, static_cast<std::int64_t>(tiles),
              [&](std::int64_t tile, int slot_number) {
                const auto slot = static_cast<std::size_t>(slot_number);
                const std::size_t begin = static_cast<std::size_t>(tile) * kTileRows;
                const std::size_t rows = std::min(kTileRows, n - begin);
                float* out = tiles_out[slot].data();
                std::int64_t pairs = 0;
                for (std::size_t group = begin / kFcGroup; group * kFcGroup < n; ++group) {
                  products.Multiply(unit.data() + begin * dimension, rows, group, out);
                  const std::size_t first = group * kFcGroup;
                  const std::size_t end = std::min(first + kFcGroup, n);
                  for (std::size_t r = 0; r < rows; ++r) {
                    const std::size_t from = std::max(first, begin + r + 1);
                    if (from >= end) continue;
                    counters[slot].Add(out + r * kFcGroup + (from - first), end - from);
                    pairs += static_cast<std::int64_t>(end - from);
                  }
                }
                counters[slot].FlushInto(totals[slot]);
                pairs_done(pairs);
              });
  for (std::size_t s = 1; s < slots; ++s) {
    std::transform(totals[0].begin(), totals[0].end(), totals[s].begin(), totals[0].begin(),
                   std::plus<>());
  }
  return std::move(totals[0]);
}

// Counts pairs of equal subject: each subject's rows side by side, with the same products as among
// all rows.
std::vector<std::int64_t> CountGenuine(const KernelTable& kernels, std::span<const float> unit,
                                       std::size_t dimension,
                                       std::span<const std::int64_t> subjects,
                                       const AllPairsOptions& options) {
  std::vector<std::size_t> order(subjects.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return subjects[a] != subjects[b] ? subjects[a] < subjects[b] : a < b;
  });
  AllPairsOptions alone = options;
  alone.pool = nullptr;
  std::vector<std::int64_t> total(static_cast<std::size_t>(options.bins));
  std::vector<float> rows;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    rows.clear();
    for (; end < order.size() && subjects[order[end]] == subjects[order[begin]]; ++end) {
      const auto row = unit.subspan(order[end] * dimension, dimension);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    if (end - begin > 1) {
      const auto counts = CountRows(kernels, rows, dimension, alone, [](std::int64_t) {});
      std::transform(total.begin(), total.end(), counts.begin(), total.begin(), std::plus<>());
    }
    begin = end;
  }
  return total;
}

SimilarityHistogram Finish(std::vector<std::int64_t> counts) {
  SimilarityHistogram histogram;
  histogram.total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  histogram.counts = std::move(counts);
  return histogram;
}

}  // namespace

Result<AllPairsHistograms> CountAllPairs(const EmbeddingRows& rows,
                                         std::span<const std::int64_t> subjects,
                                         const AllPairsOptions& options) {
  if (rows.rows() < 2 || rows.values.size() % rows.dimension != 0 ||
      subjects.size() != rows.rows()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "all pairs: {} rows and {} subjects, want two or more and as many",
                     rows.rows(), subjects.size());
  }
  if (options.bins < 2)
    return MakeError(ErrorCode::kInvalidArgument, "all pairs: {} bins", options.bins);
  const auto bad = std::find_if_not(rows.values.begin(), rows.values.end(),
                                    [](float v) { return std::isfinite(v); });
  if (bad != rows.values.end()) {
    return MakeError(ErrorCode::kInvalidArgument, "all pairs: row {} is not finite",
                     static_cast<std::size_t>(bad - rows.values.begin()) / rows.dimension);
  }
  const std::string_view isa = options.isa.empty() ? BestIsa() : options.isa;
  const KernelTable* kernels = FindKernels(isa);
  if (kernels == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "all pairs: instruction set `{}` is unknown or not on this machine", isa);
  }

  const std::vector<float> unit = UnitRows(rows);
  const auto n = static_cast<std::int64_t>(rows.rows());
  std::atomic<std::int64_t> done{0};
  std::vector<std::int64_t> all =
      CountRows(*kernels, unit, rows.dimension, options, [&](std::int64_t pairs) {
        const std::int64_t so_far = done.fetch_add(pairs) + pairs;
        if (options.progress) options.progress(so_far, n * (n - 1) / 2);
      });
  std::vector<std::int64_t> genuine =
      CountGenuine(*kernels, unit, rows.dimension, subjects, options);
  std::transform(all.begin(), all.end(), genuine.begin(), all.begin(), std::minus<>());
  return AllPairsHistograms{Finish(std::move(genuine)), Finish(std::move(all))};
}

BoundedTar TarAtFar(const AllPairsHistograms& histograms, double far) {
  const SimilarityHistogram& genuine = histograms.genuine;
  const SimilarityHistogram& impostor = histograms.impostor;
  const auto allowed = static_cast<std::int64_t>(
      std::floor(far * static_cast<double>(impostor.total) * (1 + 1e-12)));
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  // Walk down from 1; stop at the part whose impostors would be too many.
  std::int64_t false_accepts = 0;
  std::int64_t true_accepts = 0;
  std::size_t edge = impostor.counts.size();
  while (edge > 0 && false_accepts + impostor.counts[edge - 1] <= allowed) {
    --edge;
    false_accepts += impostor.counts[edge];
    true_accepts += genuine.counts[edge];
  }
  BoundedTar result;
  result.threshold = impostor.edge(edge);
  result.far = share(false_accepts, impostor.total);
  result.tar = share(true_accepts, genuine.total);
  result.tar_upper = share(true_accepts + (edge > 0 ? genuine.counts[edge - 1] : 0), genuine.total);
  result.supported = far > 0 && static_cast<double>(impostor.total) * far >= 3;
  return result;
}

}  // namespace visavis
