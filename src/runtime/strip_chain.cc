#include "runtime/strip_chain.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "kernels/table.h"

namespace visavis {
namespace {

constexpr std::size_t kMaxLinks = 8;

constexpr int kMostRows = 16;

int HeightOf(const TensorType& type) { return static_cast<int>(type.shape[2]); }
int ImagesOf(const TensorType& type) { return static_cast<int>(type.shape[0]); }

// A value between two links: where its rows lie, and its window.
struct Between {
  int top = 0;
  int height = 0;
  int bottom = 0;
  int blocks = 0;
  std::size_t row_bytes = 0;
  std::size_t plane_bytes = 0;  // of the window
  std::ptrdiff_t plane = 0;     // the same in elements
  int rows = 0;                 // of the window
  std::size_t offset = 0;       // in a thread's scratch

  std::size_t bytes() const { return plane_bytes * static_cast<std::size_t>(blocks); }
};

// The windows of a chain whose last link makes `strip_rows` rows at a time.
struct Windows {
  std::array<Between, kMaxLinks> between;  // [i]: behind link i
  std::size_t step_scratch = 0;            // offset of the links' own scratch
  std::size_t bytes = 0;                   // of one thread
};

Between BetweenOf(const NodeTypes& types) {
  const Storage& storage = types.output_storage[0];
  const std::size_t element = SizeOf(storage.dtype);
  Between b;
  b.top = static_cast<int>(storage.top);
  b.height = HeightOf(types.outputs[0]);
  b.bottom = static_cast<int>(storage.rows) - b.top - b.height;
  b.blocks = static_cast<int>(storage.image_stride / storage.plane_stride);
  b.row_bytes = static_cast<std::size_t>(storage.row_pixels) * kLanes * element;
  return b;
}

std::int64_t ImageBytes(const NodeTypes& types) {
  const Storage& storage = types.output_storage[0];
  return storage.image_stride * static_cast<std::int64_t>(SizeOf(storage.dtype));
}

Windows WindowsFor(std::span<const ChainLink> links, int strip_rows) {
  Windows w;
  RowRange rows{0, strip_rows};
  for (std::size_t i = links.size() - 1; i > 0; --i) {
    rows = links[i].step->rows()->Under(rows);
    Between& b = w.between[i - 1];
    b = BetweenOf(*links[i - 1].types);
    b.rows = std::min(rows.count(), b.top + b.height + b.bottom);
    b.plane_bytes = b.row_bytes * static_cast<std::size_t>(b.rows);
    // Planes a multiple of 4 KB apart would share cache sets.
    if (b.plane_bytes % 4096 == 0) b.plane_bytes += 64;
    b.plane = static_cast<std::ptrdiff_t>(b.plane_bytes /
                                          SizeOf(links[i - 1].types->output_storage[0].dtype));
  }
  for (std::size_t i = 0; i + 1 < links.size(); ++i) {
    w.between[i].offset = w.bytes;
    w.bytes += (w.between[i].bytes() + 63) / 64 * 64;
  }
  w.step_scratch = w.bytes;
  std::size_t most = 0;
  for (const ChainLink& link : links) {
    most = std::max(most, link.step->rows()->row_scratch_bytes());
  }
  w.bytes += (most + 63) / 64 * 64;
  return w;
}

// The most rows whose windows fit, in strips of nearly equal height; 0: not even one row does.
int StripRows(std::span<const ChainLink> links, const StripBudget& budget) {
  const int height = HeightOf(links.back().types->outputs[0]);
  int rows = std::min(kMostRows, height);
  while (rows > 0 &&
         static_cast<std::int64_t>(WindowsFor(links, rows).step_scratch) > budget.windows) {
    --rows;
  }
  if (rows == 0) return 0;
  const int strips = (height + rows - 1) / rows;
  return (height + strips - 1) / strips;
}

// What a chain costs beside the work of its links, in bytes written to and read from the shared
// cache: rows moved within windows (in L2, so less) and a little for every call of a link.
constexpr double kNever = std::numeric_limits<double>::infinity();
double ChainCost(std::span<const ChainLink> links, const StripBudget& budget) {
  if (links.size() == 1) return 0;
  const int strip_rows = StripRows(links, budget);
  if (strip_rows == 0) return kNever;
  const int strips = (HeightOf(links.back().types->outputs[0]) + strip_rows - 1) / strip_rows;
  const Windows windows = WindowsFor(links, strip_rows);
  RowRange first{0, strip_rows};
  RowRange second{strip_rows, 2 * strip_rows};
  double moved = 0;
  for (std::size_t i = links.size() - 1; i > 0; --i) {
    first = links[i].step->rows()->Under(first);
    second = links[i].step->rows()->Under(second);
    const Between& b = windows.between[i - 1];
    moved += std::max(0, first.end - second.begin) * static_cast<double>(b.row_bytes) * b.blocks;
  }
  constexpr double kOfMoved = 0.5;
  constexpr double kOfCall = 10e3;
  return strips * (kOfMoved * moved + kOfCall * static_cast<double>(links.size()));
}

// Of a value that exists as a whole.
double ValueCost(const ChainLink& maker, const StripBudget& budget) {
  const std::int64_t bytes = ImageBytes(*maker.types);
  return bytes <= budget.small_value ? 0 : 2.0 * static_cast<double>(bytes);
}

class StripChain final : public Step {
 public:
  StripChain(std::vector<ChainLink> links, const StripBudget& budget, int threads)
      : links_(std::move(links)), threads_(threads) {
    for (const ChainLink& link : links_) rows_.push_back(link.step->rows());
    strip_rows_ = StripRows(links_, budget);
    windows_ = WindowsFor(links_, strip_rows_);
  }

  Status Run(const StepContext& context) const override {
    const TensorType& out = links_.back().types->outputs[0];
    const int images = ImagesOf(out);
    const int height = HeightOf(out);
    const int strips = (height + strip_rows_ - 1) / strip_rows_;
    // Cut where no thread has much to do twice.
    const int pieces = images >= threads_ ? 1 : std::min(threads_, (strips + 1) / 2);
    ParallelFor(context.pool(), std::int64_t{images} * pieces, [&](std::int64_t item, int slot) {
      const int piece = static_cast<int>(item % pieces);
      const int begin = static_cast<int>(std::int64_t{height} * piece / pieces);
      const int end = static_cast<int>(std::int64_t{height} * (piece + 1) / pieces);
      RunPiece(context, static_cast<int>(item / pieces), RowRange{begin, end}, slot);
    });
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    for (const ChainLink& link : links_) {
      const StepInfo part = link.step->Describe();
      info.kernel = part.kernel;
      info.algorithm += (info.algorithm.empty() ? "" : " + ") + part.algorithm;
      info.weight_bytes += part.weight_bytes;
      info.flops += part.flops;
    }
    return info;
  }

 private:
  // What a window holds.
  struct Held {
    int first = 0;
    int last = 0;
  };

  void RunPiece(const StepContext& context, int image, RowRange piece, int slot) const {
    std::byte* scratch = context.scratch() + static_cast<std::size_t>(slot) * windows_.bytes;
    const RowWindow in = Whole(context.input(0), links_.front().types->inputs[0],
                               links_.front().types->input_storage[0], image);
    const RowWindow out = Whole(context.output(0), links_.back().types->outputs[0],
                                links_.back().types->output_storage[0], image);
    const std::size_t last = links_.size() - 1;
    std::array<Held, kMaxLinks> held;
    std::array<RowRange, kMaxLinks> make;     // pixels, by link
    std::array<RowRange, kMaxLinks> borders;  // rows to be completed by their border
    for (int begin = piece.begin; begin < piece.end; begin += strip_rows_) {
      make[last] = {begin, std::min(begin + strip_rows_, piece.end)};
      borders[last] = WithBorder(make[last], BetweenOf(*links_[last].types));
      for (std::size_t i = last; i > 0; --i) {
        const Between& b = windows_.between[i - 1];
        RowRange want = rows_[i]->Under(make[i]);
        want.begin = std::max(want.begin, -b.top);
        want.end = std::min(want.end, b.height + b.bottom);
        Held& h = held[i - 1];
        if (begin == piece.begin) h = {want.begin, want.begin};
        Keep(b, scratch + b.offset, h, want.begin);
        borders[i - 1] = {h.last, std::max(h.last, want.end)};
        h.last = borders[i - 1].end;
        make[i - 1] = {std::clamp(borders[i - 1].begin, 0, b.height),
                       std::clamp(borders[i - 1].end, 0, b.height)};
      }
      for (std::size_t i = 0; i <= last; ++i) {
        const RowWindow from = i == 0 ? in : At(scratch, i - 1, held[i - 1]);
        const RowWindow to = i == last ? out : At(scratch, i, held[i]);
        if (make[i].count() > 0) {
          rows_[i]->RunRows(from, to, make[i], scratch + windows_.step_scratch);
        }
        if (borders[i].count() > 0) rows_[i]->FillBorder(to, borders[i]);
      }
    }
  }

  static RowRange WithBorder(RowRange rows, const Between& b) {
    if (rows.begin == 0) rows.begin = -b.top;
    if (rows.end == b.height) rows.end += b.bottom;
    return rows;
  }

  // Moves the rows still needed, those from `first` on, to the beginning of the window.
  static void Keep(const Between& b, std::byte* window, Held& held, int first) {
    const int dropped = std::min(first, held.last) - held.first;
    const int kept = held.last - held.first - dropped;
    held.first = first;
    held.last = std::max(held.last, first);
    if (dropped == 0 || kept == 0) return;
    for (int block = 0; block < b.blocks; ++block) {
      std::byte* plane = window + static_cast<std::size_t>(block) * b.plane_bytes;
      std::memmove(plane, plane + static_cast<std::size_t>(dropped) * b.row_bytes,
                   static_cast<std::size_t>(kept) * b.row_bytes);
    }
  }

  RowWindow At(std::byte* scratch, std::size_t i, const Held& held) const {
    const Between& b = windows_.between[i];
    return {scratch + b.offset, held.first, b.rows, b.plane};
  }

  static RowWindow Whole(const std::byte* base, const TensorType& type, const Storage& storage,
                         int image) {
    const bool dense = storage.layout == Layout::kDense;
    const auto image_bytes =
        dense ? storage.bytes / static_cast<std::size_t>(ImagesOf(type))
              : static_cast<std::size_t>(storage.image_stride) * SizeOf(storage.dtype);
    auto* data = const_cast<std::byte*>(base) + static_cast<std::size_t>(image) * image_bytes;
    if (dense) return {data, 0, HeightOf(type), 0};
    return {data, -static_cast<int>(storage.top), static_cast<int>(storage.rows),
            static_cast<std::ptrdiff_t>(storage.plane_stride)};
  }

  const std::vector<ChainLink> links_;
  std::vector<const RowStep*> rows_;
  const int threads_;
  int strip_rows_ = 0;
  Windows windows_;
};

}  // namespace

StripBudget BudgetOfThisMachine() {
  std::int64_t l2 = 1 << 20;
#ifdef _SC_LEVEL2_CACHE_SIZE
  static const std::int64_t found = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (found > 0) l2 = found;
#endif
  return {l2 / 2, l2 / 3};
}

std::vector<std::size_t> CutIntoChains(std::span<const ChainLink> links,
                                       const StripBudget& budget) {
  // cost[i]: of the first i links at best, the last chain of which has length[i] links.
  std::vector<double> cost(links.size() + 1, kNever);
  std::vector<std::size_t> length(links.size() + 1, 1);
  cost[0] = 0;
  for (std::size_t end = 1; end <= links.size(); ++end) {
    for (std::size_t n = 1; n <= std::min(end, kMaxLinks); ++n) {
      const double whole = n == end ? 0 : ValueCost(links[end - n - 1], budget);
      const double total = cost[end - n] + whole + ChainCost(links.subspan(end - n, n), budget);
      if (total >= cost[end]) continue;
      cost[end] = total;
      length[end] = n;
    }
  }
  std::vector<std::size_t> lengths;
  for (std::size_t end = links.size(); end > 0; end -= length[end]) lengths.push_back(length[end]);
  std::ranges::reverse(lengths);
  return lengths;
}

std::unique_ptr<Step> MakeStripChain(std::vector<ChainLink> links, const StripBudget& budget,
                                     int threads) {
  return std::make_unique<StripChain>(std::move(links), budget, threads);
}

std::size_t StripChainScratch(std::span<const ChainLink> links, const StripBudget& budget,
                              int threads) {
  return WindowsFor(links, StripRows(links, budget)).bytes * static_cast<std::size_t>(threads);
}

}  // namespace visavis
